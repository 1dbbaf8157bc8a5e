//! The calls of a program, replayed in two header sizes at once.

use std::collections::HashMap;

use super::heap::{Apart, Both, Heap, alike, both};
use crate::model::{Answer, Call, Event, Outcome, Place, Request};

/// R3: compared with `need(n)` for malloc and realloc.
const MMAP_THRESHOLD: u64 = 128 << 10;

/// R3: the page size, compared with `need(nmemb * size)` for calloc. On a machine with other pages no fixture agrees.
const CALLOC_THRESHOLD: u64 = 4096;

/// What a call does, in both sizes: its events and its result.
type Deed = (Both<Vec<Event>>, Both<Place>);

/// Heap, mappings and the pointers handed out.
pub struct Replay {
    heap: Heap,
    /// By number: the payload of each live mapping.
    mappings: HashMap<u32, u64>,
    /// How many mappings there have been.
    mapped: u32,
    /// For each heap pointer that was handed out, in the contract's size: the same pointer in the other size, as it was the
    /// first time. If it comes again and means another place there, both sizes disagree on what it points to.
    handed: HashMap<u64, u64>,
}

/// What a pointer points to.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    /// A live block of the heap.
    Block(usize),
    /// A live mapping.
    Mapping(u32),
    /// Nothing that can be freed or resized.
    Nothing,
}

impl Replay {
    /// Before the first call.
    pub fn new(header: Both<u64>) -> Self {
        Self { heap: Heap::new(header), mappings: HashMap::new(), mapped: 0, handed: HashMap::new() }
    }

    /// Whether there was a heap request.
    pub fn has_heap(&self) -> bool {
        !self.heap.is_empty()
    }

    /// What a call does that the kernel refuses nothing.
    pub fn call(&mut self, request: &Request) -> Result<Both<Call>, Apart> {
        let mut pointers = [Place::Null; 2];
        let (events, result) = match *request {
            Request::Malloc { size } => self.allocate(Some(size), MMAP_THRESHOLD)?,
            Request::Calloc { nmemb, size } => self.allocate(nmemb.checked_mul(size), CALLOC_THRESHOLD)?,
            Request::Realloc { pointer, size } => {
                pointers = self.translate(pointer)?;
                if pointer == Place::Null {
                    self.allocate(Some(size), MMAP_THRESHOLD)?
                } else {
                    self.reallocate(self.target(pointers)?, pointers, size)?
                }
            }
            Request::Free { pointer } => {
                pointers = self.translate(pointer)?;
                self.free(self.target(pointers)?)
            }
        };
        self.remember(result);
        let [ours, other] = events;
        let call = |size: usize, events| {
            let request = request.map(|_| pointers[size]);
            let returned = !matches!(request, Request::Free { .. });
            Call { request, events, result: Outcome::Returned(returned.then_some(result[size])) }
        };
        Ok([call(0, ours), call(1, other)])
    }

    /// R1 to R9. `None`: the product of calloc overflows.
    fn allocate(&mut self, size: Option<u64>, threshold: u64) -> Result<Deed, Apart> {
        let Some(size @ 1..=MOST) = size else { return Ok(nothing()) };
        if self.is_mapped(size, threshold)? { Ok(self.map(size)) } else { self.take(size) }
    }

    /// R3, and that no reading of O1 or O2 decides otherwise unless it does so in the contract's size too.
    fn is_mapped(&self, size: u64, threshold: u64) -> Result<bool, Apart> {
        let header = self.heap.header();
        let open = both(|at| {
            let totals = [size + header[at], align(size), size];
            let readings =
                [totals[0] >= threshold, totals[0] > threshold, totals[1] >= threshold, totals[2] >= threshold];
            let rule = align(size) + header[at] >= threshold;
            readings.iter().any(|reading| *reading != rule)
        });
        if open[1] && !open[0] {
            return Err("the size is at the threshold, where readings differ (O1, O2)");
        }
        alike(both(|at| align(size) + header[at] >= threshold), "a request is mapped with one size only")
    }

    /// R4 to R7.
    fn take(&mut self, size: u64) -> Result<Deed, Apart> {
        let (index, events) = self.heap.take(align(size))?;
        Ok((events, self.heap.payload(index).map(Place::Heap)))
    }

    /// R9.
    fn map(&mut self, size: u64) -> Deed {
        self.mapped += 1;
        let (number, header) = (self.mapped, self.heap.header());
        self.mappings.insert(number, align(size));
        let event = |at: usize| {
            vec![Event::Mmap {
                address: Place::Null,
                length: header[at] + align(size),
                protection: "PROT_READ|PROT_WRITE".into(),
                flags: "MAP_PRIVATE|MAP_ANONYMOUS".into(),
                descriptor: -1,
                offset: 0,
                result: Answer::Place(Place::Map { number, offset: 0 }),
            }]
        };
        (both(event), both(|at| Place::Map { number, offset: header[at] }))
    }

