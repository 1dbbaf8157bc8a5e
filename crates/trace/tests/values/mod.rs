//! Traces at random.

use osmem_trace::Trace;
use osmem_trace::model::{Answer, BreakMove, Call, End, Entry, Event, Outcome, Place, Request};
use proptest::prelude::*;

/// Any trace that can be written.
pub fn trace() -> impl Strategy<Value = Trace> {
    let entry = prop_oneof![
        8 => call().prop_map(Entry::Call),
        1 => (place(), place()).prop_map(|(to, result)| Entry::Program(BreakMove { to, result })),
    ];
    let end = prop_oneof![(0..256).prop_map(End::Exit), signal().prop_map(End::Killed)];
    (prop::collection::vec(entry, 0..12), end).prop_map(|(entries, end)| Trace { entries, end })
}

fn call() -> impl Strategy<Value = Call> {
    (request(), prop::collection::vec(event(), 0..4), prop::option::of(place())).prop_map(
        |(request, events, result)| {
            let result = match (result, request) {
                (None, _) => Outcome::Never,
                (Some(_), Request::Free { .. }) => Outcome::Returned(None),
                (result, _) => Outcome::Returned(result),
            };
            Call { request, events, result }
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u64>().prop_map(|size| Request::Malloc { size }),
        any::<(u64, u64)>().prop_map(|(nmemb, size)| Request::Calloc { nmemb, size }),
        (place(), 0..5000_u64).prop_map(|(pointer, size)| Request::Realloc { pointer, size }),
        place().prop_map(|pointer| Request::Free { pointer }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let mmap = (place(), any::<u64>(), "[A-Z_|]{1,20}", "[A-Z_|]{1,20}", -1..9_i64, any::<u64>(), answer());
    prop_oneof![
        (place(), answer()).prop_map(|(to, result)| Event::Brk { to, result }),
        mmap.prop_map(|(address, length, protection, flags, descriptor, offset, result)| Event::Mmap {
            address,
            length,
            protection,
            flags,
            descriptor,
            offset,
            result
        }),
        (place(), any::<u64>(), answer()).prop_map(|(address, length, result)| Event::Munmap {
            address,
            length,
            result
        }),
        ("(mremap|madvise|write|exit_group|syscall_0x1f4)", "[ -~]{0,30}", answer())
            .prop_map(|(name, arguments, result)| Event::Other { name, arguments, result }),
        signal().prop_map(|name| Event::Signal { name }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        place().prop_map(Answer::Place),
        any::<i64>().prop_map(Answer::Number),
        "E[A-Z0-9]{1,9}".prop_map(Answer::Failed),
        Just(Answer::Process),
        Just(Answer::Never),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    let offset = prop_oneof![Just(0), 0..0x4_0000_u64, any::<u64>()];
    prop_oneof![
        Just(Place::Null),
        Just(Place::Foreign),
        offset.clone().prop_map(Place::Heap),
        (1..300_u32, offset).prop_map(|(number, offset)| Place::Map { number, offset }),
    ]
}

fn signal() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["SIGSEGV", "SIGKILL", "SIGABRT", "SIGRT_2"]).prop_map(String::from)
}
