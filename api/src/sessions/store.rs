//! The tables of sessions and refresh tokens.
//!
//! A log in begins a session. The session has one refresh token at a time; using it gives another, in one transaction. A
//! used one that comes again was copied by somebody, and we cannot tell who of the two is the thief: the session ends.

use std::sync::Arc;

use sqlx::{Sqlite, Transaction};

use super::tokens::RefreshToken;
use crate::Settings;
use crate::accounts::{Account, AccountRow, AccountStore, account_columns};
use crate::database::{Database, StoreError, stored_ms, time_ms, user_id};
use crate::remembered::{Confirmed, Remembered};

/// Sessions of one account at a time; the oldest make room.
const SESSIONS_PER_ACCOUNT_MAX: i64 = 100;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Begins, continues and ends sessions.
#[derive(Clone, Debug)]
pub(crate) struct SessionStore {
    database: Database,
    people: AccountStore,
    /// Sessions that have not been ended.
    remembered: Arc<Remembered<String, Session>>,
    refresh_token_ms: u64,
}

/// A session that nobody has ended.
#[derive(Clone, Copy, Debug)]
struct Session {
    account: u32,
    expires_at_ms: u64,
}

/// What became of a refresh token.
#[derive(Debug)]
pub(crate) enum Rotation {
    /// It was good and is used now. The new one is kept, in this session.
    Rotated(String),
    /// It was used before: the session has ended.
    Reused,
    /// It is none of ours, has expired, or its session has ended.
    Unknown,
}

/// A refresh token beside its session.
#[derive(sqlx::FromRow)]
struct TokenRow {
    session_id: String,
    expires_at_ms: i64,
    used_at_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
}

impl SessionStore {
    pub(crate) fn new(
        database: Database,
        people: AccountStore,
        settings: &Settings,
        confirmed: &Arc<Confirmed>,
    ) -> Self {
        let remembered = Arc::new(Remembered::new(settings.accounts_remembered, confirmed.clone()));
        SessionStore { database, people, remembered, refresh_token_ms: u64::from(settings.refresh_token_days) * DAY_MS }
    }

    /// Begins a session with its first refresh token, at a log in, which is noted in the account.
    pub(crate) async fn begin(&self, account: u32, now_ms: u64, token: &RefreshToken) -> Result<String, StoreError> {
        let expires_at_ms = now_ms.saturating_add(self.refresh_token_ms);
        let mut transaction = self.database.write().await?;
        let (session, ended) = insert(&mut transaction, account, now_ms, expires_at_ms).await?;
        insert_token(&mut transaction, &session, token, expires_at_ms).await?;
        sqlx::query("UPDATE accounts SET last_login_at_ms = $1 WHERE id = $2")
            .bind(stored_ms(now_ms))
            .bind(i64::from(account))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.people.forget_in_private(account);
        self.forget(&ended);
        Ok(session)
    }

