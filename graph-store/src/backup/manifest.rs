//! One backup: which files it is made of, and by which objects.
//!
//! # Layout
//!
//! A line and a JSON object:
//!
//! ```text
//! roost-backup 1 crc32c=5d1c09a7 bytes=1871
//! {"revision":1234,"taken_at_ms":1800000000000,"files":[{"path":"MANIFEST","object":"9f86d0…","bytes":4211}, …]}
//! ```
//!
//! The number behind the name is the version; the checksum and the length are of all bytes behind the first line.
//! `path` is where the file lies in the store's folder, `object` the SHA-256 of its bytes. The files are in the order in
//! which they are restored.

use std::path::{Path, PathBuf};

use base::Revision;
use serde::{Deserialize, Serialize};

use super::BackupError;

const MAGIC: &str = "roost-backup 1";
/// Bytes of a manifest at the most: a store of 8,192 slots with every kind of file needs half of it.
pub(super) const MANIFEST_MAX_BYTES: usize = 64 << 20;

/// One backup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the store was at: exactly the changes up to here are in it.
    pub revision: u64,
    /// When it was taken, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// The files of the store.
    pub files: Vec<Entry>,
}

/// One file of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where it lies in the store's folder.
    pub path: PathBuf,
    /// The SHA-256 of its bytes, in 64 hexadecimal digits.
    pub object: String,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Manifest {
    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// The name of a backup's manifest in its repository.
    pub(super) fn name(revision: Revision) -> String {
        format!("{:020}.json", revision.0)
    }

    /// The revision of the backup whose manifest has this name; `None` for a name that is no manifest's.
    pub(super) fn revision_of(name: &str) -> Option<Revision> {
        let revision = Revision(name.strip_suffix(".json")?.parse().ok()?);
        (Self::name(revision) == name).then_some(revision)
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, BackupError> {
        let body = serde_json::to_vec(self)
            .map_err(|error| BackupError::damaged("the new manifest", format!("cannot be written as JSON: {error}")))?;
        let mut bytes = first_line(&body).into_bytes();
        bytes.push(b'\n');
        bytes.extend(body);
        Ok(bytes)
    }

    /// Reads the manifest that has a name in a repository.
    pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<Manifest, BackupError> {
        let damaged = |what: &str| BackupError::damaged(name, what);
        let line_end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("no first line"))?;
        let body = &bytes[line_end + 1..];
        if bytes[..line_end] != *first_line(body).as_bytes() {
            return Err(damaged("checksum, length or version is wrong"));
        }
        let manifest: Manifest =
            serde_json::from_slice(body).map_err(|_| damaged("not what a backup's manifest says"))?;
        match manifest.files.iter().find(|file| !is_object(&file.object)) {
            Some(file) => Err(damaged(&format!("{:?} is no name of an object", file.object))),
            None => Ok(manifest),
        }
    }

    /// The file with a path.
    pub(super) fn file(&self, path: &Path) -> Option<&Entry> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether this is the name of an object.
pub(super) fn is_object(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn first_line(body: &[u8]) -> String {
    format!("{MAGIC} crc32c={:08x} bytes={}", crc32c::crc32c(body), body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let entry = |path: &str| Entry { path: path.into(), object: "0f".repeat(32), bytes: 7 };
        Manifest { revision: 12, taken_at_ms: 1_800_000_000_000, files: vec![entry("log/x.log"), entry("MANIFEST")] }
    }

    #[test]
    fn the_bytes_of_a_manifest() {
        let bytes = manifest().encode().expect("JSON");
        let text = String::from_utf8(bytes).expect("text");
        let object = "0f".repeat(32);
        let body = format!(
            "{{\"revision\":12,\"taken_at_ms\":1800000000000,\"files\":[{{\"path\":\"log/x.log\",\"object\":\"{object}\",\
             \"bytes\":7}},{{\"path\":\"MANIFEST\",\"object\":\"{object}\",\"bytes\":7}}]}}"
        );
        assert_eq!(text.split_once('\n').map(|(_, body)| body), Some(body.as_str()));
        assert!(text.starts_with("roost-backup 1 crc32c=") && text.contains(&format!(" bytes={}\n", body.len())));
    }

    #[test]
    fn each_flipped_bit_and_each_cut_is_noticed() {
        let whole = manifest().encode().expect("JSON");
        assert_eq!(Manifest::decode("m", &whole).expect("whole"), manifest());
        for len in 0..whole.len() {
            assert!(Manifest::decode("m", &whole[..len]).is_err(), "cut at {len}");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode("m", &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn names_are_read_back_and_others_are_not() {
        assert_eq!(Manifest::revision_of(&Manifest::name(Revision(1234))), Some(Revision(1234)));
        for other in ["1234.json", "00000000000000001234", "+0000000000000001234.json", ".json", "notes.txt"] {
            assert_eq!(Manifest::revision_of(other), None, "{other}");
        }
    }
}
