//! Between the two vocabularies: traces with places (`osmem_trace`), and runs with plain addresses (`osmem_oracle`).
//!
//! HEAP and each mapping get a fixed address far from all others, so that a place and its address say the same.

use osmem_oracle::call::{self, Address, Granting, NULL, System};
use osmem_oracle::params::HEAP;
use osmem_oracle::run::{self, Run, Step};
use osmem_trace::Trace;
use osmem_trace::model::{Answer, BreakMove, Call, Entry, Event, Outcome, Place, Request};

/// What FOREIGN becomes: an address that no allocator gives.
const FOREIGN: Address = 8;

/// Where the addresses of the heap end.
const HEAP_END: Address = HEAP + (1 << 43);

/// The run that `trace` shows.
pub fn run_of(name: &str, trace: &Trace, end: run::End) -> Run {
    let steps = trace.entries.iter().filter_map(step_of).collect();
    Run { name: name.to_owned(), brk: HEAP, steps, end, by_c_library: None }
}

/// One entry of a trace; `None` where the program moved the break to a place that has no name yet.
pub fn step_of(entry: &Entry) -> Option<Step> {
    match entry {
        Entry::Program(moved) => matches!(moved.result, Place::Heap(_)).then(|| Step::Program(address(moved.result))),
        Entry::Call(call) => Some(Step::Call(run::Call {
            request: match call.request {
                Request::Malloc { size } => call::Request::Malloc { size },
                Request::Calloc { nmemb, size } => call::Request::Calloc { nmemb, size },
                Request::Realloc { pointer, size } => call::Request::Realloc { pointer: address(pointer), size },
                Request::Free { pointer } => call::Request::Free { pointer: address(pointer) },
            },
            // What a library prints is no concern of the oracle's.
            asked: call.events.iter().filter(|event| !event.is_output()).map(system_of).collect(),
            result: match call.result {
                Outcome::Returned(place) => Some(place.map_or(NULL, address)),
                Outcome::Never => None,
            },
        })),
    }
}

fn system_of(event: &Event) -> System {
    match event {
        Event::Brk { to, result } => System::Brk {
            to: break_address(*to),
            now: match result {
                Answer::Place(place) => break_address(*place),
                _ => NULL,
            },
        },
        Event::Mmap { address: at, length, protection, flags, result, .. } => System::Map {
            length: *length,
            plain: *at == Place::Null && protection == PROTECTION && flags == FLAGS,
            start: answered(result),
        },
        Event::Munmap { address: at, length, result } => {
            System::Unmap { start: address(*at), length: *length, taken: *result == Answer::Number(0) }
        }
        Event::Other { name, arguments, result } if name == "mremap" => {
            let mut arguments = arguments.split(", ");
            let number = arguments.next().and_then(|place| place.strip_prefix("MAP")?.parse().ok());
            let start = number.map_or(FOREIGN, |number| address(Place::Map { number, offset: 0 }));
            let length = arguments.nth(1).and_then(|length| length.parse().ok()).unwrap_or(0);
            System::Remap { start, length, to: answered(result) }
        }
        Event::Other { name, .. } => System::Other(name.as_str().into()),
        Event::Signal { name } => System::Signal(name.as_str().into()),
    }
}

const PROTECTION: &str = "PROT_READ|PROT_WRITE";
const FLAGS: &str = "MAP_PRIVATE|MAP_ANONYMOUS";

fn answered(answer: &Answer) -> Option<Address> {
    match answer {
        Answer::Place(place) => Some(address(*place)),
        _ => None,
    }
}

fn address(place: Place) -> Address {
    match place {
        Place::Null => NULL,
        Place::Heap(offset) => HEAP.saturating_add(offset).min(HEAP_END - 1),
        Place::Map { number, offset } if number <= Granting::MOST => {
            Granting::start_of(number) + offset.min(Granting::ROOM - 1)
        }
        // No run has so many mappings.
        Place::Map { .. } => FOREIGN,
        Place::Foreign => FOREIGN,
    }
}

/// A break that is FOREIGN where the first move was refused is that of a program that left it unaligned: the heap would begin right
/// above it.
fn break_address(place: Place) -> Address {
    if place == Place::Foreign { HEAP - 1 } else { address(place) }
}

