//! What a fuzzer calls, and plain tests too: every decoder, over bytes that anybody may have written.
//!
//! A [`Target`] takes any bytes at all. It must not panic, not run on and not take more memory than its
//! buffers and a multiple of its input; what it decodes must answer every question alike, and encode again to the same meaning. The bodies of the targets
//! stand beside the decoders, in the files named `fuzz.rs`. `scripts/fuzz` runs them under libFuzzer; the tests replay
//! the inputs in `fuzz/corpus` and the [seeds](Target::seeds).
//!
//! A fuzzer does not guess checksums. So a target that reads a checksummed format takes the bytes as they are, or *sealed*:
//! with the checksums put right, which is how one gets at what a checksum guards.

use crate::{adjacency, backup, import, log, published, query, segment, service, store};

/// A decoder under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder of inputs.
    pub name: &'static str,
    /// Takes any bytes, and panics where a law is broken.
    pub run: fn(&[u8]),
    /// Bytes that it may take however short its input.
    pub memory: usize,
    /// Inputs to start from: valid encodings, of the version that is written now.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Readers have buffers, each of which takes a megabyte or some.
const BUFFERS: usize = 64 << 20;
/// A page of a Parquet file says how long it is before it was compressed, and the library believes it: up to 2 GiB.
const PAGE: usize = 2 << 30;

/// All of them.
pub const TARGETS: [Target; 21] = [
    Target { name: "list", run: adjacency::parse_arbitrary, memory: BUFFERS, seeds: adjacency::fuzz_seeds },
    Target { name: "segment", run: segment::fuzz::files, memory: BUFFERS, seeds: segment::fuzz::files_seeds },
    Target { name: "times", run: segment::fuzz::times, memory: BUFFERS, seeds: segment::fuzz::times_seeds },
    Target { name: "weights", run: segment::fuzz::weights, memory: BUFFERS, seeds: segment::fuzz::weights_seeds },
    Target { name: "manifest", run: store::fuzz::manifest, memory: BUFFERS, seeds: store::fuzz::manifest_seeds },
    Target { name: "catalog", run: store::fuzz::catalog, memory: BUFFERS, seeds: store::fuzz::catalog_seeds },
    Target { name: "externals", run: store::fuzz::externals, memory: BUFFERS, seeds: store::fuzz::externals_seeds },
    Target { name: "published", run: published::fuzz::files, memory: BUFFERS, seeds: published::fuzz::files_seeds },
    Target { name: "log", run: log::fuzz::files, memory: BUFFERS, seeds: log::fuzz::files_seeds },
    Target { name: "high_water", run: log::fuzz::high_water, memory: BUFFERS, seeds: log::fuzz::high_water_seeds },
    Target { name: "binary", run: import::fuzz::binary, memory: BUFFERS, seeds: import::fuzz::binary_seeds },
    Target { name: "lines", run: import::fuzz::lines, memory: BUFFERS, seeds: import::fuzz::lines_seeds },
    Target { name: "text", run: import::fuzz::text, memory: BUFFERS, seeds: import::fuzz::text_seeds },
    Target { name: "csv", run: import::fuzz::csv, memory: BUFFERS, seeds: import::fuzz::csv_seeds },
    Target { name: "pairs", run: import::fuzz::pairs, memory: BUFFERS, seeds: import::fuzz::pairs_seeds },
    Target { name: "parquet", run: import::fuzz::parquet, memory: BUFFERS + PAGE, seeds: import::fuzz::parquet_seeds },
    Target { name: "expression", run: query::fuzz::expression, memory: BUFFERS, seeds: query::fuzz::expression_seeds },
    Target { name: "cursor", run: query::fuzz::cursor, memory: BUFFERS, seeds: query::fuzz::cursor_seeds },
    Target { name: "backup", run: backup::fuzz::manifest, memory: BUFFERS, seeds: backup::fuzz::manifest_seeds },
    Target { name: "lease", run: backup::fuzz::lease, memory: BUFFERS, seeds: backup::fuzz::lease_seeds },
    Target { name: "snapshot", run: service::fuzz::snapshot, memory: BUFFERS, seeds: service::fuzz::snapshot_seeds },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Numbers off the front of an input, zero where it has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn number<const N: usize>(&mut self) -> u64 {
        self.take(N).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// So many bytes, or what there is.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
