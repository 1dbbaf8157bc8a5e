/* Moves the break itself, up and down, and maps something where the break would grow to. */
#include "check.h"
#include <sys/mman.h>

enum { ROUNDS = 200 };

int main(void) {
    static unsigned char *blocks[ROUNDS], *own[ROUNDS];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = (size_t)(i * 37) % 3000 + 1;
        blocks[i] = malloc(bytes * 20);
        CHECK(blocks[i]);
        fill(blocks[i], bytes * 20, i);
        own[i] = sbrk((intptr_t)bytes);
        CHECK(own[i] != (void *)-1);
        fill(own[i], bytes, i + 1);
        if (i % 10 == 9) { /* what was taken last goes back */
            void *top = sbrk(0);
            if (top == own[i] + bytes)
                CHECK(sbrk(-(intptr_t)bytes) == top);
            own[i] = NULL;
        }
        if (i % 7 == 0)
            blocks[i] = realloc(blocks[i], bytes * 20 + 50000);
        CHECK(blocks[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = (size_t)(i * 37) % 3000 + 1;
        CHECK(filled(blocks[i], bytes * 20, i) && (!own[i] || filled(own[i], bytes, i + 1)));
        if (i % 2)
            free(blocks[i]);
    }
    malloc_trim(0);
    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = (size_t)(i * 37) % 3000 + 1;
        CHECK((i % 2 || filled(blocks[i], bytes * 20, i)) && (!own[i] || filled(own[i], bytes, i + 1)));
    }
    /* A wall behind the break: blocks come from somewhere else. */
    uintptr_t end = ((uintptr_t)sbrk(0) + page - 1) / page * page;
    void *wall = mmap((void *)end, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(wall == (void *)end || errno == EEXIST);
    CHECK(sbrk(1 << 20) == (void *)-1);
    for (int i = 1; i < ROUNDS; i += 2) {
        blocks[i] = malloc(50000);
        CHECK(blocks[i] && aligned_to(blocks[i], 16));
        fill(blocks[i], 50000, i);
    }
    for (int i = 1; i < ROUNDS; i += 2) {
        blocks[i] = realloc(blocks[i], 70000);
        CHECK(blocks[i] && filled(blocks[i], 50000, i));
    }
    for (int i = 0; i < ROUNDS; i++)
        free(blocks[i]);
    puts("fine");
    return 0;
}
