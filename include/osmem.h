/* osmem.h: a teachable memory allocator.
 *
 * Small blocks come from a heap that grows by moving the break, big ones from a mapping of their own.
 * Rule numbers (R1 to R17) refer to docs/contract.md, invariants (H1 to H9) to struct Heap in src/heap.rs.
 *
 * os_malloc, os_calloc, os_realloc and os_free are the contract. The others are an addition to it: they
 * keep its rules, and change nothing about the four.
 *
 * All sizes are bytes. Every block returned is aligned to 8 bytes. All functions may be called by
 * several threads, and by the child of a threaded process that has called fork(); none may be called
 * from a signal handler. What a pointer argument may be besides a live block is said at each function.
 * Such a pointer is compared with the addresses of the heap; bytes in front of it are read only where
 * they are the heap's own.
 *
 * One limit of threads: the heap moves the break, as the contract asks, and so does the C library's
 * malloc when the main thread calls it, without a lock that others could take. A move of another thread
 * that shows before, during or after ours is noticed, and its bytes are left alone. A whole move between
 * our last look and our own move cannot be noticed: blocks may then overlap or lose their contents, of
 * either allocator. So a program in which the main thread calls malloc and another os_malloc, both all
 * the time, is not safe. The C library's malloc in other threads does not move the break, and
 * libosmem_malloc.so leaves it alone altogether.
 *
 * What is said to be ignored, or to be EINVAL because `ptr` is no live block, is misuse. A program that
 * is started with OSMEM_ON_MISUSE=report in its environment says so in one line on standard error and
 * goes on; with OSMEM_ON_MISUSE=abort it says so and aborts. With OSMEM_STATS=1 it ends with a line
 * about what the heap holds, if it was used. docs/allocator.md has more.
 *
 * Link with -losmem. Needs a 64-bit Linux.
 */
#ifndef OSMEM_H
#define OSMEM_H

#include <stddef.h>

/* The version this header belongs to: a string, and a number that grows with it
 * (major * 10000 + minor * 100 + patch).
 */
#define OSMEM_VERSION "0.1.0"
#define OSMEM_VERSION_NUMBER 100

