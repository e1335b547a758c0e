//! Asking the memory for something before it is needed.
//!
//! What a read or a delivery looks at lies in a memory that no cache holds, and most of their time is waiting for it. Whoever knows
//! several places asks for all of them, and waits once.

/// Asks the memory for the cache line in which something begins, without waiting for it.
#[inline]
pub(crate) fn fetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(what);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}
