//! The calls that a program makes, known before it runs: a run counts only where exactly these were seen.
//!
//! A library shares its process with the program and the probe. Whatever is said there of calls may be its own words, or nothing may be
//! said at all. Which calls a program makes, with which sizes and with which earlier results, does not depend on the library as long as
//! it gives memory. So the golden trace of a program tells them for every library, and a script tells them itself.

use osmem_oracle::program::{Op, Pointer};
use osmem_trace::Trace;
use osmem_trace::model::{Call, Outcome, Place, Request};

use crate::verdict;

/// Where a program has a pointer from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Null,
    /// One of these calls, counted from 0, returned it, or the address that lies this offset (bytes) before it.
    Results(Vec<(usize, i64)>),
    /// The last of these calls that did not return NULL returned the address that lies this offset (bytes) before it.
    Latest(Vec<usize>, i64),
    /// No call returned it.
    Elsewhere,
}

/// The calls of a program, in order.
#[derive(Debug)]
pub struct Due(Vec<Request<Source>>);

impl Due {
    /// The calls of a run that is known to be right.
    pub fn in_trace(right: &Trace) -> Self {
        let mut results = Vec::new();
        let mut due = Vec::new();
        for call in right.calls() {
            due.push(call.request.map(|pointer| source(pointer, &results)));
            results.push(result(call));
        }
        Self(due)
    }

    /// The calls of a script.
    pub fn in_script(ops: &[Op]) -> Self {
        let mut slots: Vec<Vec<usize>> = Vec::new();
        let mut due = Vec::new();
        for op in ops.iter().filter(|op| op.is_call()) {
            let seen = |pointer: Pointer| match pointer {
                Pointer::Null => Source::Null,
                Pointer::Stack => Source::Elsewhere,
                Pointer::Slot { slot, offset } => {
                    Source::Latest(slots.get(slot as usize).cloned().unwrap_or_default(), offset)
                }
            };
            let request = match *op {
                Op::Malloc { size, .. } => Request::Malloc { size },
                Op::Calloc { nmemb, size, .. } => Request::Calloc { nmemb, size },
                Op::Realloc { pointer, size, .. } => Request::Realloc { pointer: seen(pointer), size },
                Op::Free { pointer } => Request::Free { pointer: seen(pointer) },
                Op::MoveBreak { .. } | Op::Refuse(_) => continue,
            };
            if let Some(slot) = op.slot().map(|slot| slot as usize) {
                slots.resize_with(slots.len().max(slot + 1), Vec::new);
                if let Some(slot) = slots.get_mut(slot) {
                    slot.push(due.len());
                }
            }
            due.push(request);
        }
        Self(due)
    }

    /// Says how the calls that were seen differ from these; `None` where they are the same to the last.
    pub fn differs(&self, seen: &Trace) -> Option<String> {
        self.differs_in(seen, self.0.len())
    }

    /// The same for the first calls only: those behind them hang on what the library answers.
    pub fn differs_in(&self, seen: &Trace, first: usize) -> Option<String> {
        let calls: Vec<&Call> = seen.calls().collect();
        let results: Vec<Place> = calls.iter().map(|call| result(call)).collect();
        for (place, due) in self.0.iter().take(first).enumerate() {
            let told = match calls.get(place) {
                None => "nothing".to_owned(),
                Some(call) if is_same(due, call, &results[..place]) => continue,
                Some(call) => verdict::request(call),
            };
            return Some(sentence(place, &format!("is {}", request(due)), &told));
        }
        match calls.get(self.0.len()) {
            Some(call) if first >= self.0.len() => {
                Some(sentence(self.0.len(), "does not exist", &verdict::request(call)))
            }
            _ => None,
        }
    }
}

fn sentence(place: usize, due: &str, seen: &str) -> String {
    let number = place + 1;
    format!("the calls are not those that the program makes: call {number} {due}, and {seen} was seen")
}

/// Returns the result of a call; NULL where it has none.
fn result(call: &Call) -> Place {
    match call.result {
        Outcome::Returned(Some(place)) => place,
        Outcome::Returned(None) | Outcome::Never => Place::Null,
    }
}

/// Where a pointer comes from in a run with these results so far.
fn source(pointer: Place, results: &[Place]) -> Source {
    if pointer == Place::Null {
        return Source::Null;
    }
    let all = || results.iter().enumerate().rev().filter(|(_, result)| **result != Place::Null);
    // Blocks may have followed one another in a place: the one that is meant is not known.
    let mut found: Vec<_> = all().filter(|(_, result)| **result == pointer).map(|(call, _)| (call, 0)).collect();
    if found.is_empty() {
        found = all().filter_map(|(call, result)| Some((call, distance(*result, pointer)?))).collect();
    }
    if found.is_empty() { Source::Elsewhere } else { Source::Results(found) }
}

/// The bytes from one place to another of the same heap or mapping.
fn distance(from: Place, to: Place) -> Option<i64> {
    let (from, to) = match (from, to) {
        (Place::Heap(from), Place::Heap(to)) => (from, to),
        (Place::Map { number, offset: from }, Place::Map { number: other, offset: to }) if number == other => {
            (from, to)
        }
        _ => return None,
    };
    i64::try_from(i128::from(to) - i128::from(from)).ok()
}

