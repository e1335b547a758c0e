//! What holds for the graph store as a whole: laws, models, formats and crashes, in one binary.

mod adjacency;
mod backup;
mod compaction;
mod concurrent;
mod crash;
mod damage;
mod export;
mod generate;
mod import_binary;
mod log;
mod model;
mod parse;
mod parse_real;
mod query_expression;
mod query_model;
mod query_page;
mod query_path;
mod query_suggest;
mod repair;
mod segment;
mod service;
mod snapshot;
mod support;
