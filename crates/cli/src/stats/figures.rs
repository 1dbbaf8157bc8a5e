//! The figures of a run: what was asked for, what the allocator took for it, and what became of the memory between.
//!
//! A block's own size is its payload rounded up, and the header in front; a mapped block has its whole mapping. What lies
//! between the blocks of the heap is free.

use std::collections::BTreeMap;

use osmem_oracle::call::{Address, Function, Granting, NULL, Request, System};
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::run::{Call, Run, Step};
use serde::Serialize;

use super::gaps::Gaps;

/// Points of a curve.
pub const POINTS: usize = 400;

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Calls by function.
    pub calls: Calls,
    /// System calls inside them.
    pub system: Systems,
    /// The most bytes that the program held at a time, as it asked for them.
    pub peak_payload: u64,
    /// The most bytes of heap and mappings at a time.
    pub peak_heap: u64,
    /// The peak of the payload divided by that of the heap; absent where nothing was taken.
    pub utilisation: Option<f64>,
    /// Internal fragmentation where the payload was highest: the part of all blocks that is no payload.
    pub internal_at_peak: f64,
    /// External fragmentation, at its highest: the part of the free memory that lies outside the largest free block.
    pub external_highest: f64,
    /// Blocks that are alive at the end.
    pub leaks: Vec<Leak>,
    /// Frees and resizes of what is no block.
    pub misuse: Vec<Misuse>,
    /// The course of the figures over the calls.
    pub curve: Vec<Point>,
}

/// Calls by function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// All of them.
    pub total: u64,
    /// `os_malloc`
    pub malloc: u64,
    /// `os_calloc`
    pub calloc: u64,
    /// `os_realloc`
    pub realloc: u64,
    /// `os_free`
    pub free: u64,
    /// Calls that asked for memory and got none.
    pub refused: u64,
}

/// System calls inside the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Systems {
    /// All of them.
    pub total: u64,
    /// `brk`
    pub brk: u64,
    /// `mmap`
    pub mmap: u64,
    /// `munmap`
    pub munmap: u64,
    /// Any other.
    pub other: u64,
}

/// A block that is alive at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// The number of the call that gave it, counted from 1.
    pub call: u64,
    /// That call.
    pub text: String,
    /// Its bytes, as they were asked for.
    pub size: u64,
    /// The line of the program's source that made the call, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// The kind of a misuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MisuseKind {
    /// The pointer was a block's and has been freed.
    DoubleFree,
    /// The pointer never was a block's.
    InvalidFree,
}

/// A call with a pointer that is no block's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misuse {
    /// The number of the call, counted from 1.
    pub call: u64,
    /// That call.
    pub text: String,
    /// Its kind.
    pub kind: MisuseKind,
    /// The line of the program's source that made the call, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// The state behind a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// The number of the call.
    pub call: u64,
    /// Bytes that the program holds.
    pub payload: u64,
    /// Bytes of heap and mappings.
    pub heap: u64,
    /// The part of all blocks that is no payload, 0 to 1.
    pub internal: f64,
    /// The part of the free memory that lies outside the largest free block, 0 to 1.
    pub external: f64,
}

/// A block that the program holds.
#[derive(Clone, Copy)]
struct Block {
    size: u64,
    /// Where it begins, header included, and its bytes.
    start: Address,
    bytes: u64,
    call: u64,
}

/// A run on its way.
struct Walk {
    params: Params,
    figures: Figures,
    live: BTreeMap<Address, Block>,
    given: BTreeMap<Address, ()>,
    mappings: BTreeMap<Address, u64>,
    mapped: u64,
    brk: Address,
    foreign: u64,
    payload: u64,
    bytes: u64,
    gaps: Gaps,
    texts: BTreeMap<u64, Request>,
    every: u64,
    highest: Option<Point>,
}

impl Figures {
    /// Returns the figures of a run whose blocks have headers of `params.header` bytes.
    pub fn of(run: &Run, params: Params) -> Self {
        let calls = run.calls().count() as u64;
        let mut walk = Walk {
            params,
            figures: Self::default(),
            live: BTreeMap::new(),
            given: BTreeMap::new(),
            mappings: BTreeMap::new(),
            mapped: 0,
            brk: HEAP,
            foreign: 0,
            payload: 0,
            bytes: 0,
            gaps: Gaps::default(),
            texts: BTreeMap::new(),
            every: calls.div_ceil(POINTS as u64).max(1),
            highest: None,
        };
        for step in &run.steps {
            match step {
                Step::Program(to) => walk.program(*to),
                Step::Call(call) => walk.call(call),
            }
        }
        walk.finished()
    }

    /// Returns the bytes of all leaks.
    pub fn leaked(&self) -> u64 {
        self.leaks.iter().fold(0, |sum, leak| sum.saturating_add(leak.size))
    }
}

/// Returns a part of a whole, 0 where there is no whole.
fn part(of: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { of as f64 / whole as f64 }
}

/// Returns a call as a trace has it.
fn text(request: Request) -> String {
    crate::convert::call_of(&Call { request, asked: Vec::new(), result: None }).request.to_string()
}

impl Walk {
    /// Takes over a move of the break that is the program's own.
    fn program(&mut self, to: Address) {
        self.foreign = (self.foreign + to).saturating_sub(self.brk).min(to.saturating_sub(HEAP));
        self.brk = to;
    }

