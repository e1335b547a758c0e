//! Servers of our own to be measured: in folders of their own, on free ports of loopback, gone when they are dropped.
//!
//! - [`process`]: any of them.
//! - [`redis`], [`postgres`]: started and filled.
//! - [`roost`]: `roost serve`, and the commands that fill its folder.

pub mod postgres;
pub mod process;
pub mod redis;
pub mod roost;
