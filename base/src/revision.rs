//! A position in the change log, and the opaque token that clients hold of it.

use crate::cursor::{self, CursorKind};

/// A position in the change log: the number of changes up to and including the one it names.
///
/// Clients see it only as a token ([`Revision::token`]): that it is a number today is nobody's business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first change.
    pub const ZERO: Revision = Revision(0);

    /// The revision of the change after this one.
    pub const fn next(self) -> Revision {
        Revision(self.0 + 1)
    }

    /// The token by which clients name this revision.
    pub fn token(self) -> String {
        cursor::encode(CursorKind::Revision, &[self.0])
    }

    /// Reads a token back.
    pub fn from_token(token: &str) -> Result<Revision, cursor::BadCursor> {
        let [revision] = cursor::decode(CursorKind::Revision, token)?;
        Ok(Revision(revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_revision_and_nothing_else_does() {
        let revision = Revision(1 << 40);
        assert_eq!(Revision::from_token(&revision.token()), Ok(revision));
        assert_eq!(Revision::from_token("17"), Err(cursor::BadCursor));
        assert_eq!(Revision::from_token(&cursor::encode(CursorKind::Timeline, &[1])), Err(cursor::BadCursor));
    }
}
