//! Roost beside Redis and PostgreSQL, each with the same edges, asked the same questions in the same way.
//!
//! - [`workload`]: the edges, the questions, and what the answers must be.
//! - [`system`]: what is asked of each system, and how it is measured.
//! - [`redis`], [`postgres`], [`roost`]: the systems.
//! - [`report`]: the figures side by side.

pub mod postgres;
pub mod redis;
pub mod report;
pub mod roost;
pub mod system;
pub mod workload;
