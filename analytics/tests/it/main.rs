//! Jobs over real stores.

mod graphs;
mod real;
mod similar;
mod support;
mod who_to_follow;
