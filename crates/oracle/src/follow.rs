//! Follows a run call by call and says where it leaves the contract.
//!
//! Where the contract leaves a point open and the readings are not settled, every reading that agrees with what was seen is
//! followed side by side. After a divergence the model takes over what it saw, as far as it can, and goes on.

use crate::call::{Address, Request, Seen, System};
use crate::heap::Heap;
use crate::model::Model;
use crate::params::{LARGEST, Params};
use crate::readings::{Allowed, Point};
use crate::resync::resync;
use crate::run::Call;
use crate::symptom::Symptom;

/// So many ways to read a run are followed side by side at the most.
const MOST_PATHS: usize = 256;

/// A call that is not as the contract demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What was seen.
    pub seen: Call,
    /// What the contract demands.
    pub expected: Call,
    /// How they differ.
    pub symptom: Symptom,
    /// The number of the rule that is broken.
    pub rule: u8,
}

/// One way to read a run so far.
#[derive(Clone)]
struct Path {
    model: Model<'static>,
    /// What it may choose in the next call.
    allowed: Allowed,
    /// What it has chosen, as far as that is one reading of each point.
    chosen: Allowed,
}

/// Follows one run.
pub struct Follower {
    paths: Vec<Path>,
    asked: Vec<System>,
    /// The break before the first call.
    begin: Address,
    /// Payloads that were freed and not given out again.
    released: Vec<Address>,
    /// What was allowed before the first call.
    allowed: Allowed,
}

impl Follower {
    /// Before the first call, with the break at `brk`.
    pub fn new(params: Params, allowed: Allowed, brk: Address) -> Self {
        let mut model = Model::contract(params, brk);
        model.read(allowed.first());
        let paths = vec![Path { model, allowed, chosen: allowed }];
        Self { paths, asked: Vec::new(), begin: brk, released: Vec::new(), allowed }
    }

    /// The program itself moved the break.
    pub fn program(&mut self, to: Address) {
        self.paths.iter_mut().for_each(|path| path.model.break_moved(to));
    }

    /// Takes the heap for one free block up to the break, with no mapping, whatever the calls so far did.
    pub fn settle(&mut self) {
        self.paths.truncate(1);
        let begin = self.begin;
        self.released.clear();
        self.paths.iter_mut().for_each(|path| path.model.heap.settle(begin));
    }

    /// The readings that agree with everything so far, each point by itself.
    pub fn allowed(&self) -> Allowed {
        self.paths.iter().skip(1).fold(self.paths[0].chosen, |all, path| all.hull(&path.chosen))
    }

    /// The state by the first way to read the run.
    pub fn heap(&self) -> &Heap {
        &self.paths[0].model.heap
    }

    /// Judges the next call.
    pub fn call(&mut self, call: &Call) -> Option<Divergence> {
        let found = self.follow(call);
        self.note_released(call);
        found
    }

    /// Notes which payloads are free after a call.
    fn note_released(&mut self, call: &Call) {
        if let Request::Free { pointer } | Request::Realloc { pointer, size: 0 } = call.request {
            self.released.push(pointer);
        }
        if let (false, Some(result)) = (self.released.is_empty(), call.result) {
            self.released.retain(|released| *released != result);
        }
    }

    fn follow(&mut self, call: &Call) -> Option<Divergence> {
        if let [path] = &mut self.paths[..]
            && (path.allowed.is_settled() || !may_consult(&path.model.heap, &call.request))
        {
            let before = path.model.heap.brk;
            let (result, agrees) = step(&mut path.model, call, &mut self.asked);
            return if agrees { None } else { Some(self.diverge(call, result, before)) };
        }
        self.branch(call)
    }

