/* thread_at_peak 0|1: frees 150 MB. With 1, a thread begins and ends while they are in use. Each stage prints a line. */
#include "../preload_api/check.h"
#include "resident.h"

enum { BLOCKS = 100000, SIZE = 1500 };

static void *allocate(void *unused) {
    for (size_t bytes = 16; bytes < 2000; bytes += 16) {
        char *volatile block = malloc(bytes);
        CHECK(block);
        free(block);
    }
    return unused;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    without_huge_pages();
    void **block = uncounted(BLOCKS * sizeof *block);
    for (int i = 0; i < BLOCKS; i++) {
        CHECK((block[i] = malloc(SIZE)));
        memset(block[i], 1, SIZE);
    }
    if (arguments[1][0] == '1') {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, allocate, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
    stage("peak");
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    stage("freed");
    malloc_trim(0);
    stage("trimmed");
    return 0;
}
