//! Jobs over real stores.

mod graphs;
mod support;
