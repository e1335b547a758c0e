//! Jobs over real stores.

mod graphs;
mod ldbc;
mod models;
mod runs;
mod support;
