/* osmem.h: a teachable memory allocator.
 *
 * Small blocks come from a heap that grows by moving the break, big ones from a mapping of their own.
 * Rule numbers (R1 to R17) refer to docs/contract.md.
 *
 * All sizes are bytes. Every block returned is aligned to 8 bytes. All four functions may be called by
 * several threads at any time, and by the child of a threaded process that has called fork(); none
 * may be called from a signal handler. What a pointer argument may be besides a live block is said at
 * each function; such a pointer is only compared, never read through.
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

#ifdef __cplusplus
}
#endif

#endif /* OSMEM_H */
