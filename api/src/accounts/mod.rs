//! Who has an account: the accounts and sessions of a data folder, for the server and for the command line.
//!
//! - `account`: one account.
//! - `store`: the table of them.
//! - `search`: who is meant by some words.
//! - `validation`: what their fields may hold.

mod account;
mod search;
mod store;
pub(crate) mod validation;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::clock::Clock;
use base::{Code, Error};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

pub use self::account::NewAccount;
pub(crate) use self::account::{Account, AccountRow, ProfileChange, account_columns};
pub(crate) use self::search::{Matches, PeopleQuery};
pub(crate) use self::store::{AccountStore, Credentials, InsertError};
use crate::Settings;
use crate::database::{Database, FILE_NAME, OpenError, StoreError};
use crate::remembered::{Confirmed, LOOK_INTERVAL};
use crate::sessions::{Passwords, SessionStore, Tokens};

/// Accounts of one [`Accounts::import_accounts`]: one transaction, a fraction of a second.
pub const IMPORT_MAX: usize = 10_000;

/// Between two fillings of memory, where other processes write all the time.
const FILL_INTERVAL: Duration = Duration::from_secs(30);

/// The accounts, sessions and keys of an api's folder. Opening them needs no server, and may be done beside a running one.
#[derive(Debug)]
pub struct Accounts {
    database: Database,
    pub(crate) people: AccountStore,
    pub(crate) sessions: SessionStore,
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Passwords,
    pub(crate) clock: Arc<dyn Clock>,
    /// Looks for what other processes write.
    watch: AbortHandle,
    /// Told when everything that was remembered has been forgotten.
    forgotten: Arc<Notify>,
    /// Reads accounts into memory.
    fill: Option<AbortHandle>,
}

impl Drop for Accounts {
    fn drop(&mut self) {
        self.watch.abort();
        self.fill.iter().for_each(AbortHandle::abort);
    }
}

