//! Who is calling: passwords, sessions and the tokens that stand for them.
//!
//! - `password`: argon2id, at a bounded number of them at a time.
//! - `tokens`: access tokens, which are signed, and refresh tokens, which are random.
//! - `store`: sessions, and which refresh token each has now.

pub(crate) mod password;
mod store;
mod tokens;

pub use self::password::PasswordCost;
pub(crate) use self::password::Passwords;
pub(crate) use self::store::{Rotation, SessionStore};
pub(crate) use self::tokens::{RefreshToken, Tokens};
