//! `roost`: the command line, and the roles wired together. What they do is in the crates; nothing of it is here.
//!
//! In reading order:
//!
//! - `cli`: one file a family of commands.
//! - `config`: flag over environment over file over defaults.
//! - `roles`: which services a process runs, how they reach one another, how it starts and stops.
//! - `demo`: a small lively community to look at.

mod cli;
mod config;
mod demo;
mod progress;
mod roles;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What is made on one thread and let go on another, as most of what goes through a queue is, costs the system's allocator a quarter of
/// the time of a busy writer.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
