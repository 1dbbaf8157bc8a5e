//! What any allocator must keep, whatever its system calls: live blocks that do not overlap, and no memory that is never given back.
//!
//! Contents, alignment and NULL are checked by the programs themselves.

use osmem_trace::Trace;
use osmem_trace::model::{Answer, Event, Outcome, Place, Request};

/// Bytes that an allocator may keep mapped beyond the peak of its live blocks and one arena.
const SPARE: u64 = 8 << 20;
/// A mapping above this multiple of its request is an arena: later requests are served from it as well.
const ARENA: u64 = 2;

/// A live block by its place and its bytes.
type Live = (Place, u64);

/// Returns what is wrong with a run, in one sentence.
pub fn broken(trace: &Trace) -> Option<String> {
    let mut live: Vec<Live> = Vec::new();
    let (mut bytes, mut peak) = (0_u64, 0_u64);
    let (mut mapped, mut arena) = (0_u64, 0_u64);
    for call in trace.calls() {
        let size = match call.request {
            Request::Malloc { size } | Request::Realloc { size, .. } => size,
            Request::Calloc { nmemb, size } => nmemb.saturating_mul(size),
            Request::Free { .. } => 0,
        };
        for event in &call.events {
            match event {
                Event::Mmap { length, result: Answer::Place(_), .. } => {
                    mapped = mapped.saturating_add(*length);
                    if *length > size.saturating_mul(ARENA) {
                        arena = arena.max(*length);
                    }
                }
                Event::Munmap { length, result: Answer::Number(0), .. } => mapped = mapped.saturating_sub(*length),
                _ => {}
            }
        }
        let Outcome::Returned(result) = call.result else { continue };
        let result = result.filter(|place| *place != Place::Null);
        let ends = match call.request {
            Request::Malloc { .. } | Request::Calloc { .. } => None,
            Request::Realloc { pointer, .. } => (result.is_some() || size == 0).then_some(pointer),
            Request::Free { pointer } => Some(pointer),
        };
        if let Some(at) = ends.and_then(|pointer| live.iter().position(|(place, _)| *place == pointer)) {
            bytes -= live.swap_remove(at).1;
        }
        let Some(result) = result else { continue };
        if let Some((other, _)) = live.iter().find(|other| overlap(**other, (result, size))) {
            let given = crate::verdict::request(call);
            return Some(format!("{given} gave {result}, which overlaps the live block at {other}"));
        }
        live.push((result, size));
        bytes += size;
        peak = peak.max(bytes);
    }
    let kept = mapped.saturating_sub(bytes);
    (kept > peak.saturating_add(SPARE).saturating_add(arena)).then(|| {
        format!("{kept} bytes of mappings are kept in the end, and no more than {peak} were ever in use: some are never unmapped")
    })
}

/// Whether two blocks share a byte, as far as their places tell.
fn overlap((one, one_size): Live, (other, other_size): Live) -> bool {
    let meets = |one: u64, other: u64| one < other.saturating_add(other_size) && other < one.saturating_add(one_size);
    match (one, other) {
        (Place::Heap(one), Place::Heap(other)) => meets(one, other),
        (Place::Map { number: one, offset: at }, Place::Map { number: other, offset }) => {
            one == other && meets(at, offset)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_in(text: &str) -> Option<String> {
        broken(&text.parse().unwrap())
    }

    #[test]
    fn blocks_that_overlap_are_named() {
        let why = broken_in("os_malloc(100) = HEAP+0x20\nos_malloc(8) = HEAP+0x60\nexit 0\n").unwrap();
        assert_eq!(why, "os_malloc(8) gave HEAP+0x60, which overlaps the live block at HEAP+0x20");
        assert_eq!(broken_in("os_malloc(64) = HEAP+0x20\nos_malloc(8) = HEAP+0x60\nexit 0\n"), None);
        assert_eq!(
            broken_in("os_malloc(64) = HEAP+0x20\nos_free(HEAP+0x20)\nos_malloc(8) = HEAP+0x20\nexit 0\n"),
            None
        );
        let moved =
            "os_malloc(64) = HEAP+0x20\nos_realloc(HEAP+0x20, 80) = HEAP+0x80\nos_malloc(8) = HEAP+0x20\nexit 0\n";
        assert_eq!(broken_in(moved), None);
        let kept = "os_malloc(64) = HEAP+0x20\nos_realloc(HEAP+0x20, 80) = NULL\nos_malloc(8) = HEAP+0x20\nexit 0\n";
        assert!(broken_in(kept).is_some(), "a refused realloc leaves the block");
    }

    #[test]
    fn mappings_that_are_never_given_back_are_counted() {
        let round = |number: u32, unmapped: bool| {
            let map = "mmap(NULL, 4194336, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)";
            let unmap = if unmapped { format!("  munmap(MAP{number}, 4194336) = 0\n") } else { String::new() };
            format!("os_malloc(4194304) = MAP{number}+0x20\n  {map} = MAP{number}\nos_free(MAP{number}+0x20)\n{unmap}")
        };
        let rounds = |unmapped| (1..10).map(|number| round(number, unmapped)).collect::<String>() + "exit 0\n";
        assert_eq!(broken_in(&rounds(true)), None);
        assert!(broken_in(&rounds(false)).unwrap().contains("never unmapped"));
    }

    #[test]
    fn one_arena_is_no_leak_and_several_are() {
        let arena = |number: u32| {
            let map = "mmap(NULL, 33554432, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)";
            format!("os_malloc(62) = MAP{number}+0x40\n  {map} = MAP{number}\nos_free(MAP{number}+0x40)\n")
        };
        let arenas = |count| (1..=count).map(arena).collect::<String>() + "exit 0\n";
        assert_eq!(broken_in(&arenas(1)), None);
        assert!(broken_in(&arenas(2)).unwrap().contains("never unmapped"));
    }
}
