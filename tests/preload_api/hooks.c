/* A shared library that allocates at every odd moment: in its constructor, around fork, per thread, in its destructor. */
#include "check.h"

static __thread char *kept_per_thread;
static __thread char room_per_thread[3000];
static void *kept;

static void allocate(void) {
    free(kept);
    kept = malloc(777);
    CHECK(kept);
}

/* Also a fork in a constructor finds handlers that allocate. */
__attribute__((constructor)) static void begin(void) {
    allocate();
    CHECK(pthread_atfork(allocate, allocate, allocate) == 0);
}

__attribute__((destructor)) static void end(void) {
    allocate();
    free(kept);
}

void use(void) {
    free(kept_per_thread);
    kept_per_thread = malloc(100);
    CHECK(kept_per_thread && all_zero(room_per_thread, sizeof room_per_thread));
}