/// The place of an address.
pub fn place(address: Address) -> Place {
    place_with(address, 0)
}

/// A mapping that was expected and never seen gets the number `unseen`.
fn place_with(address: Address, unseen: u32) -> Place {
    match (address, Granting::mapping_of(address)) {
        (NULL, _) => Place::Null,
        (call::UNSEEN.., _) => Place::Map { number: unseen, offset: address - call::UNSEEN },
        (HEAP..HEAP_END, _) => Place::Heap(address - HEAP),
        (_, Some((number, offset))) => Place::Map { number, offset },
        _ => Place::Foreign,
    }
}

/// A step as an entry of a trace.
pub fn entry_of(step: &Step) -> Entry {
    match step {
        Step::Call(call) => Entry::Call(call_of(call)),
        Step::Program(to) => Entry::Program(BreakMove { to: place(*to), result: place(*to) }),
    }
}

/// A call of the oracle's as the trace would write it.
pub fn call_of(call: &run::Call) -> Call {
    expected_call(call, 0)
}

/// The same for a call that was only expected: a mapping that was never seen gets the number `unseen`.
pub fn expected_call(call: &run::Call, unseen: u32) -> Call {
    call_with(call, &Unseen(unseen))
}

/// Gives addresses their places.
pub trait Places {
    /// Of a pointer, a result or a mapping.
    fn place(&self, address: Address) -> Place;

    /// Of a break, asked for or answered.
    fn break_place(&self, address: Address) -> Place {
        self.place(address)
    }
}

/// The places of the fixed addresses, with the number for a mapping that was expected and never seen.
struct Unseen(u32);

impl Places for Unseen {
    fn place(&self, address: Address) -> Place {
        place_with(address, self.0)
    }
}

/// The same with places of any kind.
pub fn call_with(call: &run::Call, places: &impl Places) -> Call {
    let place = |address| places.place(address);
    let request = match call.request {
        call::Request::Malloc { size } => Request::Malloc { size },
        call::Request::Calloc { nmemb, size } => Request::Calloc { nmemb, size },
        call::Request::Realloc { pointer, size } => Request::Realloc { pointer: place(pointer), size },
        call::Request::Free { pointer } => Request::Free { pointer: place(pointer) },
    };
    let returned = |result| (call.request.function() != call::Function::Free).then(|| place(result));
    Call {
        request,
        events: call.asked.iter().map(|system| event_of(system, places)).collect(),
        result: call.result.map_or(Outcome::Never, |result| Outcome::Returned(returned(result))),
    }
}

fn event_of(system: &System, places: &impl Places) -> Event {
    let place = |address| places.place(address);
    let mapped = |start: &Option<Address>| match start {
        Some(start) => Answer::Place(place(*start)),
        None => Answer::Failed("ENOMEM".into()),
    };
    match system {
        System::Brk { to, now } => {
            Event::Brk { to: places.break_place(*to), result: Answer::Place(places.break_place(*now)) }
        }
        System::Map { length, start, .. } => Event::Mmap {
            address: Place::Null,
            length: *length,
            protection: PROTECTION.into(),
            flags: FLAGS.into(),
            descriptor: -1,
            offset: 0,
            result: mapped(start),
        },
        System::Unmap { start, length, taken } => Event::Munmap {
            address: place(*start),
            length: *length,
            result: if *taken { Answer::Number(0) } else { Answer::Failed("EINVAL".into()) },
        },
        System::Remap { start, length, to } => Event::Other {
            name: "mremap".into(),
            arguments: format!("{}, {length}, MREMAP_MAYMOVE", place(*start)),
            result: mapped(to),
        },
        System::Other(name) => {
            Event::Other { name: name.to_string(), arguments: String::new(), result: Answer::Number(0) }
        }
        System::Signal(name) => Event::Signal { name: name.to_string() },
    }
}

/// How many mappings a step made.
pub fn mappings(step: &Step) -> u32 {
    let Step::Call(call) = step else { return 0 };
    let mapped = call.asked.iter().filter(|event| matches!(event, System::Map { start: Some(_), .. }));
    u32::try_from(mapped.count()).unwrap_or(u32::MAX)
}
