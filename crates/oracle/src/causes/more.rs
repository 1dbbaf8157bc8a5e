//! The list, continued: what shows some calls later, and what only says how a run ended.

use super::Cause;
use super::list::because;

/// Those of the state, those with limits, and all others.
pub const MORE: &[Cause] = &[
    // The state, and limits.
    because(
        "extended-block-stays-free",
        &[7, 12],
        "A block that was extended stays marked free although it is in use, so that it is given a second time.",
    ),
    because(
        "realloc-counts-the-header",
        &[12, 17],
        "os_realloc takes the header for a part of the payload, and leaves a block where it is that is too small.",
    ),
    because(
        "realloc-marks-free",
        &[12, 17],
        "os_realloc marks the block free that it resizes, as by = where == is meant.",
    ),
    because(
        "coalesces-only-in-free",
        &[5],
        "Free blocks are merged in os_free alone; what os_realloc leaves free beside a free block is never merged with it.",
    ),
    because(
        "coalescing-misses-last",
        &[5],
        "The pass that merges ends one block early, so that the last block is never merged with a free one before it.",
    ),
    because(
        "freed-mapping-reused",
        &[8],
        "A freed mapping stays in the list of blocks, so that the search gives it again although it is unmapped.",
    ),
    because(
        "preallocation-rest-wrong",
        &[4, 6],
        "The size of the preallocated block, or of what the first request leaves of it, is wrong by a header.",
    ),
    because(
        "split-leaves-a-hole",
        &[6],
        "A hole of a header's length lies between a block and the rest that is split off.",
    ),
    because(
        "split-too-early",
        &[6, 17],
        "A split puts the rest a header too early, so that its header lies in the payload in front of it.",
    ),
    because(
        "search-refuses-the-larger",
        &[5],
        "A free block that is much larger than the request is not taken; R6 splits it, whatever its size.",
    ),
    because("search-ends-early", &[5], "The search ends after a fixed number of blocks; it must look at all of them."),
    because("one-function-gives-null", &[10, 4], "One of the functions gives NULL for whatever it is asked."),
    because("realloc-never-moves", &[12], "os_realloc gives NULL where the block would have to move."),
    because(
        "threshold-unaligned",
        &[3],
        "One function compares the size as it was asked for with the threshold; it must be rounded up to 8 first.",
    ),
    because(
        "stale-links",
        &[5, 6],
        "A split leaves the prev of the block behind as it was, so that merging backwards takes the wrong block.",
    ),
    because(
        "stale-tail",
        &[7, 12],
        "A split of the last block leaves the pointer to the last block at the part in use; it must go to the rest.",
    ),
    because(
        "stale-tag",
        &[5, 17],
        "A merge leaves the old size in the tag of the block behind, so that merging backwards goes to a header that is no more.",
    ),
    because(
        "break-absolute",
        &[7, 4],
        "The break is asked for by an address where a number of bytes is wanted, or the other way round.",
    ),
    because(
        "split-size-set-late",
        &[6],
        "The size of the rest is computed when the block already has its new size, so that it wraps around.",
    ),
    because(
        "mapping-in-the-list",
        &[5, 7],
        "Mappings stand between the heap's blocks in the list; neighbours are not merged, and the last block is not extended.",
    ),
    // Everything else.
    because(
        "no-system-memory",
        &[4, 9],
        "The memory comes neither from the break nor from a mapping made in the call, as from a static array.",
    ),
    because(
        "glibc-heap",
        &[4, 5, 9],
        "The C library's own malloc does the work, or serves what is called inside: a file that is opened, a text that is copied.",
    ),
    because(
        "own-system-call",
        &[8, 9],
        "Other system calls than brk, mmap and munmap are made inside a call, as to open or write a file.",
    ),
    because("overlap", &[17], "A block is given that overlaps a live one, or somebody writes into a live one."),
    because("errno-wrong", &[2, 10, 15], "errno is not as the contract says: ENOMEM, EINVAL, or unchanged."),
    because("early-exit", &[17], "The library ends the program; nothing but the program itself may."),
    because("forged-marks", &[17], "Something writes what only the tracer's probe may write."),
    because("timeout", &[5], "A call never returns: it loops or waits for ever."),
    because("crash", &[17], "A call crashes, for no reason that a rule would explain."),
];
