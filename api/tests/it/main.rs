//! The REST service as its clients see it: the whole router over a real database in a temporary folder, with small models
//! of the graph and the timeline behind the same links that the real services are behind.

mod accounts;
mod command_line;
mod comments;
mod engagement;
mod feed;
mod lists;
mod notifications;
mod operations;
mod problems;
mod profiles;
mod relationships;
mod search;
mod sessions;
mod suggestions;
mod support;
mod timelines;
mod tweets;
