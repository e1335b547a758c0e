//! One account, as the database has it and as it comes in.

use std::fmt;

use sqlx::FromRow;

use crate::database::{StoreError, time_ms, user_id};

/// A user of the graph who can be spoken of by name.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: u32,
    pub(crate) username: String,
    pub(crate) email: Option<String>,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) image_url: Option<String>,
    pub(crate) hero_image_url: Option<String>,
    /// `YYYY-MM-DD`.
    pub(crate) date_of_birth: Option<String>,
    pub(crate) created_at_ms: u64,
    pub(crate) last_login_at_ms: Option<u64>,
}

/// The columns of an account that anybody but the log in needs, for a statement whose table is called `a`.
macro_rules! account_columns {
    () => {
        "a.id, a.username, a.email, a.name, a.description, a.image_url, a.hero_image_url, a.date_of_birth, \
         a.created_at_ms, a.last_login_at_ms"
    };
}
pub(crate) use account_columns;

/// A row of [`account_columns`].
#[derive(FromRow)]
pub(crate) struct AccountRow {
    id: i64,
    username: String,
    email: Option<String>,
    name: String,
    description: String,
    image_url: Option<String>,
    hero_image_url: Option<String>,
    date_of_birth: Option<String>,
    created_at_ms: i64,
    last_login_at_ms: Option<i64>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        Ok(Account {
            id: user_id("accounts.id", row.id)?,
            username: row.username,
            email: row.email,
            name: row.name,
            description: row.description,
            image_url: row.image_url,
            hero_image_url: row.hero_image_url,
            date_of_birth: row.date_of_birth,
            created_at_ms: time_ms("accounts.created_at_ms", row.created_at_ms)?,
            last_login_at_ms: row
                .last_login_at_ms
                .map(|value| time_ms("accounts.last_login_at_ms", value))
                .transpose()?,
        })
    }
}

/// An account to be made for a user of the graph.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The user id that graph-store gave out.
    pub id: u32,
    /// 1 to 30 of `[a-z0-9_]`.
    pub username: String,
    /// What the user is called.
    pub name: String,
    /// What the user says about themselves.
    pub description: String,
    /// Lower case.
    pub email: Option<String>,
    /// An argon2id PHC string; without one nobody can log in.
    pub password_hash: Option<String>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Address and hash are nobody's business, a log's least of all.
        f.debug_struct("NewAccount").field("id", &self.id).field("username", &self.username).finish_non_exhaustive()
    }
}

/// What a change of a profile sets. The outer `None` leaves a field as it is, the inner one clears it.
#[derive(Debug, Default)]
pub(crate) struct ProfileChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) image_url: Option<Option<String>>,
    pub(crate) hero_image_url: Option<Option<String>>,
    pub(crate) date_of_birth: Option<Option<String>>,
}