    /// Follows every reading that may matter in this call.
    fn branch(&mut self, call: &Call) -> Option<Divergence> {
        let mut agreeing: Vec<Path> = Vec::new();
        let mut first = None;
        let mut waiting = std::mem::take(&mut self.paths);
        waiting.reverse();
        let earlier = waiting.last().cloned();
        while let Some(start) = waiting.pop() {
            let mut path = start.clone();
            path.model.read(path.allowed.first());
            path.model.heap.take_consulted();
            let before = path.model.heap.brk;
            let (result, agrees) = step(&mut path.model, call, &mut self.asked);
            let consulted = path.model.heap.take_consulted();
            let open =
                Point::ALL.into_iter().find(|point| consulted & point.bit() != 0 && start.allowed.is_open(*point));
            if let Some(point) = open {
                let choices: Vec<_> = start.allowed.of(point).collect();
                let chosen = |choice| Path { allowed: start.allowed.only(point, choice), ..start.clone() };
                waiting.extend(choices.into_iter().rev().map(chosen));
                continue;
            }
            if agrees {
                path.chosen = path.chosen.narrowed(&path.allowed);
                path.allowed = path.allowed.reopened(&self.allowed);
                keep(&mut agreeing, path);
            } else if first.is_none() {
                first = Some((path, result, before, self.asked.clone()));
            }
        }
        agreeing.truncate(MOST_PATHS);
        if !agreeing.is_empty() {
            self.paths = agreeing;
            return None;
        }
        let (mut path, result, before, asked) = first?;
        // Nothing is learnt about open points from a call that no reading explains.
        if let Some(earlier) = earlier {
            (path.allowed, path.chosen) = (earlier.allowed, earlier.chosen);
        }
        self.paths = vec![path];
        self.asked = asked;
        Some(self.diverge(call, result, before))
    }

    /// Reports the one path that is left and takes over what was seen.
    fn diverge(&mut self, call: &Call, result: Address, break_before: Address) -> Divergence {
        let expected = Call { request: call.request, asked: self.asked.clone(), result: Some(result) };
        let heap = &mut self.paths[0].model.heap;
        let symptom = Symptom::of(&expected, call, heap.params.alignment);
        let rule = symptom.rule(&expected, call, heap);
        resync(heap, &expected, call, (break_before, &self.released));
        Divergence { seen: call.clone(), expected, symptom, rule }
    }
}

/// One call of one model: its result, and whether everything is as it was seen.
fn step(model: &mut Model<'_>, call: &Call, asked: &mut Vec<System>) -> (Address, bool) {
    asked.clear();
    let result = model.call(call.request, &mut Seen::new(&call.asked), asked);
    (result, call.result == Some(result) && *asked == call.asked)
}

/// Adds a path; one that differs from another in nothing but what is left open at one point joins it.
fn keep(paths: &mut Vec<Path>, path: Path) {
    let alike = |heap: &Heap, other: &Heap| {
        heap.blocks == other.blocks
            && heap.mappings == other.mappings
            && heap.callocs == other.callocs
            && heap.brk == other.brk
    };
    for other in paths.iter_mut().filter(|other| alike(&other.model.heap, &path.model.heap)) {
        if let Some(union) = other.allowed.union(&path.allowed) {
            other.allowed = union;
            other.chosen = other.chosen.hull(&path.chosen);
            return;
        }
    }
    paths.push(path);
}

/// Whether a call may hang on an open point at all: a quick look, so that the state need not be kept for most calls.
fn may_consult(heap: &Heap, request: &Request) -> bool {
    let params = &heap.params;
    let near = |size: u64, threshold: u64| {
        (threshold.saturating_sub(params.smallest_block())..threshold + params.smallest_block()).contains(&size)
    };
    let largest = |size: u64| size > LARGEST - params.page;
    match request {
        Request::Malloc { size } => near(*size, params.mmap_threshold) || largest(*size),
        Request::Calloc { nmemb, size } => {
            nmemb.checked_mul(*size).is_some_and(|size| near(size, params.calloc_threshold) || largest(size))
        }
        Request::Realloc { .. } => true,
        Request::Free { .. } => false,
    }
}
