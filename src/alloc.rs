//! The calls in Rust: which request goes where (R1 to R3), and the decision table of `realloc` (R10 to R13).

mod misuse;
mod seen;

pub use misuse::Misuse;
pub use seen::{Seen, Stats};

use crate::block::{Block, Full, Header, Status};
use crate::heap::{Heap, Resized};
use crate::mapped::Mappings;
use crate::policy::Policy;
use crate::size::{MMAP_THRESHOLD, Request};
use crate::sys::Sys;
use std::fmt;
use std::ptr::{self, NonNull};

/// An allocator over one operating system, with headers of one layout.
///
/// A pointer that the caller passes is compared with the addresses of mappings, and read in front of only where the heap
/// spans it. A payload may be used until it is freed, resized away, or the system `S` is dropped.
#[derive(Debug)]
pub struct Allocator<S, H = Full> {
    sys: S,
    policy: Policy,
    heap: Heap<H>,
    mappings: Mappings<H>,
}

/// Why a call returned no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The sizes overflow (R2) or the system refused (R15): `ENOMEM`.
    OutOfMemory,
    /// The pointer is no live block of this allocator (R10): `EINVAL`.
    NotABlock,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "the request is too large, or the system refused memory",
            Self::NotABlock => "the pointer is no live block of this allocator",
        })
    }
}

impl std::error::Error for Failure {}

/// A payload, or null where the rules say that a success has none (R1, R10).
pub type Answer = Result<*mut u8, Failure>;

impl<S> Allocator<S> {
    /// An allocator by the contract, which has not asked the system for anything yet.
    pub const fn new(sys: S) -> Self {
        Self::with_policy(sys, Policy::EXACT)
    }
}

impl<S, H: Header> Allocator<S, H> {
    /// An allocator of any layout and policy, which has not asked the system for anything yet.
    pub const fn with_policy(sys: S, policy: Policy) -> Self {
        Self { sys, heap: Heap::new(&policy), policy, mappings: Mappings::new() }
    }

    /// The system underneath. It cannot be changed for another: the blocks lie in its memory.
    pub const fn sys(&self) -> &S {
        &self.sys
    }

    /// The same, for memory that is no block.
    pub(crate) const fn sys_mut(&mut self) -> &mut S {
        &mut self.sys
    }

    /// How it treats the system, as far as that may change at any time.
    pub const fn policy_mut(&mut self) -> &mut Policy {
        &mut self.policy
    }

    /// The heap, for [`check`](crate::check).
    pub(crate) const fn heap(&self) -> &Heap<H> {
        &self.heap
    }

    /// The mappings, for [`check`](crate::check).
    pub(crate) const fn mappings(&self) -> &Mappings<H> {
        &self.mappings
    }
}

impl<S: Sys, H: Header> Allocator<S, H> {
    /// A payload of `bytes` bytes, contents undefined; null for zero (R1).
    ///
    /// # Errors
    ///
    /// [`Failure::OutOfMemory`] by R2 and R15.
    #[inline]
    pub fn malloc(&mut self, bytes: usize) -> Answer {
        if bytes == 0 {
            return Ok(ptr::null_mut());
        }
        let request = Request::new(bytes).ok_or(Failure::OutOfMemory)?;
        self.allocate(request, self.policy.mmap_threshold).map(hand_out)
    }

    /// A payload of `count` elements of `size` bytes each, all zero (R17); null if either is zero (R1).
    ///
    /// # Errors
    ///
    /// [`Failure::OutOfMemory`] by R2 and R15.
    pub fn calloc(&mut self, count: usize, size: usize) -> Answer {
        if count == 0 || size == 0 {
            return Ok(ptr::null_mut());
        }
        let request = Request::array(count, size).ok_or(Failure::OutOfMemory)?;
        let threshold = if self.policy.calloc_maps_pages { self.sys.page_size() } else { self.policy.mmap_threshold };
        let block = self.allocate(request, threshold)?;
        block.zero_first(self.unclean(block));
        Ok(hand_out(block))
    }

    /// As [`malloc`](Self::malloc), and how many of the payload's first bytes may not be zero; all others are.
    ///
    /// # Errors
    ///
    /// As those of `malloc`.
    pub fn malloc_unclean(&mut self, bytes: usize) -> Result<(*mut u8, usize), Failure> {
        let request = Request::new(bytes.max(1)).ok_or(Failure::OutOfMemory)?;
        let block = self.allocate(request, self.policy.mmap_threshold)?;
        Ok((hand_out(block), self.unclean(block).min(block.size())))
    }

    /// Returns the number of the payload's first bytes that may not be zero, of the block that was handed out last; 0 for a
    /// fresh mapping.
    fn unclean(&self, block: Block<H>) -> usize {
        if block.status() == Status::MAPPED {
            return 0;
        }
        self.heap.clean_from().saturating_sub(block.payload().addr().get())
    }

