/*
 * Takes blocks of os_malloc in one thread while another takes blocks of the C library's malloc. The latter is not the main
 * thread: for others the C library has arenas that do not move the break.
 * Prints the number of pairs that overlap, of blocks that lost their contents, and of refusals.
 */
#include "osmem.h"

#include "../preload_api/check.h"

enum { BLOCKS = 4000, SIZE = 40000 };

struct place {
    unsigned char *block;
    int ours;
};

static struct place places[2 * BLOCKS];
static pthread_barrier_t together;

static void take(struct place *place, void *block, int ours) {
    *place = (struct place){block, ours};
    if (block) {
        place->block[0] = place->block[SIZE - 1] = (unsigned char)(ours ? 0xbb : 0xaa);
    }
}

static void *take_ours(void *unused) {
    pthread_barrier_wait(&together);
    for (int i = 0; i < BLOCKS; i++)
        take(&places[BLOCKS + i], os_malloc(SIZE), 1);
    return unused;
}

static void *take_theirs(void *unused) {
    pthread_barrier_wait(&together);
    for (int i = 0; i < BLOCKS; i++)
        take(&places[i], malloc(SIZE), 0);
    return unused;
}

static int by_address(const void *one, const void *other) {
    const struct place *a = one, *b = other;
    return (a->block > b->block) - (a->block < b->block);
}

int main(void) {
    pthread_t ours, theirs;
    int overlaps = 0, lost = 0, refused = 0;
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 25) == 1 && mallopt(M_TOP_PAD, 0) == 1);
    CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
    CHECK(pthread_create(&ours, NULL, take_ours, NULL) == 0);
    CHECK(pthread_create(&theirs, NULL, take_theirs, NULL) == 0);
    CHECK(pthread_join(ours, NULL) == 0 && pthread_join(theirs, NULL) == 0);
    qsort(places, 2 * BLOCKS, sizeof *places, by_address);
    for (int i = 0; i < 2 * BLOCKS; i++) {
        const struct place *at = &places[i];
        const unsigned char filled = at->ours ? 0xbb : 0xaa;
        if (!at->block) {
            refused++;
            continue;
        }
        lost += at->block[0] != filled || at->block[SIZE - 1] != filled;
        for (int j = i + 1; j < 2 * BLOCKS && places[j].block < at->block + SIZE; j++)
            overlaps++;
    }
    dprintf(1, "%d %d %d\n", overlaps, lost, refused);
    return 0;
}
