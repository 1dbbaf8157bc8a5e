/*
 * Allocates from a heap that has something in its way. Prints the number of refused blocks, and the number of mappings before,
 * with all blocks, and after all were freed.
 *
 * layout free|page|wide BLOCKS: nothing, one page or 40 GiB of inaccessible memory stand above the break.
 */
#include "../preload_api/check.h"
#include "maps.h"
#include <sys/mman.h>

static const uintptr_t MIB = 1 << 20, GIB = 1 << 30;

static void wall(uintptr_t at, size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void *is = mmap((void *)at, bytes, PROT_NONE, flags, -1, 0);
    CHECK(is == (void *)at || errno == EEXIST); /* then another mapping is in the way */
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    free(malloc(10));
    uintptr_t end = ((uintptr_t)sbrk(0) + 4095) & ~(uintptr_t)4095;
    if (!strcmp(arguments[1], "page"))
        wall(end + MIB, 4096);
    else if (!strcmp(arguments[1], "wide"))
        for (uintptr_t at = MIB; at < 40 * GIB; at += GIB)
            wall(end + at, GIB);
    int before = maps_count(), refused = 0;
    void **list = NULL;
    for (int i = 0, blocks = atoi(arguments[2]); i < blocks; i++) {
        void **block = malloc(500 + (size_t)i % 1100);
        if (block) {
            *block = list;
            list = block;
        } else {
            refused++;
        }
    }
    int during = maps_count();
    while (list) {
        void **next = *list;
        free(list);
        list = next;
    }
    dprintf(1, "%d %d %d %d\n", refused, before, during, maps_count());
    return 0;
}
