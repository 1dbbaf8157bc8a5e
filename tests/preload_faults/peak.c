/*
 * peak up|down|random SIZE: fills 150 MB with blocks of one size and frees them in the same order, in reverse or at random.
 * Then it makes a million calls with 5 MB in use. Each stage prints a line.
 */
#include "../preload_api/check.h"
#include "resident.h"

enum { PEAK = 150000000, CALLS = 1000000, LIVE = 4000 };

static unsigned state = 3;

static unsigned step(void) {
    state = state * 1103515245 + 12345;
    return state >> 8;
}

int main(int count, char **arguments) {
    static void *live[LIVE];
    CHECK(count == 3);
    without_huge_pages();
    const size_t size = strtoul(arguments[2], NULL, 10), blocks = PEAK / size;
    void **block = uncounted(blocks * sizeof *block);
    free(malloc(100));
    for (size_t i = 0; i < blocks; i++) {
        CHECK((block[i] = malloc(size)));
        memset(block[i], 1, size);
    }
    if (arguments[1][0] == 'r')
        for (size_t i = blocks - 1; i > 0; i--) {
            size_t other = (((size_t)step() << 16) ^ step()) % (i + 1);
            void *kept = block[i];
            block[i] = block[other];
            block[other] = kept;
        }
    stage("peak");
    for (size_t i = 0; i < blocks; i++)
        free(block[arguments[1][0] == 'd' ? blocks - 1 - i : i]);
    stage("freed");
    for (int i = 0; i < CALLS; i++) {
        unsigned at = step() % LIVE;
        free(live[at]);
        CHECK((live[at] = malloc(1 + step() % 2500)));
        memset(live[at], 2, 1);
    }
    stage("busy");
    for (int i = 0; i < 50; i++) {
        char *volatile large = malloc(100000);
        CHECK(large);
        free(large);
    }
    stage("large");
    for (int i = 0; i < LIVE; i++)
        free(live[i]);
    stage("idle");
    malloc_trim(0);
    stage("trimmed");
    return 0;
}
