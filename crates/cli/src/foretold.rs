//! What the contract demands of a script, in the places that a trace of the same steps has.

use osmem_oracle::call::{Address, Granting, NULL, System};
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Done, Machine, Op};
use osmem_oracle::readings::Readings;
use osmem_oracle::run;
use osmem_trace::Trace;
use osmem_trace::model::{BreakMove, Call, End, Entry, Outcome, Place};

use crate::convert::{self, Places};

/// What the contract demands of each step.
pub fn demanded(ops: &[Op], params: Params, readings: Readings) -> Vec<Done> {
    let mut model = Model::contract(params, HEAP);
    model.read(readings);
    let mut machine = Machine::new(model);
    ops.iter().map(|op| machine.step(*op)).collect()
}

/// The entry of each step in the trace; `None` where nothing shows.
pub fn entries(done: &[Done]) -> Vec<Option<Entry>> {
    let mut labels = Labels { heap: heap(done), highest: HEAP, mappings: Vec::new() };
    done.iter().map(|done| labels.entry(done)).collect()
}

/// The golden trace: all entries, and the end of a program that went well.
pub fn trace(done: &[Done]) -> Trace {
    Trace { entries: entries(done).into_iter().flatten().collect(), end: End::Exit(0) }
}

/// What the contract demands of a step, in words.
pub fn told(entry: &Option<Entry>) -> Option<String> {
    let Some(Entry::Call(Call { events, result, .. })) = entry else { return None };
    let asked: Vec<_> = events.iter().map(ToString::to_string).collect();
    let result = match result {
        Outcome::Returned(Some(place)) => format!("gives {place}"),
        _ => "gives nothing back".to_owned(),
    };
    Some(match asked.len() {
        0 => format!("{result}, no system call"),
        _ => format!("{result}, {}", asked.join(", ")),
    })
}

/// HEAP: the lowest break before a move of it inside a call, up to the first one that is granted, aligned.
fn heap(done: &[Done]) -> Option<Address> {
    let (mut now, mut lowest): (Address, Option<Address>) = (HEAP, None);
    for done in done {
        match done {
            Done::Break(to) => now = *to,
            Done::Nothing => {}
            Done::Call(call) => {
                for asked in &call.asked {
                    let System::Brk { now: after, .. } = *asked else { continue };
                    lowest = Some(lowest.map_or(now, |lowest| lowest.min(now)));
                    if after != now {
                        return lowest.map(|lowest| lowest.next_multiple_of(8));
                    }
                }
            }
        }
    }
    lowest.map(|lowest| lowest.next_multiple_of(8))
}

/// Gives addresses their places, as the tracer does.
struct Labels {
    heap: Option<Address>,
    /// The highest break so far.
    highest: Address,
    /// How long each mapping is.
    mappings: Vec<u64>,
}

impl Labels {
    fn entry(&mut self, done: &Done) -> Option<Entry> {
        match done {
            Done::Nothing => None,
            Done::Break(to) => {
                self.highest = self.highest.max(*to);
                let place = self.break_place(*to);
                Some(Entry::Program(BreakMove { to: place, result: place }))
            }
            Done::Call(call) => {
                self.note(call);
                Some(Entry::Call(convert::call_with(call, self)))
            }
        }
    }

    /// A call that makes system calls has a pointer that is a block's, so that its arguments may be labelled after them.
    fn note(&mut self, call: &run::Call) {
        for asked in &call.asked {
            match *asked {
                System::Brk { now, .. } => self.highest = self.highest.max(now),
                System::Map { length, start: Some(_), .. } => self.mappings.push(length),
                _ => {}
            }
        }
    }
}

impl Places for Labels {
    fn place(&self, address: Address) -> Place {
        let mapping = Granting::mapping_of(address)
            .filter(|(number, offset)| self.mappings.get(*number as usize - 1).is_some_and(|length| offset < length));
        match (mapping, self.heap) {
            _ if address == NULL => Place::Null,
            (Some((number, offset)), _) => Place::Map { number, offset },
            (None, Some(heap)) if (heap..=self.highest).contains(&address) => Place::Heap(address - heap),
            _ => Place::Foreign,
        }
    }

    fn break_place(&self, address: Address) -> Place {
        match self.heap.and_then(|heap| address.checked_sub(heap)) {
            Some(offset) => Place::Heap(offset),
            None => self.place(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::script::text;

    fn foretold(script: &str) -> String {
        let ops = text::parse("script", script.as_bytes()).unwrap();
        trace(&demanded(&ops, oracle::params(32), Readings::CONTRACT)).to_string()
    }

    #[test]
    fn what_lies_beyond_all_memory_is_foreign() {
        let script = "b1 = malloc 8\nfree b1+131040\nfree b1+131041\nb2 = malloc 200000\nfree b2+199999\nfree b2+200000\nfree stack\n";
        let expected = "\
os_malloc(8) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_free(HEAP+0x20000)
os_free(FOREIGN)
os_malloc(200000) = MAP1+0x20
  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_free(MAP1+0x30d5f)
os_free(FOREIGN)
os_free(FOREIGN)
exit 0
";
        assert_eq!(foretold(script), expected);
    }

    #[test]
    fn the_heap_begins_where_the_library_first_moves_the_break() {
        let expected = "\
program: brk(HEAP) = HEAP
os_malloc(8) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
exit 0
";
        assert_eq!(foretold("move break 4096\nb1 = malloc 8\n"), expected);
        let expected = "program: brk(FOREIGN) = FOREIGN\nos_free(NULL)\nexit 0\n";
        assert_eq!(foretold("move break 4096\nfree NULL\n"), expected);
        let expected = "\
program: brk(HEAP+0x1000) = HEAP+0x1000
os_malloc(8) = NULL
  brk(HEAP+0x21000) = HEAP+0x1000
program: brk(HEAP) = HEAP
os_malloc(8) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
exit 0
";
        let script = "move break 4096\nrefuse break\nb1 = malloc 8\nrefuse nothing\nmove break -4096\nb1 = malloc 8\n";
        assert_eq!(foretold(script), expected);
    }
}
