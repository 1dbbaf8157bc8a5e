/*
 * Wraps one function of the C library, named by a macro, as a preloaded tracing library does. It allocates before each call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Allocates a small, a medium and a large block, unless it is inside of itself. */
static void allocate(void) {
    static __thread int inside;
    static const size_t sizes[] = {50, 5000, 300000};
    if (inside)
        return;
    inside = 1;
    for (int i = 0; i < 3; i++) {
        char *volatile block = malloc(sizes[i]);
        if (!block)
            abort();
        block[0] = block[sizes[i] - 1] = 1;
        free(block);
    }
    inside = 0;
}

/* The C library's own function. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#if defined WRAPS_mmap
void *mmap(void *at, size_t bytes, int access, int flags, int file, off_t offset) {
    allocate();
    return (void *)syscall(SYS_mmap, at, bytes, access, flags, file, offset);
}
void *mmap64(void *, size_t, int, int, int, off64_t) __attribute__((alias("mmap")));
int munmap(void *at, size_t bytes) {
    allocate();
    return (int)syscall(SYS_munmap, at, bytes);
}
#elif defined WRAPS_sbrk
void *sbrk(intptr_t bytes) {
    allocate();
    return REAL(sbrk)(bytes);
}
int brk(void *end) {
    allocate();
    return REAL(brk)(end);
}
#elif defined WRAPS_sysconf
long sysconf(int name) {
    allocate();
    return REAL(sysconf)(name);
}
#elif defined WRAPS_key
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    allocate();
    return REAL(pthread_key_create)(key, destructor);
}
int pthread_setspecific(pthread_key_t key, const void *value) {
    allocate();
    return REAL(pthread_setspecific)(key, value);
}
#elif defined WRAPS_madvise
int madvise(void *at, size_t bytes, int advice) {
    allocate();
    return (int)syscall(SYS_madvise, at, bytes, advice);
}
#elif defined WRAPS_mprotect
int mprotect(void *at, size_t bytes, int access) {
    allocate();
    return (int)syscall(SYS_mprotect, at, bytes, access);
}
#elif defined WRAPS_mremap
void *mremap(void *at, size_t bytes, size_t wanted, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
    va_end(rest);
    allocate();
    return (void *)syscall(SYS_mremap, at, bytes, wanted, flags, to);
}
#elif defined WRAPS_getauxval
unsigned long getauxval(unsigned long type) {
    allocate();
    return REAL(getauxval)(type);
}
#elif defined WRAPS_syscall
long syscall(long number, ...) {
    long rest[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        rest[i] = va_arg(list, long);
    va_end(list);
    allocate();
    return REAL(syscall)(number, rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]);
}
#else
#error "names no function"
#endif
