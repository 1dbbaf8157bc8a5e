/* Allocates in every way, first alone and then in two threads, so that each wrapped function is called. */
#include "../preload_api/check.h"

enum { ROUNDS = 200 };

static void *allocate(void *unused) {
    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = 100000 + (size_t)i * 5000;
        char *block = malloc(bytes), *small = malloc(300), *zeroed = calloc(10, 1000);
        CHECK(block && small && zeroed && all_zero(zeroed, 10000));
        fill(block, 100, i);
        fill(small, 300, i);
        block = realloc(block, 400000 + (size_t)i * 1000);
        CHECK(block && filled(block, 100, i) && filled(small, 300, i));
        void *aligned = NULL;
        CHECK(posix_memalign(&aligned, 8192, 300000) == 0 && aligned_to(aligned, 8192));
        free(aligned);
        free(zeroed);
        free(small);
        free(block);
        if (i % 50 == 0)
            malloc_trim(0);
    }
    return unused;
}

int main(void) {
    pthread_t threads[2];
    allocate(NULL);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, allocate, NULL) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("fine");
    return 0;
}