    /// A payload of `bytes` bytes at an address that is a multiple of `alignment`, contents undefined; null for zero.
    /// `alignment` is a power of two.
    ///
    /// # Errors
    ///
    /// [`Failure::OutOfMemory`] by R2 and R15, and if there is no such address.
    pub fn aligned(&mut self, alignment: usize, bytes: usize) -> Answer {
        debug_assert!(alignment.is_power_of_two());
        if alignment <= H::ALIGNMENT || bytes == 0 {
            return self.malloc(bytes);
        }
        let size = Request::new(bytes).ok_or(Failure::OutOfMemory)?.size_in(H::ALIGNMENT);
        // So much that an aligned payload lies in it, behind a whole block or at the beginning.
        let room = size.checked_add(alignment).and_then(|room| Request::new(room.checked_add(H::SMALLEST_BLOCK)?));
        let room = room.ok_or(Failure::OutOfMemory)?.bytes();
        if H::BYTES + room >= self.policy.mmap_threshold {
            let block = if alignment <= H::BYTES {
                self.mappings.allocate(&mut self.sys, size)
            } else {
                self.mappings.allocate_aligned(&mut self.sys, alignment, size)
            };
            match block {
                Some(block) => return Ok(hand_out(block)),
                None if self.policy.stands_in => {}
                None => return Err(Failure::OutOfMemory),
            }
        }
        let block = self.heap.allocate(&mut self.sys, &self.policy, room).ok_or(Failure::OutOfMemory)?;
        let payload = block.payload().addr().get();
        let front = if payload.is_multiple_of(alignment) {
            0
        } else {
            (payload + H::SMALLEST_BLOCK).next_multiple_of(alignment) - payload
        };
        let block = if front > 0 { self.heap.cut_front(block, front) } else { block };
        self.heap.resize(&mut self.sys, &self.policy, block, size); // it is large enough: only the rest is cut off
        Ok(hand_out(block))
    }

    /// Resizes a block, moving it if it must be, and keeps its first `min(old, bytes)` bytes (R17). A null `payload`
    /// makes this [`malloc`](Self::malloc), zero `bytes` makes it [`free`](Self::free) and null (R10).
    ///
    /// # Errors
    ///
    /// [`Failure::NotABlock`] by R10, [`Failure::OutOfMemory`] by R2 and R15. The old block is live and unchanged after
    /// either.
    pub fn realloc(&mut self, payload: *mut u8, bytes: usize) -> Answer {
        if payload.is_null() {
            return self.malloc(bytes);
        }
        if bytes == 0 {
            self.free(payload);
            return Ok(ptr::null_mut());
        }
        if let Some(payload) = self.resize(payload, bytes)? {
            return Ok(payload);
        }
        let old = self.find_live(payload).ok_or(Failure::NotABlock)?;
        let request = Request::new(bytes).ok_or(Failure::OutOfMemory)?;
        let old_size = old.size();
        let more = if bytes > old_size { Request::new(self.policy.with_reserve(bytes)) } else { None };
        let new = match more.filter(|more| more.bytes() > bytes) {
            Some(more) => self
                .allocate(more, self.policy.mmap_threshold)
                .or_else(|_| self.allocate(request, self.policy.mmap_threshold)),
            None => self.allocate(request, self.policy.mmap_threshold),
        }?;
        new.copy_from(old, old_size.min(bytes));
        self.release(old);
        Ok(hand_out(new))
    }

    /// The first half of [`realloc`](Self::realloc), for a block and more than 0 bytes: where the block is now, if it
    /// could be resized without copying; `None` if it must move.
    ///
    /// # Errors
    ///
    /// As those of `realloc`.
    pub fn resize(&mut self, payload: *mut u8, bytes: usize) -> Result<Option<*mut u8>, Failure> {
        let old = self.find_live(payload).ok_or(Failure::NotABlock)?;
        let request = Request::new(bytes).ok_or(Failure::OutOfMemory)?;
        let (old_size, size) = (old.size(), request.size_in(H::ALIGNMENT));
        if self.policy.keeps(old_size, size) {
            return Ok(Some(payload));
        }
        if size > old_size
            && let Some(more) = Request::new(self.policy.with_reserve(size)).map(|more| more.size_in(H::ALIGNMENT))
            && more > size
            && let Ok(Some(block)) = self.resize_block(old, more)
        {
            return Ok(Some(hand_out(block)));
        }
        Ok(self.resize_block(old, size)?.map(hand_out))
    }

