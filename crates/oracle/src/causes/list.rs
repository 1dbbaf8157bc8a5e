//! The list itself.

use super::Cause;

pub const fn because(id: &'static str, rules: &'static [u8], sentence: &'static str) -> Cause {
    Cause { id, sentence, rules }
}

/// Those of one rule, by subject.
pub const FIRST: &[Cause] = &[
    // Requests.
    because("zero-gets-a-block", &[1], "os_malloc(0) gives a block; it must give NULL and ask nothing of the system."),
    because(
        "calloc-overflow-unchecked",
        &[2],
        "os_calloc multiplies without looking whether the product overflows; then it must give NULL.",
    ),
    because(
        "overflow-unchecked",
        &[2],
        "Header and rounding are added to a huge size, which wraps around to a small one; compare with PTRDIFF_MAX first.",
    ),
    because(
        "threshold-edge",
        &[3],
        "malloc's threshold is off at its edge: header plus the size rounded up to 8 is compared with 128 KiB by >=.",
    ),
    because(
        "calloc-threshold-edge",
        &[3],
        "calloc's threshold is off at its edge: header plus the size rounded up to 8 is compared with the page size by >=.",
    ),
    because(
        "threshold-header-left-out",
        &[3],
        "The payload alone is compared with malloc's threshold; the header belongs to the size that counts.",
    ),
    because(
        "calloc-threshold-header-left-out",
        &[3],
        "The payload alone is compared with calloc's threshold, the page size; the header belongs to the size that counts.",
    ),
    because(
        "threshold-wrong-value",
        &[3],
        "Mappings begin at another size than 128 KiB (131072 bytes, header included).",
    ),
    because(
        "threshold-wrong-function",
        &[3],
        "One function uses another one's threshold: 128 KiB for os_malloc and os_realloc, the page size for os_calloc.",
    ),
    because(
        "maps-everything",
        &[3, 4],
        "Every request gets a mapping of its own; below the threshold it must come from the heap.",
    ),
    because(
        "maps-nothing",
        &[3, 9],
        "Every request comes from the heap; from the threshold on it must get a mapping of its own.",
    ),
    because(
        "wrong-null",
        &[4],
        "NULL is given for requests that can be satisfied, as by functions that are not written yet.",
    ),
    // What the system gives.
    because(
        "no-preallocation",
        &[4],
        "The first heap request does not move the break by 128 KiB, but only by what it needs itself.",
    ),
    because(
        "preallocation-wrong-size",
        &[4],
        "The preallocation has another size than 131072 bytes, the first block's header included.",
    ),
    because(
        "preallocation-too-early",
        &[4],
        "The heap is preallocated before the first heap request: by a mapped request, by a request for nothing, or when the library is loaded.",
    ),
    because(
        "preallocation-repeated",
        &[4, 7],
        "The heap grows by another 128 KiB each time nothing fits; only the first move is a preallocation, later ones take what is needed.",
    ),
    because(
        "preallocation-not-split",
        &[4, 6],
        "The first request gets the whole preallocation; what it does not need must become a free block.",
    ),
    because(
        "last-block-not-extended",
        &[7],
        "Nothing fits and the last block is free, but it is not extended; the break must move by the missing bytes only.",
    ),
    because(
        "last-block-extended-too-much",
        &[7],
        "The free last block is extended by the whole request; the break must move by the missing bytes only.",
    ),
    because(
        "several-break-moves",
        &[7],
        "The break moves several times for one request, as for header and payload apart; one move must do.",
    ),
    because(
        "growth-rounded",
        &[7],
        "Moves of the break are rounded up to pages; the break must move by exactly what is needed.",
    ),
    because(
        "growth-forgets-header",
        &[7, 4],
        "The break moves by the payload without the header, so that blocks reach beyond it.",
    ),
    because(
        "foreign-break-ignored",
        &[16],
        "The break is believed to be where it was left; when someone else has moved it, the last block must not be extended.",
    ),
    because(
        "foreign-break-not-aligned",
        &[16, 17],
        "A block begins at an unaligned break that someone else has left; it must begin at the next multiple of 8.",
    ),
    because(
        "mapping-rounded",
        &[9],
        "The length of a mapping is rounded up to pages; mmap and munmap take exactly header + aligned size.",
    ),
    because(
        "mapping-wrong-kind",
        &[9],
        "A mapping is asked for with other flags than PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS.",
    ),
    because("uses-mremap", &[9, 13], "A mapping is resized by mremap; it must move: mmap, copy, munmap."),
    because("refusal-unchecked", &[15], "A refusal by sbrk or mmap goes unnoticed; it must give NULL."),
    because(
        "refusal-changes-the-heap",
        &[15],
        "A block is enlarged or taken before the system has granted what is missing, and stays so when that is refused; ask first, then change.",
    ),
    because(
        "refusal-frees-the-block",
        &[15],
        "A realloc that is refused frees the old block; it must leave it allocated, with its contents.",
    ),
    // The search.
    because(
        "first-fit",
        &[5],
        "The first block that is large enough is taken (first fit); it must be the smallest that is large enough (best fit).",
    ),
    because(
        "last-fit",
        &[5],
        "The last block that is large enough is taken; it must be the smallest that is large enough (best fit).",
    ),
    because(
        "next-fit",
        &[5],
        "The search goes on where the last one ended (next fit); it must look at all blocks and take the smallest that is large enough.",
    ),
    because(
        "worst-fit",
        &[5],
        "The largest block is taken (worst fit); it must be the smallest that is large enough (best fit).",
    ),
    because(
        "tie-broken-upwards",
        &[5],
        "Of several blocks of the same size the highest is taken; it must be the lowest. Compare with < instead of <=.",
    ),
    because(
        "exact-fit-refused",
        &[5],
        "A free block of exactly the wanted size is passed over. Compare with >= instead of >.",
    ),
    because("search-misses-first", &[5], "The search passes over the first block of the list."),
    because(
        "search-misses-last",
        &[5],
        "The search passes over the last block of the list, as a loop does that ends at `next == NULL`.",
    ),
    because(
        "fit-counts-the-header",
        &[5, 17],
        "The size of a block with its header is compared with the payload asked for, so that blocks are taken that are too small.",
    ),
    because("no-coalescing", &[5], "Adjacent free blocks are never merged; before each search all of them must be."),
    because(
        "coalesces-forwards-only",
        &[5],
        "A free block is merged with the one behind it only; those before it must be merged, too.",
    ),
    because(
        "coalesces-backwards-only",
        &[5],
        "A free block is merged with the one before it only; those behind it must be merged, too.",
    ),
    because(
        "coalesces-in-pairs",
        &[5],
        "Free blocks are merged in pairs only; three in a row must become one. Look at the merged block again before going on.",
    ),
    because(
        "coalesces-too-late",
        &[5],
        "Free blocks are merged only when the search has found nothing; they must be merged before each search.",
    ),
    because(
        "coalescing-too-early",
        &[5, 12],
        "Free blocks are merged when they are freed already, which os_realloc shows: it must absorb them one at a time.",
    ),
    because("coalescing-loses-header", &[5], "Merging adds up the payloads and loses the header between them."),
    because(
        "coalescing-too-long",
        &[5],
        "Merging counts the header between the blocks twice, so that the merged block reaches into the next one.",
    ),
    because(
        "coalescing-leaves-absorbed",
        &[5, 17],
        "A merged block stays in the list, so that free blocks overlap; take it out.",
    ),
    because(
        "coalesces-across-a-gap",
        &[16, 5],
        "Neighbours in the list are merged although memory of somebody else lies between them; compare addresses.",
    ),
    // Splitting and sizes.
    because(
        "no-split",
        &[6],
        "Blocks are given whole; what is left over must become a free block, if it holds a header and 8 bytes.",
    ),
    because("split-too-eager", &[6], "A block is split although what remains does not hold a header and 8 bytes."),
    because(
        "split-off-by-n",
        &[6],
        "A block is not split although a header and 8 bytes remain; compare the rest with HEADER + 8 by >=.",
    ),
    because(
        "split-loses-header",
        &[6, 17],
        "The rest of a split gets a size without its own header taken off, so that it reaches into the next block.",
    ),
    because("split-loses-rest", &[6], "After a split the list ends at the new block; link it to what came next."),
    because(
        "split-order",
        &[6],
        "The rest of a split goes to the end of the list; it must stand right behind its block, in the order of addresses.",
    ),
    because(
        "splits-from-the-end",
        &[6],
        "The far end of a free block is given; its beginning must be, and the rest stays free.",
    ),
    because("misaligned", &[17], "Sizes are not rounded up to 8, so that addresses are not multiples of 8."),
    because(
        "rounded-otherwise",
        &[5, 6],
        "Sizes are rounded to more than 8 (as glibc does, to 16); round up to the next multiple of 8.",
    ),
    because(
        "rounded-beyond",
        &[5, 6],
        "A size that is a multiple of 8 already is rounded up by 8 more; it must stay as it is.",
    ),
    because(
        "calloc-rounds-members",
        &[6, 17],
        "os_calloc rounds the size of each member up; the product nmemb * size must be rounded, once.",
    ),
    // os_realloc.
    because("realloc-null-wrong", &[10], "os_realloc(NULL, n) must do what os_malloc(n) does."),
    because("realloc-zero-wrong", &[10], "os_realloc(p, 0) must free the block and give NULL."),
    because(
        "realloc-of-freed",
        &[10],
        "os_realloc takes a freed block as if it were in use; it must give NULL and change nothing.",
    ),
    because(
        "realloc-always-moves",
        &[11, 12],
        "os_realloc always moves; a block that shrinks, or can grow where it is, must stay.",
    ),
    because(
        "realloc-never-shrinks",
        &[11],
        "A block that shrinks keeps its size; what it does not need must be split off.",
    ),
    because("realloc-does-not-absorb", &[12], "A block that grows does not take the free blocks behind it."),
    because(
        "realloc-absorbs-one",
        &[12],
        "A block that grows takes one free block behind it at the most; it must go on until it fits.",
    ),
    because(
        "realloc-absorbs-all",
        &[12],
        "A block that grows takes all free blocks behind it at once; it must take one at a time, until it fits.",
    ),
    because(
        "realloc-does-not-split",
        &[12, 6],
        "A block that grew into a free one keeps all of it; what it does not need must be split off.",
    ),
    because(
        "realloc-does-not-extend",
        &[12],
        "The last block of the heap moves when it grows; the break must move by the missing bytes, and the block stays.",
    ),
    because(
        "realloc-extends-too-much",
        &[12],
        "The last block is extended by the whole new size; the break must move by the missing bytes only.",
    ),
    because(
        "realloc-extends-what-became-last",
        &[12],
        "A block that became the last one only by absorbing is extended; it must move.",
    ),
    because(
        "realloc-absorbs-backwards",
        &[12],
        "A block that grows takes the free block before it; only those behind it may be absorbed.",
    ),
    because("realloc-keeps-the-old", &[12, 13], "The old block is not freed after the contents have moved."),
    because(
        "realloc-mapping-kept",
        &[13],
        "os_realloc moves the contents of a mapping and never unmaps it; the old mapping must be unmapped.",
    ),
    because(
        "realloc-frees-first",
        &[12, 17],
        "The old block is freed before the search for a new one, and so may be found itself; free it after the copy.",
    ),
    because("realloc-stays-mapped", &[13, 3], "A mapped block stays a mapping even if the new size is the heap's."),
    because("realloc-never-maps", &[12, 3], "A heap block stays on the heap even if the new size is a mapping's."),
    because(
        "realloc-mapping-in-place",
        &[13],
        "A mapped block stays where it is although its size changes; it must move to a new mapping.",
    ),
    because("realloc-mapping-moves-needlessly", &[13], "A mapped block moves although its size stays the same."),
    because("realloc-frees-before-copying", &[13, 17], "The old mapping is given back before its contents are copied."),
    because(
        "realloc-copies-too-little",
        &[17],
        "os_realloc does not copy all of the contents: min(old size, new size) bytes must be kept.",
    ),
    because(
        "realloc-copies-too-much",
        &[17],
        "os_realloc copies the whole old block into a smaller one, beyond its end; copy min(old size, new size) bytes.",
    ),
    because(
        "realloc-reads-too-much",
        &[17],
        "os_realloc copies the new size, reading beyond the end of the old block; copy min(old size, new size) bytes.",
    ),
    // os_free.
    because("free-does-nothing", &[8], "os_free leaves a heap block in use; it must be marked free, to be used again."),
    because("break-given-back", &[8], "The break is moved down when the last block is freed; it must never move down."),
    because("free-mapping-kept", &[8], "A mapped block is not unmapped when it is freed."),
    because("free-wrong-length", &[8], "munmap gets another length than mmap got: header + aligned size."),
    because(
        "free-wrong-address",
        &[8],
        "munmap gets the payload's address; it must get the mapping's start, a header before.",
    ),
    because("free-null-crashes", &[14], "os_free(NULL) crashes; it must do nothing."),
    because("double-free", &[14], "Freeing a block twice does harm; the second time must be ignored."),
    because(
        "interior-pointer-accepted",
        &[14, 10],
        "A pointer into the middle of a block is taken for that block; it must be ignored.",
    ),
    because(
        "free-trusts-pointer",
        &[14, 10],
        "The bytes before any pointer are taken for a header; look the pointer up among the blocks first.",
    ),
    // os_calloc.
    because(
        "calloc-not-zeroed",
        &[17],
        "os_calloc's memory is not all zero: a block that was used before must be cleared, all nmemb * size bytes of it.",
    ),
    because("calloc-zeroes-too-much", &[17], "os_calloc clears more than the payload, and so the next block's header."),
];
