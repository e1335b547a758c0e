//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use base::Revision;

use super::manifest::{Entry, Manifest, first_line, is_object};
use super::remote::{Held, LEASE};
use crate::fuzzing::Input;

/// The manifest of a backup: its file, or what lies behind the first line.
pub(crate) fn manifest(input: &[u8]) {
    let whole = [first_line(input).as_bytes(), b"\n", input].concat();
    for bytes in [input, &whole] {
        let Ok(manifest) = Manifest::decode("manifest", bytes) else { continue };
        assert!(manifest.files.iter().all(|file| is_object(&file.object)), "names of objects");
        assert!(manifest.files.iter().all(|file| manifest.bytes() >= file.bytes), "the bytes of all files");
        let revision = Revision(manifest.revision);
        assert_eq!(Manifest::revision_of(&Manifest::name(revision)), Some(revision), "its name");
        let again = manifest.encode().expect("it came from JSON");
        assert_eq!(Manifest::decode("manifest", &again).expect("written just now"), manifest, "written again");
    }
}

/// The lock of a repository in an object store: the time at which it is looked at (`u64`), what it says.
pub(crate) fn lease(input: &[u8]) {
    let mut input = Input(input);
    let now_ms = input.number::<8>();
    let Ok(held) = Held::decode(input.0) else { return };
    let left = held.left(now_ms);
    assert!(left <= LEASE, "held for longer than anybody holds it");
    assert_eq!(left.is_zero(), held.until_ms <= now_ms, "held up to its time");
    assert_eq!(Held::decode(&held.encode().expect("two numbers")).expect("written just now"), held, "written again");
}

/// A backup of nothing, and one with files; whole, and what lies behind the first line.
pub(crate) fn manifest_seeds() -> Vec<Vec<u8>> {
    let empty = Manifest { revision: 0, taken_at_ms: 0, files: vec![] };
    let file = |path: &str, object: &str, bytes| Entry { path: path.into(), object: object.repeat(32), bytes };
    let files = vec![
        file("segments/0001-follow-forward-00000012.segment", "0f", 4096),
        file("log/00000000000000000007.log", "a1", u64::MAX),
        file("MANIFEST", "3c", 211),
    ];
    let full = Manifest { revision: 1234, taken_at_ms: 1_800_000_000_000, files };
    let seeds = [empty, full].into_iter().flat_map(|manifest| {
        let whole = manifest.encode().expect("it can be JSON");
        let body = whole.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        [whole[body..].to_vec(), whole]
    });
    seeds.collect()
}

/// A lock that is held, one that is past its time, and one of a clock that is wrong.
pub(crate) fn lease_seeds() -> Vec<Vec<u8>> {
    let now_ms = 1_800_000_000_000u64;
    let seeds = [now_ms + 300_000, now_ms - 1, u64::MAX].map(|until_ms| {
        let held = Held { until_ms, nonce: until_ms.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
        [&now_ms.to_le_bytes()[..], &held.encode().expect("two numbers")].concat()
    });
    seeds.to_vec()
}
