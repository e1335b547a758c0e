//! The JSON of people, tweets and pages.
//!
//! A page is put together with one call for each thing that is needed (accounts, counts, relationships), whatever its
//! length: never with one for each item.

mod entry;
mod notification;
mod page;
mod scalar;
mod tweet;
mod user;

pub(crate) use self::entry::EntryView;
pub(crate) use self::notification::NotificationView;
pub(crate) use self::page::Page;
pub(crate) use self::scalar::{Decimal, Rfc3339};
pub(crate) use self::tweet::TweetView;
pub(crate) use self::user::{RelationshipView, UserView, viewer_id};
