//! Passwords, hashed with argon2id (RFC 9106) as PHC strings.
//!
//! A hash takes tens of milliseconds of a core and megabytes of memory on purpose. So they are computed away from the
//! threads that serve requests, as many at a time as there are cores; some more may wait, and the rest is turned away at
//! once: a flood of log ins must not starve everybody who is logged in already.

use std::num::NonZero;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base::{Code, Error};
use tokio::sync::{AcquireError, Semaphore, TryAcquireError};

/// Hashes that may wait for a core; at the default cost they are done within two seconds.
const WAITING_MAX: usize = 64;

/// What hashing one password costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordCost {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for PasswordCost {
    /// What OWASP's password storage cheat sheet asks for at the least: 19 MiB, two passes, one lane.
    fn default() -> Self {
        PasswordCost { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 }
    }
}

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The cost is none that argon2 has.
    #[error("argon2 has no such cost: {cost:?}")]
    Cost {
        /// What was asked for.
        cost: PasswordCost,
        /// What argon2 said.
        source: argon2::Error,
    },
    /// The hash could not be computed.
    #[error("the hash could not be computed")]
    Hash(#[from] argon2::password_hash::Error),
    /// More are waiting than can be served.
    #[error("too many passwords are being checked")]
    Overload(#[from] TryAcquireError),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping(#[from] AcquireError),
    /// The computation was cut short.
    #[error("the computation was cut short")]
    Cut(#[from] tokio::task::JoinError),
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overload(_) => {
                Error::new(Code::ResourceExhausted, "too many people are logging in at once").with_source(error)
            }
            _ => Error::internal(error),
        }
    }
}

/// Hashes passwords and compares them.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// Of a password that nobody has: compared where there is nothing to compare with, so that it takes as long.
    nobody: Arc<str>,
    /// One permit for each hash that is computed or waits.
    room: Arc<Semaphore>,
    /// One permit for each core.
    cores: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(cost: PasswordCost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
            .map_err(|source| PasswordError::Cost { cost, source })?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon2.hash_password(uuid::Uuid::new_v4().as_bytes())?.to_string().into();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let room = Arc::new(Semaphore::new(cores + WAITING_MAX));
        Ok(Passwords { argon2, nobody, room, cores: Arc::new(Semaphore::new(cores)) })
    }

    /// What to keep of a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.compute(move || Ok(argon2.hash_password(password.as_bytes())?.to_string())).await
    }

    /// Whether this is the password that was kept. Takes as long where none was.
    pub(crate) async fn verify(&self, password: String, kept: Option<String>) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let nobody = self.nobody.clone();
        self.compute(move || {
            let hash =
                PasswordHash::new(kept.as_deref().unwrap_or(&nobody)).map_err(argon2::password_hash::Error::from)?;
            match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(kept.is_some()),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let room = self.room.clone().try_acquire_owned()?;
        let core = self.cores.clone().acquire_owned().await?;
        // The permits go along: a caller who gives up does not make the work go away.
        let computed = tokio::task::spawn_blocking(move || {
            let _held = (room, core);
            work()
        });
        computed.await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: PasswordCost = PasswordCost { memory_kib: 64, iterations: 1, parallelism: 1 };

    #[tokio::test]
    async fn only_the_password_that_was_hashed_passes() -> Result<(), PasswordError> {
        let passwords = Passwords::new(QUICK)?;
        let kept = passwords.hash("correct horse".to_owned()).await?;
        assert!(kept.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{kept}");
        assert!(passwords.verify("correct horse".to_owned(), Some(kept.clone())).await?);
        assert!(!passwords.verify("correct house".to_owned(), Some(kept)).await?);
        assert!(!passwords.verify("correct horse".to_owned(), None).await?);
        Ok(())
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_no_password() -> Result<(), PasswordError> {
        let passwords = Passwords::new(QUICK)?;
        let error = passwords.verify("any".to_owned(), Some("$argon2id$rubbish".to_owned())).await.unwrap_err();
        assert_eq!(Error::from(error).code(), Code::Internal);
        Ok(())
    }

    #[tokio::test]
    async fn what_finds_no_room_is_turned_away_at_once() -> Result<(), PasswordError> {
        let passwords = Passwords::new(QUICK)?;
        let all = u32::try_from(passwords.room.available_permits()).expect("a few");
        let held = passwords.room.clone().try_acquire_many_owned(all)?;
        let error = passwords.hash("correct horse".to_owned()).await.unwrap_err();
        assert_eq!(Error::from(error).code(), Code::ResourceExhausted);
        drop(held);
        passwords.hash("correct horse".to_owned()).await?;
        Ok(())
    }

    #[test]
    fn a_cost_that_argon2_does_not_have_is_refused() {
        let error = Passwords::new(PasswordCost { memory_kib: 1, ..QUICK }).unwrap_err();
        assert!(error.to_string().contains("memory_kib: 1"), "{error}");
    }
}
