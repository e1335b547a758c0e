//! The handlers: one file for each family of resources.
//!
//! - `users`: sign up, profiles.
//! - `sessions`: log in, log out, refresh.
//! - `relationships`: follow, block, mute, and the reverse of each.
//! - `lists`: followers, followees, blocks, mutes.
//! - `posting`: post a tweet.
//! - `tweets`: read and delete one.
//! - `engagement`: favorite, retweet, and the reverse of each; who did.
//! - `comments`: answer a tweet; the answers.
//! - `timelines`: what a user posted and favorited.
//! - `feed`: the home feed.
//! - `notifications`: what happened to the caller.
//! - `suggestions`: who to follow; who of one's followees follows somebody.
//! - `search`: people by handle and name.
//! - `readiness`: whether this process can serve, and what it has counted.

pub(crate) mod comments;
pub(crate) mod engagement;
pub(crate) mod feed;
pub(crate) mod lists;
pub(crate) mod notifications;
pub(crate) mod posting;
pub(crate) mod readiness;
pub(crate) mod relationships;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod suggestions;
pub(crate) mod timelines;
pub(crate) mod tweets;
pub(crate) mod users;

use std::sync::Arc;

use crate::accounts::Account;
use crate::error::{Answer, Problem};
use crate::state::App;

impl App {
    /// The account of the user whom a path names. A name that nobody could have is one that nobody has.
    async fn account_of(&self, username: &str) -> Answer<Arc<Account>> {
        self.accounts.people.by_username(username).await?.ok_or_else(Problem::no_such_user)
    }
}