    /// R8, R14.
    fn free(&mut self, target: Target) -> Deed {
        match target {
            Target::Block(index) => self.heap.free(index),
            Target::Mapping(number) => {
                let size = self.mappings.remove(&number).unwrap_or_default();
                let address = Place::Map { number, offset: 0 };
                let result = Answer::Number(0);
                let event = |at: usize| {
                    vec![Event::Munmap { address, length: self.heap.header()[at] + size, result: result.clone() }]
                };
                return (both(event), [Place::Null; 2]);
            }
            Target::Nothing => {}
        }
        nothing()
    }

    /// R10 to R13, for a pointer that is not NULL.
    fn reallocate(&mut self, target: Target, pointer: Both<Place>, size: u64) -> Result<Deed, Apart> {
        if size == 0 {
            return Ok(self.free(target));
        }
        if size > MOST {
            return Ok(nothing());
        }
        let moved = match target {
            Target::Nothing => return Ok(nothing()),
            Target::Mapping(number) if self.mappings.get(&number) == Some(&align(size)) => {
                return Ok((nothing().0, pointer));
            }
            Target::Block(index) if !self.is_mapped(size, MMAP_THRESHOLD)? => {
                if let Some(events) = self.heap.resize(index, align(size))? {
                    return Ok((events, pointer));
                }
                self.take(size)?
            }
            Target::Block(_) | Target::Mapping(_) => self.allocate(Some(size), MMAP_THRESHOLD)?,
        };
        // Merging may have given the block another place in the list, but not another address.
        let (freed, _) = self.free(self.target(pointer)?);
        let (mut events, result) = moved;
        for (events, more) in events.iter_mut().zip(freed) {
            events.extend(more);
        }
        Ok((events, result))
    }

    /// What a pointer points to. A pointer to a block that is gone may by chance meet another one, with one size only.
    fn target(&self, pointer: Both<Place>) -> Result<Target, Apart> {
        alike(both(|at| self.target_with(at, pointer[at])), UNCLEAR)
    }

    /// What a pointer points to in one of the sizes.
    fn target_with(&self, at: usize, pointer: Place) -> Target {
        let (header, heap) = (self.heap.header()[at], &self.heap);
        match pointer {
            Place::Heap(offset) => match heap.find(at, offset) {
                Some(index) if heap.payload(index)[at] == offset && !heap.is_free(index) => Target::Block(index),
                _ => Target::Nothing,
            },
            Place::Map { number, offset } if offset == header && self.mappings.contains_key(&number) => {
                Target::Mapping(number)
            }
            _ => Target::Nothing,
        }
    }

    /// The same pointer in both sizes. A pointer that no call has handed out is taken relative to the live block around it.
    fn translate(&self, pointer: Place) -> Result<Both<Place>, Apart> {
        let header = self.heap.header();
        match pointer {
            Place::Null | Place::Foreign => Ok([pointer; 2]),
            Place::Map { number, offset } => {
                let size = *self.mappings.get(&number).ok_or(UNCLEAR)?;
                let inside = offset.checked_sub(header[0]).filter(|inside| *inside < size).ok_or(UNCLEAR)?;
                Ok(both(|at| Place::Map { number, offset: header[at] + inside }))
            }
            Place::Heap(offset) => {
                if let Some(other) = self.handed.get(&offset) {
                    return Ok([pointer, Place::Heap(*other)]);
                }
                let index = self.heap.find(0, offset).filter(|index| !self.heap.is_free(*index)).ok_or(UNCLEAR)?;
                let (payload, size) = (self.heap.payload(index), self.heap.size(index));
                let inside = offset.checked_sub(payload[0]).filter(|inside| *inside < size[1]).ok_or(UNCLEAR)?;
                // An older pointer in between may be what it is relative to.
                let other_base = self.handed.keys().any(|base| (payload[0] + 1..offset).contains(base));
                if other_base { Err(UNCLEAR) } else { Ok([pointer, Place::Heap(payload[1] + inside)]) }
            }
        }
    }

    fn remember(&mut self, result: Both<Place>) {
        if let [Place::Heap(ours), Place::Heap(other)] = result {
            self.handed.entry(ours).or_insert(other);
        }
    }
}

const UNCLEAR: Apart = "where this pointer points with the other size is unclear";

/// R2: the largest request.
const MOST: u64 = i64::MAX as u64;

/// R6: payloads are multiples of 8.
fn align(size: u64) -> u64 {
    size.next_multiple_of(8)
}

/// No events, and NULL.
fn nothing() -> Deed {
    ([Vec::new(), Vec::new()], [Place::Null; 2])
}
