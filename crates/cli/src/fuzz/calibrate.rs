//! A few fixed programs that show how a library reads the contract's open points, before random ones are drawn for it.

use osmem_oracle::program::{Op, Pointer};

const fn malloc(slot: u32, size: u64) -> Op {
    Op::Malloc { slot, size }
}

const fn free(slot: u32) -> Op {
    Op::Free { pointer: Pointer::block(slot) }
}

const fn realloc(slot: u32, size: u64) -> Op {
    Op::Realloc { slot, pointer: Pointer::block(slot), size }
}

const fn calloc(slot: u32, size: u64) -> Op {
    Op::Calloc { slot, nmemb: 1, size }
}

/// Each with the points that it is about.
pub fn programs() -> Vec<(&'static str, Vec<Op>)> {
    vec![
        // The first result tells the header, the sizes tell the edge: each of them parts two readings.
        (
            "o1",
            vec![
                malloc(1, 8),
                malloc(2, 131_033),
                malloc(3, 131_040),
                malloc(4, 131_064),
                malloc(5, 131_065),
                malloc(6, 131_072),
            ],
        ),
        ("o2", vec![malloc(1, 8), calloc(2, 4056), calloc(3, 4057), calloc(4, 4064), calloc(5, 4065)]),
        // The last block, and one that becomes the last, to a mapped size.
        ("o3", vec![malloc(1, 100_000), realloc(1, 200_000), malloc(2, 100)]),
        ("o3-becomes", vec![malloc(1, 1000), malloc(2, 130_000), free(2), realloc(1, 200_000), malloc(3, 100)]),
        (
            "o4",
            vec![
                malloc(1, 100_000),
                malloc(2, 20_000),
                malloc(3, 10_992),
                free(2),
                free(3),
                realloc(1, 131_000),
                malloc(4, 64),
            ],
        ),
        ("o5", vec![malloc(1, 200_000), realloc(1, 200_000)]),
        // The first free neighbour leaves less than a block, both together leave more.
        (
            "o6",
            vec![
                malloc(1, 1000),
                malloc(2, 100),
                malloc(3, 1000),
                malloc(4, 8),
                free(3),
                free(2),
                realloc(1, 1104),
                malloc(5, 600),
                malloc(6, 800),
            ],
        ),
    ]
}
