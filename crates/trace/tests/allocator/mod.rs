//! The contract once more, for one header size: a map of the heap by address, nothing shared with the code under test.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

use std::collections::BTreeMap;

use osmem_trace::model::{Answer, Call, Event, Outcome, Place, Request};

const PREALLOCATION: u64 = 131_072;
const THRESHOLD: u64 = 131_072;
const PAGE: u64 = 4096;

pub struct Allocator {
    header: u64,
    /// By address of the block above HEAP: its size with the header, and whether it is free.
    heap: BTreeMap<u64, (u64, bool)>,
    /// Lengths; `None` once unmapped.
    mappings: Vec<Option<u64>>,
    events: Vec<Event>,
    pub calls: Vec<Call>,
}

fn align(size: u64) -> u64 {
    size.div_ceil(8) * 8
}

impl Allocator {
    pub fn new(header: u64) -> Self {
        Self { header, heap: BTreeMap::new(), mappings: Vec::new(), events: Vec::new(), calls: Vec::new() }
    }

    pub fn malloc(&mut self, size: u64) {
        let place = self.allocate(size, THRESHOLD);
        self.returns(Request::Malloc { size }, Some(place));
    }

    pub fn calloc(&mut self, nmemb: u64, size: u64) {
        let place = nmemb.checked_mul(size).map_or(Place::Null, |total| self.allocate(total, PAGE));
        self.returns(Request::Calloc { nmemb, size }, Some(place));
    }

    pub fn free(&mut self, call: usize, inside: u64) {
        let pointer = match self.result(call) {
            Place::Heap(offset) => Place::Heap(offset + inside),
            Place::Map { number, offset } if self.mappings[number as usize - 1].is_some() => {
                Place::Map { number, offset: offset + inside }
            }
            // Where the next mapping goes is the kernel's business: such a pointer is not used again.
            _ => Place::Null,
        };
        self.release(pointer);
        self.returns(Request::Free { pointer }, None);
    }

    pub fn realloc(&mut self, call: usize, size: u64) {
        let pointer = match self.result(call) {
            Place::Map { number, .. } if self.mappings[number as usize - 1].is_none() => Place::Null,
            pointer => pointer,
        };
        let result = self.resize(pointer, size);
        self.returns(Request::Realloc { pointer, size }, Some(result));
    }

    /// What a call gave; NULL for one that does not exist.
    fn result(&self, call: usize) -> Place {
        match self.calls.get(call).map(|call| call.result) {
            Some(Outcome::Returned(Some(place))) => place,
            _ => Place::Null,
        }
    }

    fn returns(&mut self, request: Request, result: Option<Place>) {
        let events = std::mem::take(&mut self.events);
        self.calls.push(Call { request, events, result: Outcome::Returned(result) });
    }

    fn allocate(&mut self, size: u64, threshold: u64) -> Place {
        if size == 0 || size > i64::MAX as u64 {
            return Place::Null;
        }
        let need = align(size) + self.header;
        if need < threshold {
            return Place::Heap(self.take(need) + self.header);
        }
        self.mappings.push(Some(need));
        let number = u32::try_from(self.mappings.len()).unwrap();
        self.events.push(Event::Mmap {
            address: Place::Null,
            length: need,
            protection: "PROT_READ|PROT_WRITE".into(),
            flags: "MAP_PRIVATE|MAP_ANONYMOUS".into(),
            descriptor: -1,
            offset: 0,
            result: Answer::Place(Place::Map { number, offset: 0 }),
        });
        Place::Map { number, offset: self.header }
    }

    fn end(&self) -> u64 {
        self.heap.last_key_value().map_or(0, |(at, (length, _))| at + length)
    }

    fn set_break(&mut self, to: u64) {
        self.events.push(Event::Brk { to: Place::Heap(to), result: Answer::Place(Place::Heap(to)) });
    }

    /// A block of `need` bytes in use; its address.
    fn take(&mut self, need: u64) -> u64 {
        if self.heap.is_empty() {
            self.heap.insert(0, (PREALLOCATION, true));
            self.set_break(PREALLOCATION);
        }
        let addresses: Vec<u64> = self.heap.keys().copied().collect();
        for at in addresses {
            while self.heap.get(&at).is_some_and(|block| block.1) && self.absorb(at) {}
        }
        let fitting = self.heap.iter().filter(|(_, (length, free))| *free && *length >= need);
        let at = match fitting.min_by_key(|(at, (length, _))| (*length, **at)).map(|(at, _)| *at) {
            Some(at) => at,
            None => {
                let (at, length) = match self.heap.last_key_value() {
                    Some((at, (length, true))) => (*at, *length),
                    _ => (self.end(), 0),
                };
                self.set_break(self.end() + need - length);
                self.heap.insert(at, (need, true));
                at
            }
        };
        self.cut(at, need);
        at
    }

    /// Joins a block with the one behind it, if that is free.
    fn absorb(&mut self, at: u64) -> bool {
        let (length, free) = self.heap[&at];
        let Some((next, true)) = self.heap.get(&(at + length)).copied() else { return false };
        self.heap.remove(&(at + length));
        self.heap.insert(at, (length + next, free));
        true
    }

    /// Gives `need` bytes of a block, or all of it.
    fn cut(&mut self, at: u64, need: u64) {
        let (length, _) = self.heap[&at];
        if length - need >= self.header + 8 {
            self.heap.insert(at, (need, false));
            self.heap.insert(at + need, (length - need, true));
        } else {
            self.heap.insert(at, (length, false));
        }
    }

    fn release(&mut self, pointer: Place) {
        match pointer {
            Place::Heap(offset) => {
                if let Some(block) = offset.checked_sub(self.header).and_then(|at| self.heap.get_mut(&at)) {
                    block.1 = true;
                }
            }
            Place::Map { number, offset } if offset == self.header => {
                if let Some(length) = self.mappings[number as usize - 1].take() {
                    let address = Place::Map { number, offset: 0 };
                    self.events.push(Event::Munmap { address, length, result: Answer::Number(0) });
                }
            }
            _ => {}
        }
    }

    fn resize(&mut self, pointer: Place, size: u64) -> Place {
        let (at, live) = match pointer {
            Place::Null => return self.allocate(size, THRESHOLD),
            Place::Heap(offset) => {
                let at = offset - self.header;
                (at, self.heap.get(&at).is_some_and(|block| !block.1))
            }
            _ => (0, true),
        };
        if size == 0 {
            self.release(pointer);
            return Place::Null;
        }
        let need = align(size.min(1 << 62)) + self.header;
        if !live || size > i64::MAX as u64 {
            return Place::Null;
        }
        match pointer {
            Place::Map { number, .. } if self.mappings[number as usize - 1] == Some(need) => return pointer,
            Place::Heap(_) if need < THRESHOLD => {
                let (length, _) = self.heap[&at];
                if length < need && at + length == self.end() {
                    self.set_break(at + need);
                    self.heap.insert(at, (need, false));
                    return pointer;
                }
                while self.heap[&at].0 < need && self.absorb(at) {}
                if self.heap[&at].0 >= need {
                    self.cut(at, need);
                    return pointer;
                }
            }
            _ => {}
        }
        let result = self.allocate(size, THRESHOLD);
        self.release(pointer);
        result
    }
}