    /// R11 to R13, without the moves.
    fn resize_block(&mut self, old: Block<H>, size: usize) -> Result<Option<Block<H>>, Failure> {
        let is_mapped = H::BYTES + size >= self.policy.mmap_threshold;
        let block = if old.status() == Status::MAPPED {
            if size == old.size() {
                Some(old) // R13
            } else if self.policy.remap && H::BYTES + size >= MMAP_THRESHOLD {
                self.mappings.resize(&mut self.sys, old, size)
            } else {
                None // R13: moves
            }
        } else if is_mapped && self.policy.is_exact() {
            None // R12: moves
        } else {
            match self.heap.resize(&mut self.sys, &self.policy, old, size) {
                Resized::InPlace => Some(old),
                Resized::Refused if self.policy.is_exact() => return Err(Failure::OutOfMemory),
                Resized::Refused | Resized::MustMove => None,
            }
        };
        Ok(block)
    }

    /// Frees a block (R8). Anything that is no live block is ignored (R14).
    #[inline]
    pub fn free(&mut self, payload: *mut u8) {
        self.try_free(payload);
    }

    /// Frees a block; `false` if it is no live one.
    #[inline]
    pub fn try_free(&mut self, payload: *mut u8) -> bool {
        let Some(payload) = NonNull::new(payload) else { return false };
        if let Some(block) = self.heap.find(payload) {
            self.heap.free(&mut self.sys, &self.policy, block);
        } else if let Some(block) = self.mappings.find(payload.addr().get()) {
            self.release_mapping(block);
        } else {
            return false;
        }
        true
    }

    /// The address of the first payload of the heap's last segment, and the segment's end; `None` before there is a heap.
    #[inline]
    pub(crate) fn last_segment(&self) -> Option<(usize, usize)> {
        let list = self.heap.blocks();
        list.segment_start().map(|start| (start, list.end()))
    }

    /// Bytes in the payload of a live block; 0 if it is none.
    pub fn usable_size(&self, payload: *mut u8) -> usize {
        self.find_live(payload).map_or(0, Block::size)
    }

    /// Up to `wanted` blocks of `bytes` bytes each, of a heap's size: as many as the best fit has room for, and at least
    /// one. Each payload is handed to `take`; how many there were, 0 if the system refused.
    pub(crate) fn malloc_many(&mut self, bytes: usize, wanted: usize, mut take: impl FnMut(Block<H>)) -> usize {
        let Some(request) = Request::new(bytes) else { return 0 };
        self.heap.allocate_many(&mut self.sys, &self.policy, request.size_in(H::ALIGNMENT), wanted, &mut take)
    }

    /// Frees a block of the heap that a thread has kept.
    pub(crate) fn free_kept(&mut self, block: Block<H>) {
        self.heap.free(&mut self.sys, &self.policy, block);
    }

    /// Gives the whole pages of all free blocks back, and of the end of the heap all but `keep` bytes, if the policy ever
    /// does so; whether anything was given back.
    pub fn trim(&mut self, keep: usize) -> bool {
        self.policy.trim != usize::MAX && self.heap.release_all(&mut self.sys, keep)
    }

    /// R3: a mapping of its own from `threshold` bytes on, a block of the heap below. Where the one is refused, the other,
    /// if the policy says so.
    #[inline]
    fn allocate(&mut self, request: Request, threshold: usize) -> Result<Block<H>, Failure> {
        let size = request.size_in(H::ALIGNMENT);
        let is_mapped = H::BYTES + size >= threshold;
        let block = if is_mapped {
            self.mappings.allocate(&mut self.sys, size)
        } else {
            self.heap.allocate(&mut self.sys, &self.policy, size)
        };
        match block {
            Some(block) => Ok(block),
            None if !self.policy.stands_in => Err(Failure::OutOfMemory),
            None if is_mapped => self.heap.allocate(&mut self.sys, &self.policy, size).ok_or(Failure::OutOfMemory),
            None => self.mappings.allocate(&mut self.sys, size).ok_or(Failure::OutOfMemory),
        }
    }

    fn release(&mut self, block: Block<H>) {
        if block.status() == Status::MAPPED {
            self.release_mapping(block);
        } else {
            self.heap.free(&mut self.sys, &self.policy, block);
        }
    }

    fn release_mapping(&mut self, block: Block<H>) {
        let length = self.mappings.free(&mut self.sys, block);
        self.policy.learn(length);
    }

    /// The block that a caller owns and whose payload begins exactly at `payload`.
    #[inline]
    fn find_live(&self, payload: *mut u8) -> Option<Block<H>> {
        let payload = NonNull::new(payload)?;
        match self.heap.find(payload) {
            Some(block) => Some(block),
            None => self.mappings.find(payload.addr().get()),
        }
    }
}

#[inline]
fn hand_out<H: Header>(block: Block<H>) -> *mut u8 {
    block.payload().as_ptr()
}
