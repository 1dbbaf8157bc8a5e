/*
 * Allocates in a crowded address space.
 *
 * crowded many: beside ten thousand mappings, each with inaccessible pages next to it.
 * crowded full: with as many mappings as a process may have, and again after they are gone.
 */
#include "../preload_api/check.h"
#include "maps.h"
#include "work.h"
#include <sys/mman.h>

enum { PAGE = 4096, MANY = 10000, MOST = 300000, LEFT = 20, STEPS = 60000, LARGEST = 3 << 20 };

static char *crowd;

/* Splits one mapping: every other page becomes readable. Returns the number of pages that are mappings now. */
static size_t make_crowd(size_t pages) {
    size_t made = 0;
    for (; made < pages; made += 2)
        if (mprotect(crowd + made * PAGE, PAGE, PROT_READ) != 0)
            break;
    return made;
}

/* Puts an inaccessible page before and behind each mapping. */
static void make_walls(void) {
    static uintptr_t edges[4 * MANY];
    uintptr_t start, end;
    int count = 0;
    for (char *text = maps_text(); maps_next(&text, &start, &end);) {
        edges[count++] = end;
        edges[count++] = start - PAGE;
    }
    for (int i = 0; i < count; i++) /* an occupied place stays as it is */
        mmap((void *)edges[i], PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    const int full = !strcmp(arguments[1], "full");
    const size_t pages = full ? MOST : MANY;
    free(malloc(1000));
    make_walls();
    crowd = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(crowd != MAP_FAILED);
    size_t made = make_crowd(pages);
    if (!full) {
        CHECK(made == pages);
        make_walls();
        CHECK(work(STEPS, LARGEST) == 0);
    } else if (made < pages) {
        CHECK(mprotect(crowd, LEFT * PAGE, PROT_NONE) == 0);
        work(STEPS, LARGEST); /* refusals are right here */
        malloc_trim(0);
    } else {
        dprintf(2, "not tested: the system lets a process have very many mappings\n");
    }
    CHECK(munmap(crowd, pages * PAGE) == 0);
    CHECK(work(STEPS, LARGEST) == 0);
    dprintf(1, "fine\n");
    return 0;
}
