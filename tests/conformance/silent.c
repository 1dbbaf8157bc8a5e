/*
 * The reference allocator over memory of its own: it gives what it would give, and makes no system call of memory.
 *
 * Its break is a static array, its mappings another. Refusals and the program's own moves of the break are felt as the
 * system would let it feel them, so that every test program runs to its end. REFERENCE names the allocator's source file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static char heap_memory[64 << 20], mapped_memory[512 << 20] __attribute__((aligned(4096)));
static size_t broken, mapped;

static bool refused(int resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur == 0;
}

/* How far others have moved the break of the process. The C library knows its break without asking. */
static size_t moved_by_others(void)
{
    static char *first;
    if (!first)
        first = sbrk(0);
    return (size_t)((char *)sbrk(0) - first);
}

static void *silent_sbrk(intptr_t bytes)
{
    size_t now = moved_by_others() + broken;
    if (bytes > 0 && (refused(RLIMIT_DATA) || (size_t)bytes > sizeof heap_memory - now)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    broken += (size_t)bytes;
    return heap_memory + now;
}

static void *silent_mmap(void *where, size_t length, int protection, int flags, int descriptor, off_t offset)
{
    (void)where, (void)protection, (void)flags, (void)descriptor, (void)offset;
    if (refused(RLIMIT_AS) || length > sizeof mapped_memory - mapped) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *start = mapped_memory + mapped;
    mapped += (length + 4095) / 4096 * 4096;
    return start;
}

static int silent_munmap(void *start, size_t length)
{
    (void)start, (void)length;
    return 0;
}

#define sbrk silent_sbrk
#define mmap silent_mmap
#define munmap silent_munmap
#include REFERENCE
