//! What holds for graph-store as a whole: laws, models and formats, in one binary.

mod adjacency;
mod parse;
mod parse_real;
mod query_expression;
mod query_model;
mod query_page;
mod query_path;
mod query_suggest;
mod segment;
