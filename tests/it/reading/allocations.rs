//! How much memory is in use and how much was at most: the allocator of the test program, which counts. Requests that
//! the system refuses count too, because nobody should have asked.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator with two counters.
pub(super) struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    if now > PEAK.load(Ordering::Relaxed) {
        PEAK.fetch_max(now, Ordering::Relaxed);
    }
}

fn given_back(bytes: usize) {
    NOW.fetch_sub(bytes, Ordering::Relaxed);
}

/// Takes the request into account, and back again when it was refused.
fn counted(bytes: usize, allocate: impl FnOnce() -> *mut u8) -> *mut u8 {
    taken(bytes);
    let pointer = allocate();
    if pointer.is_null() {
        given_back(bytes);
    }
    pointer
}

// SAFETY: every call goes on to the system's allocator with unchanged arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller.
        counted(layout.size(), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller.
        counted(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        given_back(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // While it grows, both may exist.
        // SAFETY: as promised by the caller.
        let moved = counted(new_size, || unsafe { System.realloc(pointer, layout, new_size) });
        if !moved.is_null() {
            given_back(layout.size());
        }
        moved
    }
}

/// The largest number of bytes in use at once while `work` ran, beyond those in use before. All threads count, so this
/// belongs in a process with nothing else to do.
pub(super) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    (result, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}

#[test]
fn what_is_asked_for_is_counted() {
    // Other tests may run at the same time and only add.
    let ((), peak) = peak_of(|| drop(vec![1_u8; 50 << 20]));
    assert!(peak >= 50 << 20, "{peak}");
}
