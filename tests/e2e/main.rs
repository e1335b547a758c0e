//! End to end: the real binary, real data, real signals. One module a story.
//!
//! - [`support`]: processes, clients, the data sets, and models to compare with.
//! - [`cli`]: usage, settings, exit codes, what else listens.
//! - [`import`]: real graphs in, the same graphs out.
//! - [`killed_import`]: SIGKILL in the middle of an import.
//! - [`generate`]: made-up graphs, counted, imported and found whole.
//! - [`operations`]: export, backup while it serves, restore, repair.
//! - [`engines`]: DuckDB and Polars over what is exported for them compute what we do.
//! - [`analytics`]: jobs over a whole graph equal another library's, also when they are killed on the way.
//! - [`live_analytics`]: the same on a graph that is served and changes, and their results published.
//! - [`feeds`]: home feeds over a real graph equal a model, in one process and in three.
//! - [`story`]: the life of some people over REST, in both wirings, across a restart.
//! - [`modes`]: feeds by pull, by push and by whatever is cheapest are the same, and say how they came.
//! - [`engagement`]: favorites, retweets, comments and deletes, counted and listed, across restarts.
//! - [`notifications`]: who is told of what, once, and reading it.
//! - [`search`]: people, by how their names begin, in both wirings.
//! - [`paging`]: pages stay whole while others write.
//! - [`crash`]: what was acknowledged survives SIGKILL.
//! - [`chaos`]: the same for all that people do, judged by a history of what they did and saw.
//! - [`walkthrough`]: the README's commands, as printed.
//! - [`watch`]: the change stream over a real connection, and its end when the server stops.

mod analytics;
mod chaos;
mod cli;
mod crash;
mod engagement;
mod engines;
mod feeds;
mod generate;
mod import;
mod killed_import;
mod live_analytics;
mod modes;
mod notifications;
mod operations;
mod paging;
mod search;
mod story;
mod support;
mod walkthrough;
mod watch;
