//! The header size that a trace shows (O9).

use crate::model::{Outcome, Place, Trace};

/// The header size of the contract, in bytes; fixtures are written for it.
pub const CONTRACT: u64 = 32;

/// The header size, in bytes, that the allocator behind `trace` uses; `None` where the trace does not tell.
///
/// The first block of the heap begins at HEAP, and a block in a mapping begins with it: the payload is a header further.
pub fn measure(trace: &Trace) -> Option<u64> {
    let results = || {
        trace.calls().filter_map(|call| match call.result {
            Outcome::Returned(Some(place)) => Some(place),
            _ => None,
        })
    };
    let heap = results().find_map(|place| if let Place::Heap(offset) = place { Some(offset) } else { None });
    let mapping =
        || results().find_map(|place| if let Place::Map { offset, .. } = place { Some(offset) } else { None });
    heap.or_else(mapping).filter(|header| is_possible(*header))
}

/// Payloads are aligned to 8, and nobody needs more (a mistaken allocator may show anything).
fn is_possible(header: u64) -> bool {
    const LONGEST: u64 = 512;
    (1..=LONGEST).contains(&header) && header.is_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_measured_on_the_heap_or_in_a_mapping() {
        let read = |text: &str| measure(&text.parse().unwrap());
        assert_eq!(read("os_malloc(200000) = MAP1+0x28\nos_malloc(5) = HEAP+0x18\nexit 0\n"), Some(24));
        assert_eq!(read("os_malloc(200000) = MAP1+0x28\nexit 0\n"), Some(40));
        assert_eq!(read("os_malloc(0) = NULL\nos_malloc(5) = ?\nexit 0\n"), None);
        assert_eq!(read("os_malloc(5) = HEAP+0x14\nexit 0\n"), None);
        assert_eq!(read("os_malloc(5) = HEAP\nexit 0\n"), None);
        assert_eq!(read("os_malloc(5) = HEAP+0x20000\nexit 0\n"), None);
    }
}
