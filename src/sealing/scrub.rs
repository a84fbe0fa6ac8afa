//! Overwriting the stack that a cipher used.
//!
//! `ring` keeps key schedules in plain stack memory and does not wipe them; compilers copy values when they move them.
//! Safe code cannot reach those copies, but it can make them be overwritten: run the work in a frame of its own, then
//! run a second function from the same depth whose frame is larger than all the first one used, and fill it with zeros.

use std::cell::Cell;
use std::hint::black_box;

/// Runs `work` and overwrites the 32 KiB of stack below its caller, also when `work` panics.
///
/// Every public function of [`sealing`](super) that touches a key does this by itself (about 0.15 µs, where sealing
/// 1 KiB takes 3 µs: `benches/sealing.rs`). Nested calls leave the wiping to the outermost one, so a loop over many
/// records pays for it once:
///
/// ```
/// use subrosa::sealing::{Key32, Label, derive_key, with_clean_stack};
///
/// let root = Key32::random();
/// let derive = |n: u32| derive_key(&root, Label::HANDLE, &n.to_be_bytes());
/// let keys: Vec<Key32> = with_clean_stack(|| (0..100).map(derive).collect());
/// assert_eq!(keys.len(), 100);
/// ```
///
/// # Security
///
/// Only 32 KiB are overwritten. Keep `work` shallow, and let it return secrets in a [`Key32`](super::Key32) or another
/// heap-held, wiped type, not by value.
pub fn with_clean_stack<T>(work: impl FnOnce() -> T) -> T {
    let guard = ScrubOnExit::enter();
    let result = in_own_frame(work);
    drop(guard);
    result
}

/// Bytes of stack that are overwritten.
const SCRUBBED: usize = 32 * 1024;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

struct ScrubOnExit;

impl ScrubOnExit {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for ScrubOnExit {
    #[inline(always)]
    fn drop(&mut self) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            overwrite_stack();
        }
    }
}

#[inline(never)]
fn in_own_frame<T>(work: impl FnOnce() -> T) -> T {
    black_box(());
    work()
}

/// `black_box` makes the compiler believe that somebody reads the zeros, so that it has to write them.
#[inline(never)]
fn overwrite_stack() {
    let mut zeros = [0u8; SCRUBBED];
    black_box(&mut zeros);
}
