/*
 * Asks for the size of addresses that are no blocks, while another thread makes the heap grow and shrink. The addresses lie in
 * the heap, in memory that the heap gives back, and beyond its end.
 */
#include "../preload_api/check.h"

enum { ROUNDS = 3000, BLOCKS = 60, SIZE = 60000, LOOKERS = 2 };

static volatile uintptr_t first, last;
static volatile int over;

static void *look(void *seed) {
    uintptr_t state = (uintptr_t)seed;
    while (!over) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uintptr_t from = first, to = last + (1 << 20);
        if (from && from < to)
            malloc_usable_size((void *)(from + (state >> 20) % (to - from) / 16 * 16));
    }
    return NULL;
}

int main(void) {
    pthread_t lookers[LOOKERS];
    void *blocks[BLOCKS];
    for (uintptr_t i = 0; i < LOOKERS; i++)
        CHECK(pthread_create(&lookers[i], NULL, look, (void *)(i + 1)) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            CHECK((blocks[i] = malloc(SIZE)));
            *(char *)blocks[i] = 1;
        }
        first = (uintptr_t)blocks[0];
        last = (uintptr_t)blocks[BLOCKS - 1];
        for (int i = 0; i < BLOCKS; i++)
            free(blocks[i]);
        malloc_trim(0);
    }
    over = 1;
    for (int i = 0; i < LOOKERS; i++)
        CHECK(pthread_join(lookers[i], NULL) == 0);
    puts("fine");
    return 0;
}
