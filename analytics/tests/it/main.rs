//! Jobs over real stores.

mod graphs;
mod ldbc;
mod support;
