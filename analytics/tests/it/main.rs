//! Jobs over real stores.

mod communities;
mod graphs;
mod real;
mod similar;
mod support;
mod who_to_follow;
