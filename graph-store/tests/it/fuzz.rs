//! What a fuzzer found, and what it starts from, breaks no law: the same bodies as in `fuzz/`, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use graph_store::fuzzing::{TARGETS, Target};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Changed inputs that each seed gives.
const CHANGED: usize = 400;
/// Bytes of all inputs that are kept, at the most.
const CORPUS_MAX_BYTES: u64 = 200_000;

/// The input at hand, told when a target panics.
struct Told<'a> {
    target: &'a str,
    what: &'a str,
    bytes: &'a [u8],
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Told { target, what, bytes } = self;
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("target {target}, {what}: {hex}");
        }
    }
}

fn run(target: Target, what: &str, bytes: &[u8]) {
    let _told = Told { target: target.name, what, bytes };
    (target.run)(bytes);
}

/// Runs all targets, so that what is wrong with one does not hide what is wrong with another.
fn run_all(run: impl Fn(Target) + std::panic::RefUnwindSafe) {
    let broken = TARGETS.iter().filter(|target| std::panic::catch_unwind(|| run(**target)).is_err());
    let broken: Vec<&str> = broken.map(|target| target.name).collect();
    assert!(broken.is_empty(), "broken: {broken:?}");
}

#[test]
fn what_a_fuzzer_found_breaks_no_law() {
    run_all(|target| {
        for path in inputs(target) {
            let bytes = fs::read(&path).expect("a file of the repository");
            run(target, &path.to_string_lossy(), &bytes);
        }
    });
}

#[test]
fn inputs_that_are_kept_are_few_and_short() {
    let all = TARGETS.into_iter().flat_map(inputs);
    let size: u64 = all.map(|path| path.metadata().expect("a file of the repository").len()).sum();
    assert!(size <= CORPUS_MAX_BYTES, "{size} bytes of inputs are too many to keep: minimise them");
}

/// The files of a target.
fn inputs(target: Target) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files.map(|file| file.expect("a folder can be listed").path()).collect()
}

/// Seeds, and what comes of each by changing, inserting, removing and repeating some bytes.
#[test]
fn seeds_and_what_comes_of_them_break_no_law() {
    run_all(|target| {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            run(target, &format!("seed {number}"), seed);
            for change in 0..CHANGED {
                let mut random = ChaCha8Rng::seed_from_u64((number * CHANGED + change) as u64);
                run(target, &format!("seed {number}, change {change}"), &changed(seed, &mut random));
            }
        }
    });
}

fn changed(seed: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    const ODD: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..bytes.len() + 1);
        let len = random.random_range(1..9).min(bytes.len() - at);
        match random.random_range(0..6) {
            0 if len > 0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 if len > 0 => bytes[at] = ODD[random.random_range(0..ODD.len())],
            2 => bytes.insert(at, random.random()),
            3 => drop(bytes.drain(at..at + len)),
            4 => bytes.truncate(at),
            _ => {
                let part = bytes[at..at + len].to_vec();
                let to = random.random_range(0..bytes.len() + 1);
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}