#ifdef __cplusplus
extern "C" {
#endif

/* Returns a block of `size` bytes. Its contents are undefined.
 *
 * size 0: NULL, and errno is kept (R1).
 * Failure: NULL with errno ENOMEM, if size exceeds PTRDIFF_MAX (R2) or the system refuses memory (R15).
 * Success keeps errno.
 * A block that needs 128 KiB or more, its header of 32 bytes included, is a mapping of its own (R3, R9).
 */
void *os_malloc(size_t size);

/* Returns a block of `nmemb` elements of `size` bytes each. Every byte of it is zero (R17).
 *
 * nmemb or size 0: NULL, and errno is kept (R1).
 * Failure: NULL with errno ENOMEM, if the product overflows or exceeds PTRDIFF_MAX (R2) or the system
 * refuses memory (R15).
 * Success keeps errno.
 * A block that needs a page or more, its header of 32 bytes included, is a mapping of its own (R3, R9).
 */
void *os_calloc(size_t nmemb, size_t size);

/* Resizes the block at `ptr` to `size` bytes and returns where it is now: in its place if the rules
 * allow (R11, R12, R13), else elsewhere. The first bytes are kept, as many as both the old and the new size
 * hold; further ones are undefined (R17).
 *
 * ptr NULL: the same as os_malloc(size) (R10).
 * size 0: the same as os_free(ptr), and NULL (R10).
 * ptr freed before, inside a block, or no block of this allocator: NULL with errno EINVAL, and nothing
 * has changed (R10).
 * Failure: NULL with errno ENOMEM, if size exceeds PTRDIFF_MAX (R2) or the system refuses memory (R15);
 * the old block stays as it is and stays the caller's.
 * Success keeps errno, and `ptr` must not be used any more unless it is what was returned.
 */
void *os_realloc(void *ptr, size_t size);

/* Frees the block at `ptr`. A block of the heap waits for reuse, a mapping goes back to the system at
 * once (R8).
 *
 * ptr NULL, freed before, inside a block, or no block of this allocator: nothing happens (R14). But a
 * freed pointer whose place has been given out again is its new owner's block, and is freed.
 * errno is always kept.
 */
void os_free(void *ptr);

/* Returns a block of `size` bytes at an address that is a multiple of `alignment`. Its contents are
 * undefined. It is resized and freed like any other block; os_realloc keeps the alignment only as long as
 * the block stays in its place.
 *
 * alignment 0 or no power of two: NULL with errno EINVAL, whatever the size.
 * size 0: NULL, and errno is kept (R1).
 * Failure: NULL with errno ENOMEM, if size and alignment together exceed PTRDIFF_MAX (R2) or the system
 * refuses memory (R15).
 * Success keeps errno.
 * Alignments up to 8 are os_malloc(size). For others a place is looked for that is large enough wherever
 * the multiple lies; what is left over before and behind the block becomes free blocks. If such a place
 * needs 128 KiB or more, its header included, the block is a mapping of its own.
 */
void *os_aligned_alloc(size_t alignment, size_t size);

/* Returns how many bytes there is room for in the block at `ptr`, all of which the caller may use: at least
 * as many as were asked for.
 *
 * ptr NULL, freed before, inside a block, or no block of this allocator: 0.
 * errno is always kept.
 */
size_t os_malloc_usable_size(const void *ptr);

/* What a block is used for. */
#define OS_BLOCK_FREE 0   /* on the heap, waits for a request */
#define OS_BLOCK_ALLOC 1  /* on the heap, has an owner */
#define OS_BLOCK_MAPPED 2 /* a mapping of its own, has an owner */

/* A block as os_heap_walk shows it. */
struct os_block {
	const void *payload; /* what os_malloc returned; of a free block, only where it lies */
	size_t size;         /* bytes of payload */
	int status;          /* one of OS_BLOCK_* */
};

/* What os_heap_walk calls for each block, with the `arg` that it was given. `block` lasts for the call only. */
typedef int os_block_callback(const struct os_block *block, void *arg);

/* Shows every block to `callback`: those of the heap in the order of their addresses, then the mappings in the
 * order of theirs. Free neighbours that are still to be merged (R5) are shown one by one. If `callback` returns
 * anything but 0, the walk ends.
 *
 * Returns what `callback` returned last, or 0 if there is no block.
 * callback NULL: -1 with errno EINVAL.
 * errno is else what `callback` makes of it.
 *
 * The heap stands still meanwhile: other threads wait in their calls until the walk has ended. `callback` must
 * return (no longjmp, no exception), and must not call the functions of this header. If it does, that call does
 * nothing: os_malloc and its like are NULL with errno EDEADLK, os_free does not free, os_heap_walk and
 * os_heap_check are -1 with errno EDEADLK, os_malloc_usable_size is 0, and os_stats is all 0. It may fork.
 *
 * Of a heap whose headers the program has written over, no walk is safe: os_heap_check() first.
 */
int os_heap_walk(os_block_callback *callback, void *arg);

/* Checks every header, link and count of the heap, and the mappings.
 *
 * Returns 0 if all is sound, else the number of the first invariant that is broken: 2 for H2. Where misuse is
 * reported (or aborts), one line on standard error says more; the process goes on.
 * Sees what a write beyond the end of a block does to the header behind it, not what it does to contents.
 * errno is kept, except that it is EDEADLK with -1 (see os_heap_walk).
 */
int os_heap_check(void);

/* What the heap holds. */
struct os_stats {
	size_t heap_bytes;    /* from the heap's blocks, headers included */
	size_t used_bytes;    /* payload of the blocks of the heap that have an owner */
	size_t used_blocks;   /* how many those are */
	size_t free_bytes;    /* payload of the free blocks */
	size_t free_blocks;   /* how many those are; such as still are to be merged count one by one */
	size_t mapped_bytes;  /* in mappings, headers included */
	size_t mapped_blocks; /* how many mappings there are */
	size_t top_bytes;     /* payload of the last block of the heap, if it is free */
};

/* Counts what the heap holds, by a walk over all of it. errno is kept. */
struct os_stats os_stats(void);

#ifdef __cplusplus
}
#endif

#endif /* OSMEM_H */
