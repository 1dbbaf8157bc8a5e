//! The lock, in every order in which the steps of two and three threads can follow one another, and with every value that
//! the memory model lets them read: loom tries them all.
#![expect(unsafe_code, reason = "touches what the lock guards")]

#[path = "../src/sys/lock.rs"]
#[expect(dead_code, reason = "forks need more of it")]
mod lock;

/// The word of `src/sys/futex.rs`, as loom sees it.
mod futex {
    use loom::sync::atomic::{AtomicU64, Ordering};
    use loom::sync::{Condvar, Mutex};
    use std::cell::Cell;

    /// Each look would be one more event in every order.
    pub(crate) const LOOKS: u32 = 1;

    #[derive(Debug)]
    pub(crate) struct Word {
        value: AtomicU64,
        /// The system's own lock: it compares the word and goes to sleep in one step.
        system: Mutex<()>,
        woken: Condvar,
    }

    loom::thread_local! {
        static ME: Cell<u64> = Cell::new(0);
    }

    /// A number of its own for each thread of a model's run.
    pub(crate) fn me() -> u64 {
        ME.with(Cell::get)
    }

    /// Gives this thread its number.
    pub(crate) fn be(number: u64) {
        ME.with(|me| me.set(number));
    }

    impl Word {
        pub(crate) fn new() -> Self {
            Self { value: AtomicU64::new(0), system: Mutex::new(()), woken: Condvar::new() }
        }

        pub(crate) fn load(&self, order: Ordering) -> u64 {
            self.value.load(order)
        }

        pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
            self.value.swap(value, order)
        }

        pub(crate) fn compare_exchange(
            &self,
            old: u64,
            new: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            self.value.compare_exchange(old, new, success, failure)
        }

        pub(crate) fn pause() {}

        pub(crate) fn wait_while(&self, value: u64) {
            let system = self.system.lock();
            if self.value.load(Ordering::SeqCst) == value {
                drop(system.map(|system| self.woken.wait(system)));
            }
        }

        pub(crate) fn wake_one(&self) {
            let _system = self.system.lock();
            self.woken.notify_one();
        }
    }
}

use futex::Word;
use lock::Lock;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

struct Counter(Lock, UnsafeCell<u32>);

// SAFETY: the number is only touched while the lock is held; loom sees if not.
unsafe impl Sync for Counter {}
// SAFETY: as above.
unsafe impl Send for Counter {}

impl Counter {
    fn count(&self) {
        self.0.acquire();
        // SAFETY: the lock is held.
        self.1.with_mut(|number| unsafe { *number += 1 });
        self.0.release();
    }
}

/// Starts `others` threads that count beside this one, each `times` times.
fn counts(others: u32, times: u32, preemptions: Option<usize>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(move || {
        let counter = Arc::new(Counter(Lock::over(Word::new()), UnsafeCell::new(0)));
        let threads: Vec<_> = (0..others)
            .map(|number| {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    futex::be(2 * u64::from(number) + 4);
                    (0..times).for_each(|_| counter.count());
                })
            })
            .collect();
        futex::be(2);
        (0..times).for_each(|_| counter.count());
        for thread in threads {
            assert!(thread.join().is_ok());
        }
        // SAFETY: the other threads have ended.
        let total = counter.1.with(|number| unsafe { *number });
        assert_eq!(total, (others + 1) * times);
    });
}

#[test]
fn two_threads_lose_neither_a_count_nor_a_wake_up() {
    counts(1, 1, None);
    counts(1, 2, Some(3));
}

#[test]
fn three_threads_lose_neither_a_count_nor_a_wake_up() {
    counts(2, 1, Some(2));
}