    fn call(&mut self, call: &Call) {
        let calls = &mut self.figures.calls;
        calls.total += 1;
        match call.request.function() {
            Function::Malloc => calls.malloc += 1,
            Function::Calloc => calls.calloc += 1,
            Function::Realloc => calls.realloc += 1,
            Function::Free => calls.free += 1,
        }
        let number = calls.total;
        call.asked.iter().for_each(|event| self.system(event));
        let Some(result) = call.result else { return self.point(number) };
        let size = call.request.bytes();
        let (passed, resizes) = match call.request {
            Request::Realloc { pointer, .. } => (pointer, true),
            Request::Free { pointer } => (pointer, false),
            _ => (NULL, false),
        };
        if passed != NULL && !self.live.contains_key(&passed) {
            let kind = if self.given.contains_key(&passed) { MisuseKind::DoubleFree } else { MisuseKind::InvalidFree };
            let text = text(call.request);
            self.figures.misuse.push(Misuse { call: number, text, kind, line: None });
        }
        if passed != NULL && (!resizes || result != NULL || size == 0) {
            self.take(passed);
        }
        if result != NULL {
            self.give(result, size, number, call.request);
        } else if size > 0 && call.request.function() != Function::Free {
            self.figures.calls.refused += 1;
        }
        self.point(number);
    }

    fn system(&mut self, event: &System) {
        let counts = &mut self.figures.system;
        counts.total += 1;
        match event {
            System::Brk { now, .. } => {
                counts.brk += 1;
                if *now >= HEAP {
                    self.brk = *now;
                }
            }
            System::Map { length, start, .. } => {
                counts.mmap += 1;
                if let Some(start) = start {
                    self.map(*start, *length);
                }
            }
            System::Unmap { start, length, taken } => {
                counts.munmap += 1;
                if *taken {
                    self.unmap(*start, *length);
                }
            }
            System::Remap { start, length, to } => {
                counts.other += 1;
                if let Some(to) = to {
                    self.unmap(*start, u64::MAX);
                    self.map(*to, *length);
                }
            }
            System::Other(_) => counts.other += 1,
            System::Signal(_) => counts.total -= 1,
        }
    }

    fn map(&mut self, start: Address, length: u64) {
        let length = length.checked_next_multiple_of(self.params.page).unwrap_or(length);
        self.mappings.insert(start, length);
        self.mapped = self.mapped.saturating_add(length);
    }

    fn unmap(&mut self, start: Address, length: u64) {
        if let Some(whole) = self.mappings.remove(&start) {
            let length = length.checked_next_multiple_of(self.params.page).unwrap_or(u64::MAX);
            self.mapped = self.mapped.saturating_sub(whole);
            if length < whole {
                self.mappings.insert(start + length, whole - length);
                self.mapped = self.mapped.saturating_add(whole - length);
            }
        }
    }

    fn give(&mut self, payload: Address, size: u64, call: u64, request: Request) {
        self.take(payload);
        let start = payload.saturating_sub(self.params.header);
        let on_heap = payload >= HEAP && Granting::mapping_of(payload).is_none();
        let mapping = self.mappings.range(..=payload).next_back().filter(|(at, length)| payload - **at < **length);
        let bytes = match mapping {
            Some((at, length)) if !on_heap && payload - at <= self.params.page => *length,
            _ => self.params.need(size),
        };
        self.live.insert(payload, Block { size, start, bytes, call });
        self.given.insert(payload, ());
        self.texts.insert(call, request);
        self.payload = self.payload.saturating_add(size);
        self.bytes = self.bytes.saturating_add(bytes);
        if on_heap {
            self.gaps.add(start, bytes);
        }
    }

    fn take(&mut self, payload: Address) {
        let Some(block) = self.live.remove(&payload) else { return };
        self.texts.remove(&block.call);
        self.payload = self.payload.saturating_sub(block.size);
        self.bytes = self.bytes.saturating_sub(block.bytes);
        self.gaps.remove(block.start);
    }

    /// Notes the state behind a call.
    fn point(&mut self, call: u64) {
        let span = self.brk - HEAP;
        let heap = span.saturating_sub(self.foreign).saturating_add(self.mapped);
        let (free, largest) = self.gaps.free(HEAP, self.brk);
        // A block of another shape than this header has may reach over the next one.
        let internal = part(self.bytes.saturating_sub(self.payload), self.bytes);
        let external = part(free.saturating_sub(largest), free);
        let point = Point { call, payload: self.payload, heap, internal, external };
        let figures = &mut self.figures;
        if point.payload > figures.peak_payload {
            (figures.peak_payload, figures.internal_at_peak) = (point.payload, internal);
        }
        figures.peak_heap = figures.peak_heap.max(heap);
        figures.external_highest = figures.external_highest.max(external);
        // The call with the largest heap stands for all between two points; of equals, the one with the most payload.
        let rank = |point: &Point| (point.heap, point.payload);
        self.highest = self.highest.filter(|highest| rank(highest) > rank(&point)).or(Some(point));
        if call.is_multiple_of(self.every) {
            figures.curve.extend(self.highest.take());
        }
    }

    fn finished(mut self) -> Figures {
        self.figures.curve.extend(self.highest.take());
        let texts = self.texts;
        let leak = |block: &Block| {
            let text = texts.get(&block.call).map_or_else(String::new, |request| text(*request));
            Leak { call: block.call, text, size: block.size, line: None }
        };
        let mut figures = self.figures;
        figures.leaks = self.live.values().map(leak).collect();
        figures.leaks.sort_by_key(|leak| leak.call);
        figures.utilisation = (figures.peak_heap > 0).then(|| part(figures.peak_payload, figures.peak_heap));
        figures
    }
}

#[cfg(test)]
mod tests;
