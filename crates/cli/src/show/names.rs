//! The program's names for its blocks: b1, b2, … in the order in which it gets them.

use std::collections::BTreeMap;

use osmem_oracle::call::{Address, Function, NULL, Request};
use osmem_oracle::run::Call;
use osmem_picture::row::{Kind, Piece, Place};
use osmem_picture::run::Life;
use osmem_trace::model::Place as Labelled;

use super::rows;
use crate::convert;

/// A block that the program holds.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its name.
    pub name: u32,
    /// The bytes that were asked for.
    pub size: u64,
    /// The place of its life in the list of lives.
    pub life: usize,
}

/// The blocks of a program, by the payloads that calls gave.
#[derive(Debug, Default)]
pub struct Names {
    /// Those that it holds.
    pub held: BTreeMap<Address, Held>,
    /// Every life so far.
    pub lives: Vec<Life>,
    /// Calls that gave an address outside the heap and all mappings.
    pub foreign: usize,
    last: BTreeMap<Address, u32>,
    count: u32,
}

impl Names {
    /// Returns the name that the next new block gets.
    pub fn next(&self) -> u32 {
        self.count + 1
    }

    /// Returns the names of the held payloads.
    pub fn names(&self) -> BTreeMap<Address, u32> {
        self.held.iter().map(|(payload, held)| (*payload, held.name)).collect()
    }

    /// Returns a pointer as the program would write it.
    fn pointer(&self, pointer: Address) -> String {
        let label = |address| convert::place(address).to_string();
        if pointer == NULL || !rows::is_known(pointer) {
            return label(pointer);
        }
        if let Some(name) = self.last.get(&pointer) {
            return format!("b{name}");
        }
        match self.held.range(..pointer).next_back() {
            Some((payload, held)) if pointer - payload < held.size => format!("b{}+{}", held.name, pointer - payload),
            _ => label(pointer),
        }
    }

    /// Returns a call as the program would write it, with the name that its result gets.
    pub fn text(&self, call: &Call) -> String {
        let request = match call.request {
            Request::Malloc { size } => format!("os_malloc({size})"),
            Request::Calloc { nmemb, size } => format!("os_calloc({nmemb}, {size})"),
            Request::Realloc { pointer, size } => format!("os_realloc({}, {size})", self.pointer(pointer)),
            Request::Free { pointer } => format!("os_free({})", self.pointer(pointer)),
        };
        match call.result {
            Some(result) if result != NULL => {
                let moved = match call.request {
                    Request::Realloc { pointer, .. } => self.held.get(&pointer).map(|held| held.name),
                    _ => None,
                };
                format!("b{} = {request}", moved.unwrap_or(self.next()))
            }
            _ => request,
        }
    }

    /// Takes over a call, whose number is `number`. Returns the name of its block.
    pub fn call(&mut self, call: &Call, number: usize, header: u64) -> Option<u32> {
        let result = call.result?;
        let pointer = match call.request {
            Request::Realloc { pointer, .. } | Request::Free { pointer } => pointer,
            _ => NULL,
        };
        let size = call.request.bytes();
        let gives_up = result != NULL || size == 0;
        let old = self.held.get(&pointer).copied().filter(|_| gives_up);
        if let Some(held) = old {
            self.held.remove(&pointer);
            self.end(held.life, number);
        }
        if result == NULL {
            return old.map(|held| held.name);
        }
        let name = old.map_or_else(|| self.new_name(), |held| held.name);
        if !rows::is_known(result) {
            self.foreign += 1;
            return Some(name);
        }
        let life = self.lives.len();
        if let Some(there) = self.held.insert(result, Held { name, size, life }) {
            self.end(there.life, number);
        }
        self.last.insert(result, name);
        self.lives.push(Life { piece: piece(result, size, header, name), born: number, died: None });
        Some(name)
    }

    fn new_name(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    fn end(&mut self, life: usize, number: usize) {
        if let Some(life) = self.lives.get_mut(life) {
            life.died = Some(number);
        }
    }
}

/// Returns a block for the timeline.
fn piece(payload: Address, size: u64, header: u64, name: u32) -> Piece {
    let (region, offset) = match convert::place(payload) {
        Labelled::Map { number, offset } => (number, offset),
        Labelled::Heap(offset) => (0, offset),
        _ => (0, 0),
    };
    let header = header.min(offset);
    let size = size.min(1 << 40).next_multiple_of(8);
    Piece { start: Place { region, offset: offset - header }, header, size, kind: Kind::Used, name: Some(name) }
}

/// Returns the place that a call gave, as traces have it; nothing for `os_free`.
pub fn result(call: &Call) -> String {
    match call.result {
        None => "?".to_owned(),
        Some(_) if call.request.function() == Function::Free => String::new(),
        Some(result) => convert::place(result).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use osmem_oracle::params::HEAP;

    use super::*;

    fn call(names: &mut Names, request: Request, result: Address) -> (String, Option<u32>) {
        let call = Call { request, asked: Vec::new(), result: Some(result) };
        (names.text(&call), names.call(&call, 1, 32))
    }

    #[test]
    fn blocks_keep_their_names_until_they_are_freed() {
        let mut names = Names::default();
        let (one, two) = (HEAP + 32, HEAP + 320);
        for (request, result, text, subject) in [
            (Request::Malloc { size: 100 }, one, "b1 = os_malloc(100)", Some(1)),
            (Request::Realloc { pointer: one, size: 200 }, two, "b1 = os_realloc(b1, 200)", Some(1)),
            (Request::Realloc { pointer: NULL, size: 8 }, one, "b2 = os_realloc(NULL, 8)", Some(2)),
            (Request::Free { pointer: one + 4 }, NULL, "os_free(b2+4)", None),
            (Request::Free { pointer: one }, NULL, "os_free(b2)", Some(2)),
            (Request::Free { pointer: one }, NULL, "os_free(b2)", None),
            (Request::Realloc { pointer: two, size: 0 }, NULL, "os_realloc(b1, 0)", Some(1)),
            (Request::Malloc { size: 0 }, NULL, "os_malloc(0)", None),
            (Request::Malloc { size: 8 }, 8, "b3 = os_malloc(8)", Some(3)),
            (Request::Free { pointer: 8 }, NULL, "os_free(FOREIGN)", None),
        ] {
            assert_eq!(call(&mut names, request, result), (text.to_owned(), subject), "{request:?}");
        }
        assert_eq!((names.foreign, names.held.len(), names.lives.len()), (1, 0, 3));
    }
}
