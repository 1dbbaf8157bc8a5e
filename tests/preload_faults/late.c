/*
 * late exit|quick: allocates in exit handlers, destructors, destructors of thread variables, and threads that outlive main.
 * The last destructor prints "fine".
 */
#include "../preload_api/check.h"

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

enum { BLOCKS = 100 };

static unsigned char *early[BLOCKS];
static int calls;

static void allocate(void) {
    unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        size_t bytes = (size_t)(i * i * 5 + 1);
        CHECK((blocks[i] = malloc(bytes)));
        fill(blocks[i], bytes, i);
    }
    for (int i = 0; i < BLOCKS; i++) {
        size_t bytes = (size_t)(i * i * 5 + 1);
        CHECK(filled(blocks[i], bytes, i));
        CHECK((blocks[i] = realloc(blocks[i], bytes * 2)) && filled(blocks[i], bytes, i));
        free(blocks[i]);
    }
    calls++;
}

static void of_thread(void *unused) {
    (void)unused;
    allocate();
}

static void with_status(int status, void *unused) {
    (void)status;
    (void)unused;
    allocate();
}

/* Frees the blocks of the first constructor. */
static void last(void) {
    for (int i = 0; i < BLOCKS; i++) {
        CHECK(filled(early[i], 100, i));
        free(early[i]);
    }
    allocate();
    dprintf(1, "fine\n");
}

__attribute__((constructor(101))) static void first_constructor(void) {
    for (int i = 0; i < BLOCKS; i++) {
        CHECK((early[i] = malloc(100)));
        fill(early[i], 100, i);
    }
    CHECK(at_quick_exit(last) == 0);
}

__attribute__((destructor(101))) static void last_destructor(void) {
    CHECK(calls == 4);
    last();
}

__attribute__((destructor)) static void destructor(void) {
    allocate();
}

static void *go_on(void *unused) {
    for (unsigned i = 0;; i++) {
        char *volatile block = malloc(i % 5000 + 1);
        CHECK(block);
        free(block);
    }
    return unused;
}

int main(int count, char **arguments) {
    pthread_t threads[2];
    CHECK(count == 2);
    CHECK(atexit(allocate) == 0 && on_exit(with_status, NULL) == 0);
    CHECK(__cxa_thread_atexit_impl(of_thread, NULL, &__dso_handle) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, go_on, NULL) == 0);
    usleep(1000);
    if (arguments[1][0] == 'q')
        quick_exit(0);
    exit(0);
}
