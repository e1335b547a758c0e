//! The timeline service as its clients see it, over a graph that is a handful of sets in memory.

mod concurrency;
mod durability;
mod engagement;
mod feeds;
mod graph_link;
mod load;
mod model;
mod modes;
mod notifications;
mod notifications_model;
mod paging;
mod support;
mod tweets;
