/* What the programs of this folder share. They print nothing through stdio while they check: it allocates. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            dprintf(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);             \
            _exit(1);                                                                      \
        }                                                                                  \
    } while (0)

/* No call that succeeds may change errno from this. */
enum { MARK = 12345 };

#define CHECK_ERRNO(expected)                                                              \
    do {                                                                                   \
        int is = errno;                                                                    \
        errno = MARK;                                                                      \
        if (is != (expected)) {                                                            \
            dprintf(2, "%s:%d: errno is %d, not %s\n", __FILE__, __LINE__, is, #expected); \
            _exit(1);                                                                      \
        }                                                                                  \
    } while (0)

static inline int aligned_to(const void *p, size_t alignment) {
    return ((uintptr_t)p & (alignment - 1)) == 0;
}

static inline void fill(void *p, size_t bytes, int seed) {
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)p)[i] = (unsigned char)(seed + i * 7);
}

static inline int filled(const void *p, size_t bytes, int seed) {
    for (size_t i = 0; i < bytes; i++)
        if (((const unsigned char *)p)[i] != (unsigned char)(seed + i * 7))
            return 0;
    return 1;
}

static inline int all_zero(const void *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (((const unsigned char *)p)[i])
            return 0;
    return 1;
}
