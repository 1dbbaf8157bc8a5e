//! The memory of an allocator as a row of pieces: of the contract's model, and as it was seen.

use std::collections::BTreeMap;

use osmem_oracle::call::{Address, Granting, UNSEEN};
use osmem_oracle::heap::{Block, Heap, Status};
use osmem_oracle::params::HEAP;
use osmem_picture::row::{Kind, Piece, Place, Row};

use super::names::Held;

/// Addresses of the heap lie below HEAP + this.
const HEAP_ROOM: u64 = 1 << 43;

/// Returns the place of an address; a mapping that was never seen gets the number `unseen`. `None`: neither in the heap nor in a mapping.
fn place(address: Address, unseen: u32) -> Option<Place> {
    match address {
        HEAP.. if address - HEAP < HEAP_ROOM => Some(Place { region: 0, offset: address - HEAP }),
        UNSEEN.. => Some(Place { region: unseen, offset: address - UNSEEN }),
        _ => Granting::mapping_of(address).map(|(region, offset)| Place { region, offset }),
    }
}

/// Returns whether an address lies in the heap or in a mapping.
pub fn is_known(address: Address) -> bool {
    place(address, 0).is_some()
}

/// Returns the row of a model, whose live payloads bear these names.
pub fn expected(heap: &Heap, names: &BTreeMap<Address, u32>, unseen: u32) -> Row {
    let header = heap.params.header;
    let piece = |block: &Block| {
        let kind = if block.status == Status::Alloc { Kind::Used } else { Kind::Free };
        let name = names.get(&(block.start + header)).copied().filter(|_| kind == Kind::Used);
        Some(Piece { start: place(block.start, unseen)?, header, size: block.size, kind, name })
    };
    let blocks = heap.blocks.iter().chain(&heap.mappings).filter_map(piece);
    Row::of(blocks.chain(gaps(heap).filter_map(|(from, to)| bare(from, to, Kind::Foreign))))
}

/// Returns the row as it was seen: the program's blocks as the calls gave them, and around them what the model makes of the rest.
pub fn actual(heap: &Heap, held: &BTreeMap<Address, Held>) -> Row {
    let header = heap.params.header;
    let mut blocks: Vec<&Block> = heap.blocks.iter().collect();
    blocks.sort_by_key(|block| block.start);
    let size_of = |payload: Address, held: &Held| {
        let size = heap.params.align(held.size);
        let start = payload.checked_sub(header);
        let block = start.and_then(|start| {
            let on_heap = blocks.binary_search_by_key(&start, |block| block.start).ok().map(|at| blocks[at]);
            on_heap.or_else(|| heap.mappings.iter().find(|mapping| mapping.start == start))
        });
        block.filter(|block| block.status == Status::Alloc).map_or(size, |block| block.size.max(size))
    };
    let live: Vec<(Address, Address, Piece)> = held
        .iter()
        .filter_map(|(payload, held)| {
            let payload_place = place(*payload, 0)?;
            let header = header.min(payload_place.offset);
            let start = Place { offset: payload_place.offset - header, ..payload_place };
            let size = size_of(*payload, held);
            let piece = Piece { start, header, size, kind: Kind::Used, name: Some(held.name) };
            Some((payload - header, payload + size, piece))
        })
        .collect();
    let mut pieces = Vec::with_capacity(live.len() + blocks.len());
    for block in blocks {
        let end = block.start + header + block.size;
        for (from, to) in without(block.start, end, &live) {
            let has_header = from == block.start && to - from >= header;
            let header = if has_header { header } else { 0 };
            pieces.extend(bare(from, to, Kind::Free).map(|piece| Piece { header, size: piece.size - header, ..piece }));
        }
    }
    for (from, to) in gaps(heap) {
        pieces.extend(without(from, to, &live).into_iter().filter_map(|(from, to)| bare(from, to, Kind::Foreign)));
    }
    // A block of the program's wins over whatever begins where it does.
    Row::of(pieces.into_iter().chain(live.into_iter().map(|(_, _, piece)| piece)))
}

/// Returns a piece without a header.
fn bare(from: Address, to: Address, kind: Kind) -> Option<Piece> {
    Some(Piece { start: place(from, 0)?, header: 0, size: to - from, kind, name: None })
}

/// Returns the stretches below the break that are no block of the model's: a foreign move put the break behind them (R16).
fn gaps(heap: &Heap) -> impl Iterator<Item = (Address, Address)> {
    let ends = (0..heap.blocks.len()).map(|index| heap.end(index));
    let starts = heap.blocks.iter().skip(1).map(|block| block.start).chain([heap.brk]);
    ends.zip(starts).filter(|(from, to)| from < to)
}

/// Returns what is left of a stretch without the live blocks, which are in the order of their addresses.
fn without(from: Address, to: Address, live: &[(Address, Address, Piece)]) -> Vec<(Address, Address)> {
    let first = live.partition_point(|(_, end, _)| *end <= from);
    let mut left = Vec::new();
    let mut at = from;
    for (start, end, _) in live[first..].iter().take_while(|(start, ..)| *start < to) {
        if *start > at {
            left.push((at, *start));
        }
        at = at.max(*end);
    }
    if at < to {
        left.push((at, to));
    }
    left
}

#[cfg(test)]
mod tests {
    use osmem_oracle::params::Params;
    use osmem_oracle::readings::Readings;

    use super::*;

    fn heap(blocks: &[(u64, u64, Status)], brk: u64) -> Heap {
        let mut heap = Heap::new(Params::CONTRACT, Readings::CONTRACT, HEAP + brk);
        heap.blocks.extend(blocks.iter().map(|(start, size, status)| Block {
            start: HEAP + start,
            size: *size,
            status: *status,
        }));
        heap
    }

    fn told(row: &Row) -> Vec<String> {
        row.pieces().map(|piece| format!("{} {} {}", piece.start, piece.header, piece.label(false))).collect()
    }

    #[test]
    fn where_nothing_differs_both_rows_are_alike() {
        let heap = heap(&[(0, 96, Status::Alloc), (128, 200, Status::Free)], 360);
        let held = BTreeMap::from([(HEAP + 32, Held { name: 1, size: 90, life: 0 })]);
        let names = BTreeMap::from([(HEAP + 32, 1)]);
        assert_eq!(told(&actual(&heap, &held)), ["HEAP 32 b1 96", "HEAP+0x80 32 free 200"]);
        assert_eq!(actual(&heap, &held), expected(&heap, &names, 1));
    }

    #[test]
    fn a_block_where_the_model_has_none_cuts_what_lies_there() {
        let heap = heap(&[(0, 400, Status::Free)], 432);
        let held = BTreeMap::from([(HEAP + 132, Held { name: 7, size: 8, life: 0 })]);
        assert_eq!(told(&actual(&heap, &held)), ["HEAP 32 free 68", "HEAP+0x64 32 b7 8", "HEAP+0x8c 0 free 292"]);
    }

    #[test]
    fn memory_of_others_and_addresses_of_others_are_told() {
        let heap = heap(&[(0, 96, Status::Free), (200, 8, Status::Free)], 300);
        let rows = told(&actual(&heap, &BTreeMap::new()));
        assert_eq!(
            rows,
            ["HEAP 32 free 96", "HEAP+0x80 0 not ours 72", "HEAP+0xc8 32 free 8", "HEAP+0xf0 0 not ours 60"]
        );
        assert!(!is_known(8) && is_known(HEAP) && is_known(Granting::start_of(3)));
    }
}