    /// Begins a session for one access token that cannot be refreshed.
    pub(crate) async fn create_for_token(
        &self,
        account: u32,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Result<String, StoreError> {
        let mut transaction = self.database.write().await?;
        let (session, ended) = insert(&mut transaction, account, now_ms, expires_at_ms).await?;
        transaction.commit().await?;
        self.forget(&ended);
        Ok(session)
    }

    /// Whose session this is, unless it has ended.
    pub(crate) async fn account_of(&self, session: &str, now_ms: u64) -> Result<Option<Arc<Account>>, StoreError> {
        match self.session(session).await? {
            Some(session) if now_ms < session.expires_at_ms => self.people.by_id(session.account).await,
            _ => Ok(None),
        }
    }

    async fn session(&self, session: &str) -> Result<Option<Session>, StoreError> {
        if let Some(session) = self.remembered.get(session) {
            return Ok(Some(session));
        }
        let ticket = self.remembered.ticket(session);
        let found: Option<(i64, i64)> = sqlx::query_as(
            "SELECT s.account_id, s.expires_at_ms FROM sessions s WHERE s.id = $1 AND s.revoked_at_ms IS NULL",
        )
        .bind(session)
        .fetch_optional(&self.database.readers)
        .await?;
        let Some((account, expires_at)) = found else { return Ok(None) };
        let found = Session {
            account: user_id("sessions.account_id", account)?,
            expires_at_ms: time_ms("sessions.expires_at_ms", expires_at)?,
        };
        self.remembered.put(session.to_owned(), found, ticket);
        Ok(Some(found))
    }

    /// Sessions may have been changed by another process.
    pub(crate) fn forget_all(&self) {
        self.remembered.forget_all();
    }

    fn forget(&self, sessions: &[String]) {
        sessions.iter().for_each(|session| self.remembered.forget(session.as_str()));
    }

    /// Whose session had this refresh token at some time. Whether it is still good only [`Self::rotate`] tells.
    pub(crate) async fn holder_of(&self, token: &RefreshToken) -> Result<Option<Account>, StoreError> {
        let found = sqlx::query_as::<_, AccountRow>(concat!(
            "SELECT ",
            account_columns!(),
            " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN accounts a ON a.id = s.account_id",
            " WHERE t.hash = $1"
        ));
        let row = found.bind(token.hash()).fetch_optional(&self.database.readers).await?;
        row.map(Account::try_from).transpose()
    }

    /// Uses a refresh token, and keeps `next` in its place.
    pub(crate) async fn rotate(
        &self,
        token: &RefreshToken,
        next: &RefreshToken,
        now_ms: u64,
    ) -> Result<Rotation, StoreError> {
        let now = stored_ms(now_ms);
        let mut transaction = self.database.write().await?;
        let found: Option<TokenRow> = sqlx::query_as(
            "SELECT t.session_id, t.expires_at_ms, t.used_at_ms, s.revoked_at_ms \
             FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.hash = $1",
        )
        .bind(token.hash())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = found else { return Ok(Rotation::Unknown) };
        if row.revoked_at_ms.is_some() || row.expires_at_ms <= now {
            return Ok(Rotation::Unknown);
        }
        // The condition is for databases with several writers: of two that use a token at once, one changes the row.
        let used = sqlx::query("UPDATE refresh_tokens SET used_at_ms = $1 WHERE hash = $2 AND used_at_ms IS NULL")
            .bind(now)
            .bind(token.hash())
            .execute(&mut *transaction)
            .await?;
        if row.used_at_ms.is_some() || used.rows_affected() != 1 {
            revoke(&mut transaction, &row.session_id, now_ms).await?;
            transaction.commit().await?;
            self.remembered.forget(row.session_id.as_str());
            return Ok(Rotation::Reused);
        }
        let expires_at_ms = now_ms.saturating_add(self.refresh_token_ms);
        insert_token(&mut transaction, &row.session_id, next, expires_at_ms).await?;
        sqlx::query("UPDATE sessions SET expires_at_ms = $1 WHERE id = $2")
            .bind(stored_ms(expires_at_ms))
            .bind(&row.session_id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM refresh_tokens WHERE session_id = $1 AND expires_at_ms <= $2")
            .bind(&row.session_id)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.remembered.forget(row.session_id.as_str());
        Ok(Rotation::Rotated(row.session_id))
    }

    /// Ends a session: its tokens are good for nothing from now on.
    pub(crate) async fn revoke(&self, session: &str, now_ms: u64) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        revoke(&mut transaction, session, now_ms).await?;
        transaction.commit().await?;
        self.remembered.forget(session);
        Ok(())
    }

    /// Forgets the sessions that are over, and their refresh tokens with them.
    pub(crate) async fn sweep(&self, now_ms: u64) -> sqlx::Result<()> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at_ms <= $1")
            .bind(stored_ms(now_ms))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

/// Inserts a session, and makes room for it among those of the account. Answers it, and those that had to go.
async fn insert(
    transaction: &mut Transaction<'static, Sqlite>,
    account: u32,
    now_ms: u64,
    expires_at_ms: u64,
) -> Result<(String, Vec<String>), StoreError> {
    let session = uuid::Uuid::new_v4().simple().to_string();
    let ended = sqlx::query_scalar(
        "DELETE FROM sessions WHERE account_id = $1 AND (expires_at_ms <= $2 OR id IN \
         (SELECT s.id FROM sessions s WHERE s.account_id = $1 ORDER BY s.created_at_ms DESC, s.id LIMIT 1000000 OFFSET $3)) \
         RETURNING id",
    )
    .bind(i64::from(account))
    .bind(stored_ms(now_ms))
    .bind(SESSIONS_PER_ACCOUNT_MAX - 1)
    .fetch_all(&mut **transaction)
    .await?;
    sqlx::query("INSERT INTO sessions (id, account_id, created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4)")
        .bind(&session)
        .bind(i64::from(account))
        .bind(stored_ms(now_ms))
        .bind(stored_ms(expires_at_ms))
        .execute(&mut **transaction)
        .await?;
    Ok((session, ended))
}

async fn insert_token(
    transaction: &mut Transaction<'static, Sqlite>,
    session: &str,
    token: &RefreshToken,
    expires_at_ms: u64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO refresh_tokens (hash, session_id, expires_at_ms) VALUES ($1, $2, $3)")
        .bind(token.hash())
        .bind(session)
        .bind(stored_ms(expires_at_ms))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn revoke(transaction: &mut Transaction<'static, Sqlite>, session: &str, now_ms: u64) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms IS NULL")
        .bind(stored_ms(now_ms))
        .bind(session)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
