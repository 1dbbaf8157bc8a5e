/*
 * Six threads call one function at once, then all of them in turn. Each keeps errno where it succeeds, and os_free,
 * os_malloc_usable_size, os_stats and os_heap_check always do. Prints the functions that did not, then "fine".
 */
#include "osmem.h"

#include "../preload_api/check.h"

enum { THREADS = 6, CALLS = 20000, BLOCKS = 500 };

static void *kept;

static int ignore(const struct os_block *block, void *unused) {
    (void)unused;
    return block->size == 0; /* there is none */
}

static void call_malloc(void) {
    os_free(os_malloc(100));
}

static void call_calloc(void) {
    os_free(os_calloc(10, 20));
}

static void call_realloc(void) {
    os_free(os_realloc(os_realloc(NULL, 100), 3000));
}

static void call_aligned(void) {
    os_free(os_aligned_alloc(256, 100));
}

static void call_mapped(void) {
    os_free(os_realloc(os_malloc(200000), 300000));
}

static void call_free(void) {
    os_free(NULL);
    os_free(&kept); /* no block */
}

static void call_usable_size(void) {
    CHECK(os_malloc_usable_size(kept) == 104);
}

static void call_stats(void) {
    CHECK(os_stats().used_blocks >= BLOCKS);
}

static void call_check(void) {
    CHECK(os_heap_check() == 0);
}

static void call_walk(void) {
    CHECK(os_heap_walk(ignore, NULL) == 0);
}

static const struct {
    const char *name;
    void (*call)(void);
    int part; /* divides the number of calls, for those that take long */
} functions[] = {
    {"os_malloc", call_malloc, 1},
    {"os_calloc", call_calloc, 1},
    {"os_realloc", call_realloc, 1},
    {"os_aligned_alloc", call_aligned, 1},
    {"mappings", call_mapped, 20},
    {"os_free", call_free, 1},
    {"os_malloc_usable_size", call_usable_size, 1},
    {"os_stats", call_stats, 20},
    {"os_heap_check", call_check, 20},
    {"os_heap_walk", call_walk, 20},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int changed[FUNCTIONS];

static void *call_on(void *which) {
    const uintptr_t function = (uintptr_t)which;
    for (int i = 0; i < CALLS / functions[function].part; i++) {
        errno = MARK;
        functions[function].call();
        if (errno != MARK)
            __atomic_add_fetch(&changed[function], 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Each thread begins with another function. */
static void *call_all(void *first) {
    for (uintptr_t i = 0; i < FUNCTIONS; i++)
        call_on((void *)(((uintptr_t)first + i) % FUNCTIONS));
    return NULL;
}

static void at_once(void *(*body)(void *), uintptr_t first, uintptr_t step) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, body, (void *)(first + i * step)) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
    for (int i = 0; i < BLOCKS; i++)
        CHECK((kept = os_malloc(104)));
    for (uintptr_t function = 0; function < FUNCTIONS; function++)
        at_once(call_on, function, 0);
    at_once(call_all, 0, 1);
    for (int i = 0; i < FUNCTIONS; i++)
        if (changed[i])
            dprintf(1, "%s changed errno %d times\n", functions[i].name, changed[i]);
    dprintf(1, "fine\n");
    return 0;
}
