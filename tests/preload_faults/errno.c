/* Six threads contend for the heap; each function that succeeds keeps errno. */
#include "../preload_api/check.h"

enum { THREADS = 6, ROUNDS = 3000 };

static void *call_all(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    errno = MARK;
    for (int i = 0; i < ROUNDS; i++) {
        state = state * 1103515245 + 12345;
        size_t bytes = 1 + (state >> 8) % (i % 20 ? 3000 : 200000);
        void *blocks[8] = {NULL};
        blocks[0] = malloc(bytes);
        CHECK_ERRNO(MARK);
        blocks[1] = calloc(bytes, 2);
        CHECK_ERRNO(MARK);
        blocks[2] = memalign(256, bytes);
        CHECK_ERRNO(MARK);
        blocks[3] = aligned_alloc(64, bytes);
        CHECK_ERRNO(MARK);
        CHECK(posix_memalign(&blocks[4], 4096, bytes) == 0);
        CHECK_ERRNO(MARK);
        blocks[5] = realloc(NULL, bytes);
        CHECK_ERRNO(MARK);
        blocks[6] = valloc(bytes);
        CHECK_ERRNO(MARK);
        blocks[7] = pvalloc(bytes);
        CHECK_ERRNO(MARK);
        for (int k = 0; k < 8; k++) {
            CHECK(blocks[k] && malloc_usable_size(blocks[k]) >= bytes);
            CHECK_ERRNO(MARK);
            blocks[k] = k % 2 ? realloc(blocks[k], bytes * 3 / 2) : reallocarray(blocks[k], bytes, 3);
            CHECK(blocks[k]);
            CHECK_ERRNO(MARK);
            blocks[k] = realloc(blocks[k], bytes / 2 + 1);
            CHECK(blocks[k]);
            CHECK_ERRNO(MARK);
        }
        for (int k = 0; k < 8; k++) {
            free(blocks[k]);
            CHECK_ERRNO(MARK);
        }
        if (i % 50 == 0) {
            mallinfo2();
            CHECK_ERRNO(MARK);
            malloc_trim(0);
            CHECK_ERRNO(MARK);
        }
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, call_all, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("fine");
    return 0;
}
