//! The allocator as a machine: a call in; its result, its system calls and the state after it out.

use crate::call::{Address, Kernel, NULL, Request, System};
use crate::cx::Cx;
use crate::heap::Heap;
use crate::params::Params;
use crate::readings::Readings;
use crate::rules::Rules;

/// An allocator of some rules with its state.
#[derive(Clone)]
pub struct Model<'r> {
    rules: Rules<'r>,
    /// The state; a caller may look at it between two calls.
    pub heap: Heap,
}

impl Model<'static> {
    /// The contract's allocator, before the first call.
    pub fn contract(params: Params, brk: Address) -> Self {
        Self::new(Rules::CONTRACT, params, Readings::CONTRACT, brk)
    }
}

impl<'r> Model<'r> {
    /// An allocator before its first call, with the break at `brk`.
    pub fn new(rules: Rules<'r>, params: Params, readings: Readings, brk: Address) -> Self {
        Self { rules, heap: Heap::new(params, readings, brk) }
    }

    /// Follows other readings from here on.
    pub fn read(&mut self, readings: Readings) {
        self.heap.readings = readings;
    }

    /// One call: gives its result ([`NULL`] for `os_free`) and adds its system calls to `asked`, answered by `kernel`.
    pub fn call(&mut self, request: Request, kernel: &mut dyn Kernel, asked: &mut Vec<System>) -> Address {
        let mut cx = Cx::new(&mut self.heap, kernel, asked);
        match request {
            Request::Malloc { size } => self.rules.malloc(&mut cx, size),
            Request::Calloc { nmemb, size } => self.rules.calloc(&mut cx, nmemb, size),
            Request::Realloc { pointer, size } => self.rules.realloc(&mut cx, pointer, size),
            Request::Free { pointer } => {
                self.rules.free(&mut cx, pointer);
                NULL
            }
        }
    }

    /// Someone else moved the break (R16).
    pub fn break_moved(&mut self, to: Address) {
        self.heap.brk = to;
    }

    /// What the allocator asks for before the program begins: nothing, by the contract.
    pub fn load(&mut self, kernel: &mut dyn Kernel, asked: &mut Vec<System>) {
        self.rules.load(&mut Cx::new(&mut self.heap, kernel, asked));
    }

    /// Its rules.
    pub fn rules(&self) -> Rules<'r> {
        self.rules
    }
}
