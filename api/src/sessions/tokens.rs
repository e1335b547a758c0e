//! Tokens: access tokens, which are signed, and refresh tokens, which are random.
//!
//! An access token is a JWT (RFC 7519) signed with HS256:
//!
//! | claim | what |
//! |---|---|
//! | `iss` | `roost` |
//! | `sub` | the user id, in decimal |
//! | `sid` | the session |
//! | `iat`, `exp` | seconds since 1970: from when on and until when it is good |
//!
//! The key is 32 random bytes in a file that only its owner can read. Whoever removes it logs everybody out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use base::Error;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::database::OpenError;

/// The name of the key's file in the folder of the api.
const KEY_FILE_NAME: &str = "jwt.key";
const KEY_BYTES: usize = 32;
const ISSUER: &str = "roost";
/// Tokens that need not be checked again: some 40 MB of them.
const CHECKED_MAX: usize = 100_000;

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("an access token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
    #[error("the system gives no random bytes")]
    Random(#[from] getrandom::Error),
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        Error::internal(error)
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    sid: String,
    iat: u64,
    exp: u64,
}

/// What a good access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) user: u32,
    pub(crate) session: Arc<str>,
}

/// Signs access tokens and reads them.
pub(crate) struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    lifetime_seconds: u64,
    /// Tokens that were found to be signed by us, with the second at which they expire. That they were stays true.
    checked: Cache<Box<str>, (Access, u64)>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("lifetime_seconds", &self.lifetime_seconds).finish_non_exhaustive()
    }
}

impl Tokens {
    /// With the key of a folder; makes one where there is none.
    pub(crate) fn open(folder: &Path, lifetime_seconds: u64) -> Result<Self, OpenError> {
        let path = folder.join(KEY_FILE_NAME);
        let key = read_or_make_key(folder, &path).map_err(|source| OpenError::Key { path: path.clone(), source })?;
        if key.len() != KEY_BYTES {
            return Err(OpenError::KeyLength { path, len: key.len(), expected: KEY_BYTES });
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The library asks the machine for the time; here the service's clock decides.
        validation.validate_exp = false;
        Ok(Tokens {
            signing: EncodingKey::from_secret(&key),
            checking: DecodingKey::from_secret(&key),
            validation,
            lifetime_seconds,
            checked: Cache::new(CHECKED_MAX),
        })
    }

    /// Seconds that an access token is good for.
    pub(crate) fn lifetime_seconds(&self) -> u64 {
        self.lifetime_seconds
    }

    /// An access token for a user's session.
    pub(crate) fn sign(
        &self,
        user: u32,
        session: &str,
        now_ms: u64,
        lifetime_seconds: u64,
    ) -> Result<String, TokenError> {
        let iat = now_ms / 1000;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user.to_string(),
            sid: session.to_owned(),
            iat,
            exp: iat.saturating_add(lifetime_seconds),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?)
    }

    /// What an access token says, if we signed it and it is still good.
    pub(crate) fn read(&self, token: &str, now_ms: u64) -> Option<Access> {
        let (access, expires) = match self.checked.get(token) {
            Some(checked) => checked,
            None => {
                let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation).ok()?.claims;
                let access = Access { user: claims.sub.parse().ok()?, session: claims.sid.into() };
                self.checked.insert(token.into(), (access.clone(), claims.exp));
                (access, claims.exp)
            }
        };
        (now_ms / 1000 < expires).then_some(access)
    }
}

/// A refresh token: 32 random bytes. The database knows only its hash.
pub(crate) struct RefreshToken(String);

impl RefreshToken {
    pub(crate) fn random() -> Result<Self, TokenError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(RefreshToken(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that a caller sent.
    pub(crate) fn from_caller(text: String) -> Self {
        RefreshToken(text)
    }

    /// As the caller keeps it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// As the database keeps it: SHA-256 in hexadecimal. A plain hash will do, since nobody guesses 256 random bits.
    pub(crate) fn hash(&self) -> String {
        Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The key is written aside and then linked to its name, which fails where the name is taken: of two processes that start
/// on a new folder at once, both end up with the same key, and none ever sees half of one.
fn read_or_make_key(folder: &Path, path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let aside = folder.join(format!("{KEY_FILE_NAME}.{}.tmp", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    let linked = file.write_all(&key).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&aside, path));
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => File::open(folder)?.sync_all()?,
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder for the test")
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let folder = folder();
        let tokens = Tokens::open(folder.path(), 900).expect("a new key");
        let token = tokens.sign(7, "s", NOW, 900).expect("signed");
        let access = Access { user: 7, session: "s".into() };
        assert_eq!(tokens.read(&token, NOW), Some(access));
        assert!(tokens.read(&token, NOW + 899_999).is_some());
        assert_eq!(tokens.read(&token, NOW + 900_000), None);
    }

    #[test]
    fn the_key_stays_and_is_its_owners_alone() {
        let folder = folder();
        let token = Tokens::open(folder.path(), 900).expect("a new key").sign(7, "s", NOW, 900).expect("signed");
        assert!(Tokens::open(folder.path(), 900).expect("the same key").read(&token, NOW).is_some());
        let mode = fs::metadata(folder.path().join(KEY_FILE_NAME)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left lying about");
    }

    #[test]
    fn tokens_of_others_and_changed_ones_are_refused() {
        let (ours, theirs) = (folder(), folder());
        let tokens = Tokens::open(ours.path(), 900).expect("a new key");
        let foreign = Tokens::open(theirs.path(), 900).expect("a new key").sign(7, "s", NOW, 900).expect("signed");
        assert_eq!(tokens.read(&foreign, NOW), None);
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(r#"{"iss":"roost","sub":"7","sid":"s","iat":1,"exp":99999999999}"#)
        );
        for bad in ["", "a.b.c", &unsigned] {
            assert_eq!(tokens.read(bad, NOW), None, "{bad:?}");
        }
        let good = tokens.sign(7, "s", NOW, 900).expect("signed");
        let (signed, signature) = good.rsplit_once('.').expect("three parts");
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        assert_eq!(tokens.read(&format!("{signed}.{flipped}{}", &signature[1..]), NOW), None);
    }

    #[test]
    fn a_key_that_was_cut_is_an_error() {
        let folder = folder();
        fs::write(folder.path().join(KEY_FILE_NAME), [7; 31]).expect("written");
        let error = Tokens::open(folder.path(), 900).expect_err("31 bytes are no key");
        assert!(error.to_string().contains("31 bytes instead of 32"), "{error}");
    }

    #[test]
    fn refresh_tokens_differ_and_hash_to_the_standard_digest() {
        let (one, other) = (RefreshToken::random().expect("random"), RefreshToken::random().expect("random"));
        assert_ne!(one.text(), other.text());
        assert_eq!(one.text().len(), 43);
        let abc = RefreshToken::from_caller("abc".to_owned()).hash();
        assert_eq!(abc, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
