//! The handlers: one file for each family of resources.
//!
//! - `users`: sign up, profiles.
//! - `sessions`: log in, log out, refresh.
//! - `relationships`: follow, block, mute, and the reverse of each.
//! - `lists`: followers, followees, blocks, mutes.
//! - `tweets`: post, read, delete; a user's timeline.
//! - `feed`: the home feed.
//! - `readiness`: whether this process can serve, and what it has counted.

pub(crate) mod feed;
pub(crate) mod lists;
pub(crate) mod readiness;
pub(crate) mod relationships;
pub(crate) mod sessions;
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