/// Whether a call is the one that is due, after calls with these results.
fn is_same(due: &Request<Source>, call: &Call, results: &[Place]) -> bool {
    match (due, call.request) {
        (Request::Malloc { size }, Request::Malloc { size: seen }) => *size == seen,
        (Request::Calloc { nmemb, size }, Request::Calloc { nmemb: seen_nmemb, size: seen }) => {
            (*nmemb, *size) == (seen_nmemb, seen)
        }
        (Request::Realloc { pointer, size }, Request::Realloc { pointer: seen_pointer, size: seen }) => {
            *size == seen && is_from(pointer, seen_pointer, results)
        }
        (Request::Free { pointer }, Request::Free { pointer: seen }) => is_from(pointer, seen, results),
        _ => false,
    }
}

/// Whether a pointer is the one that is meant.
fn is_from(source: &Source, seen: Place, results: &[Place]) -> bool {
    let result = |call: usize| results.get(call).copied().unwrap_or(Place::Null);
    match source {
        Source::Null => seen == Place::Null,
        Source::Results(found) => found.iter().any(|(call, offset)| is_behind(result(*call), *offset, seen)),
        Source::Latest(calls, offset) => {
            let latest = calls.iter().rev().map(|call| result(*call)).find(|result| *result != Place::Null);
            latest.map_or(seen == Place::Null, |latest| is_behind(latest, *offset, seen))
        }
        Source::Elsewhere => seen != Place::Null,
    }
}

/// Whether `seen` lies `offset` bytes behind a result, as far as its label tells.
fn is_behind(result: Place, offset: i64, seen: Place) -> bool {
    match (result, seen) {
        (Place::Null, _) | (_, Place::Null) => false,
        // Memory that the library has not asked for in any call has no label.
        (Place::Foreign, _) => true,
        // A mapping that is gone has no label any more, or that of the one which took its place.
        (Place::Map { .. }, Place::Foreign) => true,
        (Place::Map { number, .. }, Place::Map { number: other, .. }) if number != other => true,
        // Beyond the end of the heap there is no label.
        (Place::Heap(_), Place::Foreign) => offset != 0,
        _ => distance(result, seen) == Some(offset),
    }
}

/// A call that is due, as the trace would write it; a pointer has no label before the run.
fn request(due: &Request<Source>) -> String {
    match due {
        Request::Malloc { size } => format!("os_malloc({size})"),
        Request::Calloc { nmemb, size } => format!("os_calloc({nmemb}, {size})"),
        Request::Realloc { pointer: Source::Null, size } => format!("os_realloc(NULL, {size})"),
        Request::Realloc { size, .. } => format!("os_realloc(..., {size})"),
        Request::Free { pointer: Source::Null } => "os_free(NULL)".to_owned(),
        Request::Free { .. } => "os_free(...)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "\
os_malloc(1000) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_calloc(10, 30) = HEAP+0x428
os_free(HEAP+0x20)
os_realloc(HEAP+0x428, 500) = HEAP+0x20
os_free(HEAP+0x30)
os_free(NULL)
exit 0
";

    fn trace(text: &str) -> Trace {
        text.parse().unwrap()
    }

    fn due() -> Due {
        Due::in_trace(&trace(RIGHT))
    }

    #[test]
    fn another_placement_of_the_same_calls_is_the_same() {
        assert_eq!(due().differs(&trace(RIGHT)), None);
        let moved = RIGHT
            .replace("HEAP+0x30", "HEAP+0x1010")
            .replace("(10, 30) = HEAP+0x428", "(10, 30) = HEAP+0x500")
            .replace("os_realloc(HEAP+0x428, 500) = HEAP+0x20", "os_realloc(HEAP+0x500, 500) = HEAP+0x1000");
        assert_eq!(due().differs(&trace(&moved)), None);
    }

    #[test]
    fn nothing_is_not_what_the_program_makes() {
        let told = due().differs(&trace("exit 0\n")).unwrap();
        assert!(told.ends_with("call 1 is os_malloc(1000), and nothing was seen"), "{told}");
    }

    #[test]
    fn a_call_too_few_too_many_or_of_another_size_is_told() {
        let few = trace(&RIGHT.replace("os_free(NULL)\n", ""));
        assert!(due().differs(&few).unwrap().ends_with("call 6 is os_free(NULL), and nothing was seen"));
        assert_eq!(due().differs_in(&few, 5), None);
        let many = RIGHT.replace("exit 0", "os_malloc(8) = HEAP+0x600\nexit 0");
        assert!(due().differs(&trace(&many)).unwrap().ends_with("call 7 does not exist, and os_malloc(8) was seen"));
        let other = due().differs(&trace(&RIGHT.replace("(1000)", "(1008)"))).unwrap();
        assert!(other.ends_with("call 1 is os_malloc(1000), and os_malloc(1008) was seen"), "{other}");
    }

    #[test]
    fn a_pointer_must_be_the_one_that_was_returned() {
        for (right, wrong) in [("os_free(HEAP+0x20)", "os_free(HEAP+0x428)"), ("os_free(NULL)", "os_free(HEAP+0x20)")] {
            let told = due().differs(&trace(&RIGHT.replace(right, wrong))).unwrap();
            assert!(told.ends_with(&format!("and {wrong} was seen")), "{told}");
        }
    }

    #[test]
    fn a_script_tells_its_calls() {
        let script = "b1 = malloc 1000\nb2 = calloc 10 30\nfree b1\nb2 = realloc b2 500\nfree b2+16\nfree NULL\n";
        let ops = crate::script::text::parse("script", script.as_bytes()).unwrap();
        let due = Due::in_script(&ops);
        assert_eq!(due.differs(&trace(RIGHT)), None);
        assert!(due.differs(&trace("exit 0\n")).is_some());
        assert!(due.differs(&trace(&RIGHT.replace("free(HEAP+0x30)", "free(HEAP+0x40)"))).is_some());
    }
}
