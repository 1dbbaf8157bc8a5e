//! An allocator over the simulated system, with a shadow: who owns which bytes and what they must hold.
//!
//! Every call goes through here and is judged at once: alignment, overlap, contents, zeroing, the invariants, and how
//! often the system was asked.
#![expect(unsafe_code, reason = "reads and writes the payloads it was given")]

use osmem::alloc::{Allocator, Answer, Failure, Seen};
use osmem::block::{Full, Header, Status};
use osmem::check::check;
use osmem::policy::Policy;
use osmem::size::{HEADER, MMAP_THRESHOLD, PREALLOCATION, Request};
use osmem::sys::Sys;
use osmem::sys::sim::{Call, Sim};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::{ptr, slice};

/// A block in the hands of the test.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    pub payload: *mut u8,
    pub bytes: usize,
    /// Which pattern fills it.
    seed: usize,
}

/// The allocator and what is known of it.
pub struct Shadow<H = Full> {
    pub allocator: Allocator<Sim, H>,
    live: BTreeMap<usize, Live>,
    freed: Vec<*mut u8>,
    /// What lies in payloads that were freed since the last search, by address.
    untouched: BTreeMap<usize, Vec<u8>>,
    seed: usize,
    /// Bytes in mappings that the system refused to take back.
    lost: usize,
    /// Whether the rules on which block is taken and what the system is asked hold too.
    exact: bool,
}

