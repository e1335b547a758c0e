//! What a tweet and a feed are, without I/O: values in, values out.
//!
//! - [`text`]: which texts may be posted, counted as people count.
//! - [`entities`]: the hashtags, mentions and links of a text.
//! - [`place`]: which places a tweet may name.
//! - [`rules`]: what a home feed is.
//! - [`merge`]: many streams of entries as one, lazily.
//! - [`members`]: a set of users that is asked about one user after another.
//! - [`page`]: a part of an endless timeline, and the places before and after it.
//!
//! Nothing here knows of a disk, a network, a clock or a thread.

pub(crate) mod entities;
pub(crate) mod members;
pub(crate) mod merge;
pub(crate) mod page;
pub(crate) mod place;
pub(crate) mod rules;
pub(crate) mod text;
