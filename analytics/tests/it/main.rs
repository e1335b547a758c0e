//! Jobs over real stores.

mod communities;
mod graphs;
mod influence;
mod ldbc;
mod models;
mod real;
mod runs;
mod service;
mod similar;
mod support;
mod who_to_follow;