impl Accounts {
    /// Opens the folder that the settings name, and makes what is missing in it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which file cannot be used.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Database::open(&settings.folder).await?;
        let confirmed = Arc::new(Confirmed::new());
        let people = AccountStore::new(database.clone(), settings.accounts_remembered, &confirmed);
        let sessions = SessionStore::new(database.clone(), people.clone(), settings, &confirmed);
        let swept = sessions.sweep(clock.now_ms()).await;
        swept.map_err(|source| OpenError::Database { path: settings.folder.join(FILE_NAME), source })?;
        let forgotten = Arc::new(Notify::new());
        let watch = watch(database.clone(), confirmed, people.clone(), sessions.clone(), forgotten.clone());
        Ok(Accounts {
            watch: tokio::spawn(watch).abort_handle(),
            forgotten,
            fill: None,
            people,
            sessions,
            tokens: Tokens::open(&settings.folder, settings.access_token_seconds)?,
            passwords: Passwords::new(settings.password_cost)?,
            database,
            clock,
        })
    }

    /// Reads accounts into memory from now on, after each time that all were forgotten: for a server that is about to be
    /// asked.
    pub(crate) fn keep_memory_full(&mut self) {
        let (people, forgotten) = (self.people.clone(), self.forgotten.clone());
        forgotten.notify_one();
        let fill = async move {
            loop {
                forgotten.notified().await;
                if let Err(error) = people.fill_memory().await {
                    tracing::warn!(%error, "accounts could not be read into memory");
                }
                tokio::time::sleep(FILL_INTERVAL).await;
            }
        };
        self.fill = Some(tokio::spawn(fill).abort_handle());
    }

    /// An access token for the user of this name, with a session of its own, so that it can be revoked. It is good for
    /// `lifetime_seconds`, or as long as any other access token where that is `None`.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` naming `username` where there is no such account.
    pub async fn mint_access_token(&self, username: &str, lifetime_seconds: Option<u64>) -> Result<String, Error> {
        let found = self.people.by_username(username).await?;
        let nobody = || Error::new(Code::NotFound, "there is no user of this name").with_field("username");
        let account = found.ok_or_else(nobody)?;
        let now_ms = self.clock.now_ms();
        let lifetime_seconds = lifetime_seconds.unwrap_or(self.tokens.lifetime_seconds());
        let expires_at_ms = now_ms.saturating_add(lifetime_seconds.saturating_mul(1000));
        let session = self.sessions.create_for_token(account.id, now_ms, expires_at_ms).await?;
        Ok(self.tokens.sign(account.id, &session, now_ms, lifetime_seconds)?)
    }

    /// Makes accounts for users of the graph, at most [`IMPORT_MAX`], all or none, and answers how many are new. A user who
    /// has an account keeps it as it is, so that an import can be repeated.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` naming the field of an account that cannot be, `ALREADY_EXISTS` naming the one
    /// whose username is another user's.
    pub async fn import_accounts(&self, accounts: &[NewAccount]) -> Result<u64, Error> {
        if accounts.len() > IMPORT_MAX {
            return Err(Error::invalid("accounts", format!("at most {IMPORT_MAX} at once, not {}", accounts.len())));
        }
        for (idx, new) in accounts.iter().enumerate() {
            let refused = |field: &str, wrong| Error::invalid(format!("accounts[{idx}].{field}"), wrong);
            validation::username(new.username.clone()).map_err(|wrong| refused("username", wrong))?;
            validation::name(new.name.clone()).map_err(|wrong| refused("name", wrong))?;
            validation::description(new.description.clone()).map_err(|wrong| refused("description", wrong))?;
            if let Some(email) = &new.email {
                let kept = validation::email(email.clone()).map_err(|wrong| refused("email", wrong))?;
                if kept != *email {
                    return Err(refused("email", "must be in lower case".to_owned()));
                }
            }
        }
        match self.people.import(accounts).await {
            Err(StoreError::Database(sqlx::Error::Database(refused))) if refused.is_unique_violation() => {
                Err(self.taken(accounts).await?.with_source(refused))
            }
            imported => Ok(imported?),
        }
    }

    /// Names the first of `accounts` whose username is another user's; if it is none of them, it was an email.
    async fn taken(&self, accounts: &[NewAccount]) -> Result<Error, Error> {
        let known = self.people.ids_of(accounts.iter().map(|new| new.username.clone())).await?;
        let mut owners: HashMap<String, u32> = known.into_iter().collect();
        for (idx, new) in accounts.iter().enumerate() {
            // Those that come before count as well: a batch can be at odds with itself.
            if *owners.entry(new.username.clone()).or_insert(new.id) != new.id {
                let message = format!("the username {} is another user's", new.username);
                return Ok(Error::new(Code::AlreadyExists, message).with_field(format!("accounts[{idx}].username")));
            }
        }
        Ok(Error::new(Code::AlreadyExists, "an email is another user's").with_field("accounts"))
    }

    /// What to keep of a password: an argon2id PHC string.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` naming `password` where it is too short or too long; `RESOURCE_EXHAUSTED` under overload.
    pub async fn hash_password(&self, password: &str) -> Result<String, Error> {
        let password = validation::password(password.to_owned()).map_err(|wrong| Error::invalid("password", wrong))?;
        Ok(self.passwords.hash(password).await?)
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        Ok(self.database.ping().await?)
    }

    /// Waits for what is under way and closes the files.
    pub async fn close(&self) {
        self.watch.abort();
        self.fill.iter().for_each(AbortHandle::abort);
        self.database.close().await;
    }
}

/// Forgets what is remembered whenever another process has written to the database.
async fn watch(
    database: Database,
    confirmed: Arc<Confirmed>,
    people: AccountStore,
    sessions: SessionStore,
    forgotten: Arc<Notify>,
) {
    let mut last = None;
    loop {
        let asked_at = Instant::now();
        match database.version().await {
            Ok(version) => {
                if last.is_some_and(|last| last != version) {
                    people.forget_all();
                    sessions.forget_all();
                    forgotten.notify_one();
                }
                last = Some(version);
                confirmed.renew(asked_at);
            }
            Err(error) => {
                tracing::warn!(%error, "the accounts do not say whether another process changed them");
                people.forget_all();
                sessions.forget_all();
                forgotten.notify_one();
                last = None;
            }
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
