//! What is only touched under the lock: the heap itself, the depot in front of it, and how blocks get from one to the other.
#![expect(unsafe_code, reason = "caches whose threads have ended")]

use super::cache::{self, Batch, Cache, Shelf, batch, size_on};
use super::depot::Depot;
use super::{Kept, Layout, POLICY, System};
use crate::alloc::Allocator;
use crate::sys::{Memory, Sys};
use std::ptr::NonNull;

/// So many caches wait for a new thread with what they hold; further ones are emptied.
const MOST_IDLE: usize = 8;
/// Bytes of the mappings from which caches are cut.
const CACHES: usize = 64 << 10;

/// What is only touched under the lock.
pub(super) struct Shared {
    pub(super) allocator: Allocator<System, Layout>,
    pub(super) depot: Depot,
    /// Caches whose threads have ended.
    idle: Option<NonNull<Cache>>,
    idle_caches: usize,
    /// The rest of the mapping from which caches are cut. They lie apart from the heap: one at its end would keep all
    /// that is free below from going back.
    room: Option<Memory>,
}

impl Shared {
    pub(super) const fn new() -> Self {
        let allocator = Allocator::with_policy(System::new(), POLICY);
        Self { allocator, depot: Depot::new(), idle: None, idle_caches: 0, room: None }
    }

    /// One block for the caller, and more for the shelf.
    pub(super) fn refill(&mut self, shelf: &mut Shelf, number: usize) -> Option<Kept> {
        if let Some(full) = self.depot.take(number) {
            shelf.front = full;
            return shelf.front.pop();
        }
        let wanted = shelf.want(batch(number)) as usize;
        let (mut first, mut last) = (None, None::<Kept>);
        let front = &mut shelf.front;
        let mut count = 0;
        while count < wanted {
            // In the order of their addresses.
            let got = self.allocator.malloc_many(size_on(number), wanted - count, |block| {
                block.set_cached();
                let mut block = block;
                cache::links(&mut block).next = None;
                match &mut last {
                    Some(last) => cache::links(last).next = Some(block),
                    None => first = Some(block),
                }
                last = Some(block);
            });
            if got == 0 {
                break;
            }
            count += got;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most a batch")]
        let count = count as u32;
        self.depot.went_out(count as usize * size_on(number));
        *front = Batch { first, count };
        front.pop()
    }

    /// Takes a batch that a thread cannot keep.
    pub(super) fn take_back(&mut self, shelf: usize, full: Batch) {
        if let Some(batch) = self.depot.put(shelf, full) {
            self.free_all(shelf, batch);
            if let Some((shelf, batch)) = self.depot.take_surplus() {
                self.free_all(shelf, batch);
            }
        }
    }

    /// Takes the cache of a thread that has ended, with what it holds, for the next thread that begins.
    pub(super) fn adopt(&mut self, cache: &'static mut Cache) {
        if self.idle_caches >= MOST_IDLE {
            self.empty(cache);
        }
        cache.next = self.idle;
        self.idle = Some(NonNull::from(cache));
        self.idle_caches += 1;
    }

    /// The cache of a thread that has ended, if there is one.
    pub(super) fn take_idle(&mut self) -> Option<NonNull<Cache>> {
        let idle = self.idle?;
        // SAFETY: an idle cache is nobody's but ours, under the lock.
        self.idle = unsafe { (*idle.as_ptr()).next };
        self.idle_caches -= 1;
        Some(idle)
    }

    /// A new cache; `None` if the system refuses.
    pub(super) fn new_cache(&mut self) -> Option<NonNull<Cache>> {
        let room = match self.room.take() {
            Some(room) if room.length() >= size_of::<Cache>() => room,
            _ => self.allocator.sys_mut().map(CACHES)?, // what is left of the last one is too small for anything
        };
        let (place, rest) = room.cut(size_of::<Cache>());
        self.room = Some(rest);
        let cache = place.start().cast::<Cache>();
        // SAFETY: memory of that size, aligned as a page and the caches before it are; nothing else knows it.
        unsafe { cache.write(Cache::EMPTY) };
        Some(cache)
    }

    /// Gives back what a cache holds.
    pub(super) fn empty(&mut self, cache: &mut Cache) {
        for (number, shelf) in cache.shelves.iter_mut().enumerate() {
            for batch in [shelf.front.take(), shelf.back.take()] {
                if batch.count > 0 {
                    self.take_back(number, batch);
                }
            }
        }
    }

    /// Gives all that waits in the depot, and in idle caches, back to the heap.
    pub(super) fn empty_depot(&mut self) {
        let mut idle = self.idle;
        while let Some(mut cache) = idle {
            // SAFETY: as in `take_idle`.
            let cache = unsafe { cache.as_mut() };
            self.empty(cache);
            idle = cache.next;
        }
        while let Some((shelf, batch)) = self.depot.take_any() {
            self.free_all(shelf, batch);
        }
    }

    /// Gives the blocks of a batch back to the heap.
    fn free_all(&mut self, shelf: usize, mut batch: Batch) {
        self.depot.came_back(batch.count as usize * size_on(shelf));
        while let Some(block) = batch.pop() {
            self.allocator.free_kept(block);
        }
    }
}
