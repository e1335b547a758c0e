//! The table of accounts.

use std::sync::Arc;

use sqlx::{QueryBuilder, Sqlite};

use super::account::{Account, AccountRow, NewAccount, ProfileChange, account_columns};
use crate::database::{Database, StoreError, stored_ms, user_id};
use crate::remembered::{Confirmed, Remembered, Standing};

/// Rows of one INSERT: nine placeholders each, of the 32,766 that a statement may have.
const ROWS_PER_STATEMENT: usize = 1000;

/// Accounts that are read at once while memory is filled.
const ROWS_PER_FILL: u32 = 1000;

/// Finds, makes and changes accounts.
#[derive(Clone, Debug)]
pub(crate) struct AccountStore {
    pub(super) database: Database,
    remembered: Arc<Remembered<u32, Arc<Account>>>,
    /// Whose a username is; once it is somebody's, it is theirs for good.
    usernames: Arc<Remembered<String, u32>>,
    remembered_max: usize,
}

/// An account, and what its password is compared with.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) account: Account,
    pub(crate) password_hash: Option<String>,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InsertError {
    #[error("the username is taken")]
    UsernameTaken,
    #[error("the email is taken")]
    EmailTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for InsertError {
    fn from(error: sqlx::Error) -> Self {
        InsertError::Store(error.into())
    }
}

impl AccountStore {
    pub(crate) fn new(database: Database, remembered_max: usize, confirmed: &Arc<Confirmed>) -> Self {
        AccountStore {
            database,
            remembered: Arc::new(Remembered::new(remembered_max, confirmed.clone())),
            usernames: Arc::new(Remembered::new(remembered_max, confirmed.clone())),
            remembered_max,
        }
    }

    /// The account of this name.
    pub(crate) async fn by_username(&self, username: &str) -> Result<Option<Arc<Account>>, StoreError> {
        if let Some(account) = self.usernames.get(username).and_then(|id| self.remembered.get(&id)) {
            return Ok(Some(account));
        }
        let ticket = self.usernames.ticket(username);
        let found: Option<i64> = sqlx::query_scalar("SELECT a.id FROM accounts a WHERE a.username = $1")
            .bind(username)
            .fetch_optional(&self.database.readers)
            .await?;
        let Some(id) = found else { return Ok(None) };
        let id = user_id("accounts.id", id)?;
        self.usernames.put(username.to_owned(), id, ticket);
        self.by_id(id).await
    }

    /// Reads accounts into memory, from the first on, as many as have room there: so the first request for somebody costs
    /// no more than the next.
    pub(crate) async fn fill_memory(&self) -> Result<(), StoreError> {
        const SELECT: &str =
            concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.id > $1 ORDER BY a.id LIMIT $2");
        let (mut last, mut filled) = (-1, 0);
        while filled < self.remembered_max {
            // Nobody knows yet whose rows these will be.
            let changes = (self.remembered.ticket_for_all(), self.usernames.ticket_for_all());
            let rows: Vec<AccountRow> =
                sqlx::query_as(SELECT).bind(last).bind(ROWS_PER_FILL).fetch_all(&self.database.readers).await?;
            if rows.is_empty() {
                break;
            }
            filled += rows.len();
            for row in rows {
                let account = Arc::new(Account::try_from(row)?);
                last = i64::from(account.id);
                self.usernames.put_with(account.username.clone(), account.id, &changes.1);
                self.remembered.put_with(account.id, account, &changes.0);
            }
        }
        tracing::info!(accounts = filled, "accounts are in memory");
        Ok(())
    }

    /// The account of this id.
    pub(crate) async fn by_id(&self, id: u32) -> Result<Option<Arc<Account>>, StoreError> {
        Ok(self.by_ids([id]).await?.pop())
    }

    /// Those of `ids` that have an account, in any order, with one statement for those that are not remembered.
    pub(crate) async fn by_ids(&self, ids: impl IntoIterator<Item = u32>) -> Result<Vec<Arc<Account>>, StoreError> {
        let mut found = Vec::new();
        let mut tickets = Vec::new();
        for id in ids {
            match self.remembered.get(&id) {
                Some(account) => found.push(account),
                None => tickets.push((id, self.remembered.ticket(&id))),
            }
        }
        tickets.sort_unstable_by_key(|(id, _)| *id);
        let mut select =
            QueryBuilder::<Sqlite>::new(concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.id IN ("));
        if !bind_all(&mut select, tickets.iter().map(|(id, _)| i64::from(*id))) {
            return Ok(found);
        }
        for row in select.build_query_as::<AccountRow>().persistent(false).fetch_all(&self.database.readers).await? {
            let account = Arc::new(Account::try_from(row)?);
            if let Ok(place) = tickets.binary_search_by_key(&account.id, |(id, _)| *id) {
                self.remembered.put(account.id, account.clone(), tickets[place].1);
            }
            found.push(account);
        }
        Ok(found)
    }

    /// Some accounts as they are: to be asked for before they are read.
    pub(crate) fn standing(&self, ids: &[u32]) -> Standing {
        self.remembered.standing(ids.iter())
    }

    /// Whether these accounts are known to be as they were.
    pub(crate) fn stand(&self, standing: &Standing) -> bool {
        self.remembered.stands(standing)
    }

    /// An account was changed elsewhere than here.
    pub(crate) fn forget(&self, id: u32) {
        self.remembered.forget(&id);
    }

    /// Somebody logged in, which only they are shown.
    pub(crate) fn forget_in_private(&self, id: u32) {
        self.remembered.forget_in_private(&id);
    }

    /// Accounts may have been changed by another process.
    pub(crate) fn forget_all(&self) {
        self.remembered.forget_all();
        self.usernames.forget_all();
    }

    /// Those of `usernames` that exist, with their ids, in any order, with one statement for those that are not remembered.
    pub(crate) async fn ids_of(
        &self,
        usernames: impl IntoIterator<Item = String>,
    ) -> Result<Vec<(String, u32)>, StoreError> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for username in usernames {
            match self.usernames.get(&username) {
                Some(id) => found.push((username, id)),
                None => unknown.push(username),
            }
        }
        let mut select = QueryBuilder::<Sqlite>::new("SELECT a.username, a.id FROM accounts a WHERE a.username IN (");
        if !bind_all(&mut select, unknown) {
            return Ok(found);
        }
        let rows: Vec<(String, i64)> =
            select.build_query_as().persistent(false).fetch_all(&self.database.readers).await?;
        for (username, id) in rows {
            found.push((username, user_id("accounts.id", id)?));
        }
        Ok(found)
    }

    /// The account of a username, or of an email in lower case, for a log in.
    pub(crate) async fn credentials(&self, login: &str) -> Result<Option<Credentials>, StoreError> {
        // No username has an @, so a login is one or the other.
        let statement = if login.contains('@') {
            "SELECT a.username, a.password_hash FROM accounts a WHERE a.email = $1"
        } else {
            "SELECT a.username, a.password_hash FROM accounts a WHERE a.username = $1"
        };
        let found: Option<(String, Option<String>)> =
            sqlx::query_as(statement).bind(login).fetch_optional(&self.database.readers).await?;
        let Some((username, password_hash)) = found else { return Ok(None) };
        let account = self.by_username(&username).await?;
        Ok(account.map(|account| Credentials { account: Account::clone(&account), password_hash }))
    }

    /// Which of a username and an email is taken.
    pub(crate) async fn check_free(&self, username: &str, email: Option<&str>) -> Result<(), InsertError> {
        let statement = "SELECT COUNT(*) FROM accounts a WHERE a.username = $1";
        let names: i64 = sqlx::query_scalar(statement).bind(username).fetch_one(&self.database.readers).await?;
        if names > 0 {
            return Err(InsertError::UsernameTaken);
        }
        let statement = "SELECT COUNT(*) FROM accounts a WHERE a.email = $1";
        let emails: i64 = sqlx::query_scalar(statement).bind(email).fetch_one(&self.database.readers).await?;
        if emails > 0 { Err(InsertError::EmailTaken) } else { Ok(()) }
    }

    /// Makes an account. Of two that want the same name at the same time, the database lets one pass.
    pub(crate) async fn insert(&self, new: &NewAccount) -> Result<(), InsertError> {
        let mut transaction = self.database.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO accounts (id, username, email, password_hash, name, description, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(i64::from(new.id))
        .bind(&new.username)
        .bind(&new.email)
        .bind(&new.password_hash)
        .bind(&new.name)
        .bind(&new.description)
        .bind(stored_ms(new.created_at_ms))
        .execute(&mut *transaction)
        .await;
        match inserted {
            Ok(_) => Ok(transaction.commit().await?),
            Err(sqlx::Error::Database(refused)) if refused.is_unique_violation() => {
                // Databases name the constraint each in their own way; asking again names the field in one.
                transaction.rollback().await?;
                self.check_free(&new.username, new.email.as_deref()).await?;
                Err(StoreError::from(sqlx::Error::Database(refused)).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes many accounts in one transaction, and answers how many. An id that has an account keeps it as it is.
    pub(crate) async fn import(&self, accounts: &[NewAccount]) -> Result<u64, StoreError> {
        let mut transaction = self.database.write().await?;
        let mut made = 0;
        for chunk in accounts.chunks(ROWS_PER_STATEMENT) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "INSERT INTO accounts (id, username, email, password_hash, name, description, created_at_ms) ",
            );
            insert.push_values(chunk, |mut row, new| {
                row.push_bind(i64::from(new.id))
                    .push_bind(&new.username)
                    .push_bind(&new.email)
                    .push_bind(&new.password_hash)
                    .push_bind(&new.name)
                    .push_bind(&new.description)
                    .push_bind(stored_ms(new.created_at_ms));
            });
            insert.push(" ON CONFLICT (id) DO NOTHING");
            made += insert
                .build()
                .persistent(chunk.len() == ROWS_PER_STATEMENT)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
        }
        transaction.commit().await?;
        Ok(made)
    }

    /// Changes a profile, only the fields that are named, and answers the account as it is then.
    pub(crate) async fn update(&self, id: u32, change: ProfileChange) -> Result<Option<Account>, StoreError> {
        let mut update = QueryBuilder::<Sqlite>::new("UPDATE accounts AS a SET id = id");
        if let Some(name) = change.name {
            update.push(", name = ").push_bind(name);
        }
        if let Some(description) = change.description {
            update.push(", description = ").push_bind(description);
        }
        let nullable = [
            (", image_url = ", change.image_url),
            (", hero_image_url = ", change.hero_image_url),
            (", date_of_birth = ", change.date_of_birth),
        ];
        for (assignment, value) in nullable {
            if let Some(value) = value {
                update.push(assignment).push_bind(value);
            }
        }
        update.push(" WHERE a.id = ").push_bind(i64::from(id));
        let mut transaction = self.database.write().await?;
        update.build().execute(&mut *transaction).await?;
        let select =
            sqlx::query_as::<_, AccountRow>(concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.id = $1"));
        let row = select.bind(i64::from(id)).fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        self.forget(id);
        row.map(Account::try_from).transpose()
    }
}

/// Ends a statement that stops at `IN (` with its values; false where there are none.
fn bind_all<'a, T>(select: &mut QueryBuilder<Sqlite>, values: impl IntoIterator<Item = T>) -> bool
where
    T: sqlx::Encode<'a, Sqlite> + sqlx::Type<Sqlite>,
{
    let mut any = false;
    for value in values {
        if any {
            select.push(", ");
        }
        select.push_bind(value);
        any = true;
    }
    select.push(")");
    any
}