/// What a request for a block must lead to.
enum Plan {
    /// R1: null.
    Nothing,
    /// R2: null and `ENOMEM`.
    Overflow,
    /// R5: this payload, without asking the system.
    Reuse(usize),
    /// One request to the system.
    Ask((&'static str, usize)),
}

/// No larger block may be asked for with success.
pub const LARGEST: usize = 300_000;
/// The period of the pattern is a prime, so that a copy from the wrong place shows.
const PERIOD: u8 = 251;
/// Bytes at either end of a block that are looked at after every call; all of them are when it is resized or freed.
const EDGE: usize = 64;

impl<H: Header> Shadow<H> {
    /// No block may be larger than [`LARGEST`].
    ///
    /// Of another policy than the contract's only this is asked: contents, alignment, no overlap, the invariants, and that
    /// misuse changes nothing.
    pub fn with_policy(sim: Sim, policy: Policy) -> Self {
        let allocator = Allocator::with_policy(sim, policy);
        let exact = policy == Policy::EXACT;
        Self {
            allocator,
            live: BTreeMap::new(),
            freed: Vec::new(),
            untouched: BTreeMap::new(),
            seed: 0,
            lost: 0,
            exact,
        }
    }

    /// The live blocks in address order.
    pub fn live(&self) -> Vec<Live> {
        self.live.values().copied().collect()
    }

    /// Pointers to blocks that were freed and have no new owner at the same place.
    pub fn freed(&self) -> Vec<*mut u8> {
        self.freed.iter().copied().filter(|payload| !self.live.contains_key(&payload.addr())).collect()
    }

    pub fn malloc(&mut self, bytes: usize) -> Answer {
        self.take(Request::new(bytes), MMAP_THRESHOLD, |allocator| allocator.malloc(bytes))
    }

    pub fn calloc(&mut self, count: usize, size: usize) -> Answer {
        let page_size = self.allocator.sys().page_size();
        self.take(Request::array(count, size), page_size, |allocator| {
            let answer = allocator.calloc(count, size);
            if let Ok(payload) = answer
                && !payload.is_null()
            {
                let zero = contents(payload, count * size).chunks(1024).all(|chunk| chunk == &[0; 1024][..chunk.len()]);
                assert!(zero, "R17: calloc({count}, {size}) is zero");
            }
            answer
        })
    }

    /// The contract has no such call; what it does to the heap must fit in.
    pub fn aligned(&mut self, alignment: usize, bytes: usize) -> Answer {
        let answer = self.allocator.aligned(alignment, bytes);
        self.untouched.clear();
        self.asked();
        let page = self.allocator.sys().page_size();
        match answer {
            Ok(payload) => assert!(payload.is_null() == (bytes == 0) && payload.addr().is_multiple_of(alignment)),
            Err(failure) => assert_eq!(failure, Failure::OutOfMemory),
        }
        self.adopt(answer, bytes, page + H::SMALLEST_BLOCK) // a mapping may end with its last page
    }

    /// `payload` may be anything at all.
    pub fn realloc(&mut self, payload: *mut u8, bytes: usize) -> Answer {
        let call = |allocator: &mut Allocator<Sim, H>| allocator.realloc(payload, bytes);
        if payload.is_null() {
            return self.take(Request::new(bytes), MMAP_THRESHOLD, call);
        }
        let Some(old) = self.live.get(&payload.addr()).copied() else {
            let answer = self.misuse(call);
            assert_eq!(answer.is_err(), bytes > 0, "R10: {answer:?}");
            return answer;
        };
        self.hold(old);
        let answer = call(&mut self.allocator);
        let asked = self.asked();
        let gives = asked.iter().filter(|(call, _)| *call == "munmap").count();
        assert!(
            !self.exact || gives <= 1 && asked.len() - gives <= 1,
            "at most one block taken, one given back: {asked:?}"
        );
        let Ok(new) = answer else {
            self.untouched.clear();
            self.hold(old); // R15
            self.verify();
            return answer;
        };
        self.live.remove(&payload.addr());
        if new == payload {
            self.left_behind(old, bytes);
        } else {
            self.searched(answer);
            self.freed.push(payload);
            self.given_up(old);
        }
        if !new.is_null() {
            let keep = old.bytes.min(bytes);
            assert_eq!(contents(new, keep), expected(old.seed, keep), "R17: realloc to {bytes} keeps {keep} bytes");
        }
        self.adopt(answer, bytes, H::SMALLEST_BLOCK)
    }

    /// `payload` may be anything at all.
    pub fn free(&mut self, payload: *mut u8) {
        let call = |allocator: &mut Allocator<Sim, H>| {
            allocator.free(payload);
            Ok(ptr::null_mut())
        };
        let Some(old) = self.live.get(&payload.addr()).copied() else {
            assert!(self.misuse(call).is_ok());
            return;
        };
        self.hold(old);
        let mapped: Vec<Seen> = self.allocator.mapped_blocks().filter(|seen| seen.payload == payload.addr()).collect();
        let page = self.allocator.sys().page_size();
        let length = |seen: &Seen| (seen.payload - H::BYTES) % page + H::BYTES + seen.size; // an aligned one begins earlier
        let expected: Vec<_> = mapped.iter().map(|seen| ("munmap", length(seen))).collect();
        assert!(call(&mut self.allocator).is_ok());
        let asked = self.asked();
        assert!(!self.exact || asked == expected, "R8: {asked:?}, not {expected:?}");
        self.live.remove(&payload.addr());
        self.freed.push(payload);
        if mapped.is_empty() {
            self.given_up(old);
        }
        self.verify();
    }

    /// Frees everything, and then takes the whole heap again without a move of the break: nothing was lost.
    pub fn finish(mut self) {
        self.allocator.sys().refuse(0);
        for block in self.live() {
            self.free(block.payload);
        }
        assert_eq!(self.allocator.sys().mapped(), self.lost, "every mapping was given back");
        if !self.exact {
            return;
        }
        let whole = self.merged();
        let largest = MMAP_THRESHOLD - H::BYTES - H::ALIGNMENT;
        while let Some(free) = self.merged().into_iter().map(|(_, size)| size).max() {
            let bytes = free.min(largest);
            assert!(self.allocator.malloc(bytes).is_ok_and(|payload| !payload.is_null()));
            assert_eq!((self.asked(), check(&self.allocator)), (vec![], Ok(())), "taken without asking the system");
        }
        let taken: usize = self.allocator.heap_blocks().map(|block| H::BYTES + block.size).sum();
        assert_eq!(
            taken,
            whole.iter().map(|(_, size)| H::BYTES + size).sum::<usize>(),
            "the whole heap is taken again"
        );
    }

    /// A call that may take a block, judged by the rules R1 to R7 and R9.
    fn take(
        &mut self,
        request: Option<Request>,
        threshold: usize,
        call: impl FnOnce(&mut Allocator<Sim, H>) -> Answer,
    ) -> Answer {
        let plan = self.plan(request, threshold);
        let answer = call(&mut self.allocator);
        self.searched(answer);
        let asked = self.asked();
        match plan {
            Plan::Nothing => assert_eq!((answer, asked), (Ok(ptr::null_mut()), vec![]), "R1"),
            Plan::Overflow => assert_eq!((answer, asked), (Err(Failure::OutOfMemory), vec![]), "R2"),
            Plan::Reuse(_) | Plan::Ask(_) if !self.exact => {}
            Plan::Reuse(place) => {
                assert_eq!((answer.map(|payload| payload.addr()), asked), (Ok(place), vec![]), "R5");
            }
            Plan::Ask(what) => assert_eq!(asked, [what], "R4, R7, R9"),
        }
        match request {
            Some(request) => self.adopt(answer, request.bytes(), H::SMALLEST_BLOCK),
            None => answer,
        }
    }

    /// A block of the heap was freed: until the next search its payload stays as it is, if header and policy are the
    /// contract's.
    fn given_up(&mut self, old: Live) {
        if self.exact
            && H::BYTES == HEADER
            && self.allocator.heap_blocks().any(|seen| seen.payload == old.payload.addr())
        {
            self.untouched.insert(old.payload.addr(), contents(old.payload, old.bytes).to_vec());
        }
    }

    /// The same of what a block gives up that was resized in its place. What it absorbed is not free any more.
    fn left_behind(&mut self, old: Live, bytes: usize) {
        let (start, end) = (old.payload.addr(), old.payload.addr() + bytes.next_multiple_of(H::ALIGNMENT) + H::BYTES);
        self.untouched.retain(|at, _| !(start..end).contains(at));
        let has_rest = self.allocator.heap_blocks().any(|seen| seen.payload == end && seen.status == Status::FREE);
        if self.exact && H::BYTES == HEADER && has_rest && end < start + old.bytes {
            let rest = contents(old.payload, old.bytes)[end - start..].to_vec();
            self.untouched.insert(end, rest);
        }
    }

    /// A call has looked for a block of the heap, unless it gave a mapping or nothing.
    fn searched(&mut self, answer: Answer) {
        let is_on_heap = |payload: *mut u8| self.allocator.heap_blocks().any(|seen| seen.payload == payload.addr());
        if answer.is_ok_and(is_on_heap) || answer.is_err() {
            self.untouched.clear();
        }
    }

    /// What must be done to satisfy a request.
    fn plan(&self, request: Option<Request>, threshold: usize) -> Plan {
        let Some(request) = request else { return Plan::Overflow };
        if request.bytes() == 0 {
            return Plan::Nothing;
        }
        if Self::need(request) >= threshold {
            return Plan::Ask(("mmap", Self::need(request)));
        }
        let end = self.allocator.sys().current_break();
        let padding = end.next_multiple_of(H::ALIGNMENT) - end;
        let Some(last) = self.allocator.heap_blocks().last() else {
            return Plan::Ask(("brk", padding + PREALLOCATION));
        };
        let merged = self.merged();
        let fits = merged.iter().filter(|(_, size)| *size >= request.size_in(H::ALIGNMENT));
        if let Some((payload, _)) = fits.min_by_key(|(payload, size)| (*size, *payload)) {
            return Plan::Reuse(*payload);
        }
        match merged.last() {
            Some((payload, size)) if last.status == Status::FREE && payload + size == end => {
                Plan::Ask(("brk", request.size_in(H::ALIGNMENT) - size))
            }
            _ => Plan::Ask(("brk", padding + Self::need(request))),
        }
    }

    /// A call with a pointer that is no live block changes nothing (R10, R14).
    fn misuse(&mut self, call: impl FnOnce(&mut Allocator<Sim, H>) -> Answer) -> Answer {
        let seen = |allocator: &Allocator<Sim, H>| allocator.heap_blocks().chain(allocator.mapped_blocks()).collect();
        let before: Vec<Seen> = seen(&self.allocator);
        let answer = call(&mut self.allocator);
        assert_eq!((self.asked(), seen(&self.allocator)), (vec![], before), "nothing is asked, nothing changes");
        assert!(answer.is_err_and(|failure| failure == Failure::NotABlock) || answer == Ok(ptr::null_mut()));
        answer
    }

    /// What the system was asked by the last call: the name of the request, and bytes.
    fn asked(&mut self) -> Vec<(&'static str, usize)> {
        let calls = self.allocator.sys().take_calls();
        let asked = calls.into_iter().map(|call| match call {
            Call::MoveBreak { by, .. } => ("brk", by),
            Call::Map { length, .. } => ("mmap", length),
            Call::LowerBreak { by, .. } if !self.exact => ("brk down", by),
            Call::Remap { length, .. } if !self.exact => ("mremap", length),
            Call::Discard { bytes, .. } if !self.exact => ("madvise", bytes),
            Call::LowerBreak { .. } | Call::Discard { .. } | Call::Remap { .. } => panic!("R8, R13: {call:?}"),
            Call::Unmap { length, taken, .. } => {
                self.lost += if taken { 0 } else { length };
                ("munmap", length)
            }
        });
        asked.collect()
    }

    fn need(request: Request) -> usize {
        H::BYTES + request.size_in(H::ALIGNMENT)
    }

    /// Takes note of a new block and fills it. By the contract it has less than `slack` bytes more than it must.
    fn adopt(&mut self, answer: Answer, bytes: usize, slack: usize) -> Answer {
        if let Ok(payload) = answer
            && !payload.is_null()
        {
            let address = payload.addr();
            assert!(address.is_multiple_of(H::ALIGNMENT), "{address:#x} is aligned");
            let mut seen = self.allocator.heap_blocks().chain(self.allocator.mapped_blocks());
            let size =
                seen.find(|block| block.payload == address && block.status != Status::FREE).map(|block| block.size);
            let exact = bytes.next_multiple_of(H::ALIGNMENT);
            assert!(
                size.is_some_and(|size| size >= exact && (!self.exact || size - exact < slack)),
                "R6: {size:?} for {bytes}"
            );
            let below = self.live.range(..address).next_back();
            assert!(below.is_none_or(|(&start, block)| start + block.bytes <= address), "no overlap with {below:?}");
            let above = self.live.range(address..).next();
            assert!(above.is_none_or(|(&start, _)| address + bytes <= start), "no overlap with {above:?}");
            self.seed = (self.seed + 1) % usize::from(PERIOD);
            let block = Live { payload, bytes, seed: self.seed };
            // SAFETY: a payload of `bytes` bytes that the allocator has just handed out.
            unsafe { slice::from_raw_parts_mut(payload, bytes) }.copy_from_slice(expected(block.seed, bytes));
            self.live.insert(address, block);
        }
        self.verify();
        answer
    }

    /// After every call.
    fn verify(&self) {
        assert_eq!(check(&self.allocator), Ok(()));
        assert!(self.allocator.sys().foreign_is_intact(), "R16: no foreign byte is written");
        for (payload, bytes) in &self.untouched {
            let now = contents(ptr::with_exposed_provenance_mut(*payload), bytes.len());
            assert!(now == bytes, "O10: {} freed bytes at {payload:#x} stay as they were", bytes.len());
        }
        for block in self.live.values() {
            let (bytes, expected) = (contents(block.payload, block.bytes), expected(block.seed, block.bytes));
            let edge = EDGE.min(block.bytes);
            assert_eq!(bytes[..edge], expected[..edge], "R17: the beginning of {block:?}");
            assert_eq!(bytes[block.bytes - edge..], expected[block.bytes - edge..], "R17: the end of {block:?}");
        }
    }

    /// The block holds what it was filled with.
    fn hold(&self, block: Live) {
        assert_eq!(contents(block.payload, block.bytes), expected(block.seed, block.bytes), "R17: {block:?}");
    }

    /// The free blocks (payload, size) as they are once adjacent ones are merged.
    fn merged(&self) -> Vec<(usize, usize)> {
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for block in self.allocator.heap_blocks().filter(|block| block.status == Status::FREE) {
            match merged.last_mut() {
                Some((payload, size)) if *payload + *size + H::BYTES == block.payload => *size += H::BYTES + block.size,
                _ => merged.push((block.payload, block.size)),
            }
        }
        merged
    }
}

fn contents<'a>(payload: *mut u8, bytes: usize) -> &'a [u8] {
    // SAFETY: callers pass live payloads and their sizes; the simulated system's memory is initialised.
    unsafe { slice::from_raw_parts(payload, bytes) }
}

fn expected(seed: usize, bytes: usize) -> &'static [u8] {
    static PATTERN: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..PERIOD).cycle().take(usize::from(PERIOD) + LARGEST).collect());
    &PATTERN[seed..seed + bytes]
}
