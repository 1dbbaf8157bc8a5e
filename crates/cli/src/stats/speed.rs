//! How fast calls are, beside the C library's malloc: the same calls, untraced, by turns in processes of their own.

use std::time::Duration;

use osmem_oracle::call::{Address, NULL, Request};
use osmem_oracle::program::{Op, Pointer, Slot};
use osmem_oracle::run::Run;
use serde::Serialize;

use crate::error::Error;
use crate::lab::{Heap, Lab};

/// Runs of each; the fastest counts, since whatever else a machine does only makes a run slower.
const RUNS: usize = 5;

/// The speed of a library beside that of the C library's malloc.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Calls a second.
    pub calls_per_second: f64,
    /// The same of the C library's malloc.
    pub c_calls_per_second: f64,
    /// The first divided by the second.
    pub ratio: f64,
}

impl Speed {
    /// Measures it; `None` where the calls do not come to their end.
    pub fn of(lab: &Lab, ops: &[Op], time: Duration) -> Result<Option<Self>, Error> {
        let (mut library, mut c) = (None, None);
        for _ in 0..RUNS {
            for (heap, best) in [(Heap::Library, &mut library), (Heap::C, &mut c)] {
                if lab.is_cancelled() {
                    return Ok(None);
                }
                let Some(taken) = lab.time(ops, heap, time, None)? else { return Ok(None) };
                *best = Some(best.map_or(taken, |best: f64| best.min(taken)));
            }
        }
        Ok(library.zip(c).map(|(library, c)| Self {
            calls_per_second: 1e9 / library,
            c_calls_per_second: 1e9 / c,
            ratio: c / library,
        }))
    }
}

/// Returns the calls of a run as a script; those with a pointer that is no block's are left out.
pub fn script(run: &Run) -> Vec<Op> {
    let mut slots = Slots::default();
    let mut ops = Vec::new();
    for call in run.calls() {
        let Some(result) = call.result else { break };
        match call.request {
            Request::Malloc { size } => ops.push(Op::Malloc { slot: slots.give(result), size }),
            Request::Calloc { nmemb, size } => ops.push(Op::Calloc { slot: slots.give(result), nmemb, size }),
            Request::Realloc { pointer, size } => {
                let from = if pointer == NULL { Some(Pointer::Null) } else { slots.held(pointer) };
                let Some(pointer_of) = from else { continue };
                if result != NULL || size == 0 {
                    slots.take(pointer);
                }
                ops.push(Op::Realloc { slot: slots.give(result), pointer: pointer_of, size });
            }
            Request::Free { pointer: NULL } => ops.push(Op::Free { pointer: Pointer::Null }),
            Request::Free { pointer } => {
                let Some(held) = slots.held(pointer) else { continue };
                slots.take(pointer);
                ops.push(Op::Free { pointer: held });
            }
        }
    }
    ops
}

/// Slots by the blocks in them; one that is given back serves again.
#[derive(Default)]
struct Slots {
    held: std::collections::HashMap<Address, Slot>,
    free: Vec<Slot>,
    count: Slot,
}

impl Slots {
    /// Returns a slot for a block, or for NULL, which leaves the slot free.
    fn give(&mut self, block: Address) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        });
        if block == NULL {
            self.free.push(slot);
        } else if let Some(former) = self.held.insert(block, slot) {
            self.free.push(former);
        }
        slot
    }

    fn held(&self, block: Address) -> Option<Pointer> {
        self.held.get(&block).map(|slot| Pointer::block(*slot))
    }

    fn take(&mut self, block: Address) {
        self.free.extend(self.held.remove(&block));
    }
}

#[cfg(test)]
mod tests {
    use osmem_oracle::run::End;
    use osmem_trace::Trace;

    use super::*;

    #[test]
    fn a_run_becomes_a_script_of_valid_calls() {
        let trace: Trace = "os_malloc(8) = HEAP+0x20\nos_malloc(0) = NULL\nos_calloc(2, 4) = HEAP+0x48\nos_free(HEAP+0x20)\n\
             os_free(HEAP+0x20)\nos_realloc(HEAP+0x48, 90) = HEAP+0x70\nos_free(NULL)\nos_malloc(9) = HEAP+0x20\nexit 0\n"
            .parse()
            .unwrap();
        let ops = script(&crate::convert::run_of("t", &trace, End::Fine));
        let expected = [
            Op::Malloc { slot: 0, size: 8 },
            Op::Malloc { slot: 1, size: 0 },
            Op::Calloc { slot: 1, nmemb: 2, size: 4 },
            Op::Free { pointer: Pointer::block(0) },
            Op::Realloc { slot: 1, pointer: Pointer::block(1), size: 90 },
            Op::Free { pointer: Pointer::Null },
            Op::Malloc { slot: 0, size: 9 },
        ];
        assert_eq!(ops, expected);
    }
}
