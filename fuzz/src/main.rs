//! One binary for every target: the variable `ROOST_FUZZ_TARGET` says which. See `scripts/fuzz`.
//!
//! The targets are `graph_store::fuzzing`. What is here holds them to their bound of memory, and starts them off with their
//! seeds.

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::{env, fs, process};

use graph_store::fuzzing::{Target, target};
use libfuzzer_sys::fuzz_target;

/// What a target may take for each byte of its input: a bit of a bitmap is decoded to four bytes, in several copies.
const MEMORY_PER_BYTE: usize = 1024;

/// The system's memory, counted.
struct Counted;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: every call goes on to the system's allocator as it came; counting touches no memory of anybody.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

fn count(size: usize) {
    let live = LIVE.fetch_add(size, Relaxed) + size;
    if live > LIMIT.load(Relaxed) {
        // What tells of it takes memory, too.
        LIMIT.store(usize::MAX, Relaxed);
        fail("more memory than follows from the input");
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

static CHOSEN: OnceLock<Target> = OnceLock::new();
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Ends the process in the way that makes the fuzzer keep the input.
fn fail(what: &str) -> ! {
    eprintln!("{what}\n{}", std::backtrace::Backtrace::force_capture());
    process::abort()
}

fn begin() {
    let name = env::var("ROOST_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = target(&name) else { fail(&format!("no target is named {name:?}")) };
    if let Some(folder) = env::var_os("ROOST_FUZZ_SEEDS") {
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(Path::new(&folder).join(format!("seed-{number}")), seed).expect("a folder for seeds");
        }
    }
    CHOSEN.get_or_init(|| target);
    // The fuzzer's hook ends the process; but some panics of the Parquet library are caught and become errors.
    panic::set_hook(Box::new(|panic| {
        if let Ok(mut last) = PANIC.lock() {
            *last = panic.to_string();
        }
    }));
}

fn run(data: &[u8]) {
    let Some(target) = CHOSEN.get() else { return };
    LIMIT.store(LIVE.load(Relaxed) + target.memory + data.len() * MEMORY_PER_BYTE, Relaxed);
    let ran = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(data)));
    LIMIT.store(usize::MAX, Relaxed);
    if ran.is_err() {
        let panic = PANIC.lock().map(|last| last.clone()).unwrap_or_default();
        fail(&panic);
    }
}

fuzz_target!(init: begin(), |data: &[u8]| run(data));
