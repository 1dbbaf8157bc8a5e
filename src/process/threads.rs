//! Which cache is this thread's: from its first small block to its end.
#![expect(unsafe_code, reason = "each thread's own cache, and the end of threads")]

use super::cache::Cache;
use super::{PROCESS, locked};
use crate::sys::{errno, thread};
use libc::{c_void, pthread_key_t};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

/// The thread's word while it has no cache yet; when it will not have one any more; else it is the cache's address.
const NONE_YET: usize = 0;
const NONE_ANY_MORE: usize = 1;

/// What tells us of a thread's end, and one; 0 before there is one.
static KEY: AtomicU64 = AtomicU64::new(0);

/// This thread's cache, if it has one.
#[inline]
pub(super) fn cache() -> Option<&'static mut Cache> {
    let word = thread::word();
    if word <= NONE_ANY_MORE {
        return None;
    }
    // SAFETY: the word is the address of a cache that is this thread's alone (`begin`). Callers give the reference up
    // before they call anything that could ask for it again.
    NonNull::new(ptr::with_exposed_provenance_mut::<Cache>(word)).map(|mut cache| unsafe { cache.as_mut() })
}

/// This thread's cache; a new one if it has had none. `None` where threads keep nothing, or if the thread is ending.
pub(super) fn cache_or_new() -> Option<&'static mut Cache> {
    if thread::word() == NONE_YET {
        errno::kept(begin); // the functions for threads may change it
    }
    cache()
}

/// Gives this thread a cache, or notes that it gets none.
#[cold]
fn begin() {
    thread::set_word(NONE_ANY_MORE);
    if !PROCESS.keeps.load(Ordering::Relaxed) {
        return;
    }
    let Some(key) = key() else { return };
    let cache = locked(|shared| shared.take_idle().or_else(|| shared.new_cache()));
    let Some(cache) = cache else { return };
    thread::set_word(cache.as_ptr().expose_provenance());
    // This may ask for memory, and gets it: there is a cache, and nothing of it is in use.
    // SAFETY: the key exists.
    if unsafe { libc::pthread_setspecific(key, cache.as_ptr().cast()) } != 0 {
        retire(); // nobody would tell us of the thread's end
    }
}

/// What tells us of a thread's end.
fn key() -> Option<pthread_key_t> {
    loop {
        let key = KEY.load(Ordering::Acquire);
        if let Some(key) = key.checked_sub(1) {
            return pthread_key_t::try_from(key).ok();
        }
        let mut new: pthread_key_t = 0;
        // SAFETY: the function belongs to this library, which is not unloaded while threads run in it.
        if unsafe { libc::pthread_key_create(&raw mut new, Some(end)) } != 0 {
            return None;
        }
        if KEY.compare_exchange(0, u64::from(new) + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // SAFETY: our own key, which nobody knows: another thread was faster.
            unsafe { libc::pthread_key_delete(new) };
        }
    }
}

/// A thread ends. Its later calls, from what else is called at its end, do without a cache.
unsafe extern "C" fn end(_: *mut c_void) {
    retire();
}

/// Takes this thread's cache away: the next thread that begins gets it, with what it holds.
pub(super) fn retire() {
    let cache = cache();
    thread::set_word(NONE_ANY_MORE);
    if let Some(cache) = cache {
        locked(|shared| shared.adopt(cache));
    }
}

/// Gives back what this thread keeps.
pub(super) fn empty() {
    if let Some(cache) = cache() {
        locked(|shared| shared.empty(cache));
    }
}
