//! Jobs over real stores.

mod communities;
mod graphs;
mod influence;
mod real;
mod similar;
mod support;
mod who_to_follow;
