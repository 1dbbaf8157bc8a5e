/*
 * misuse KIND: says on standard output which pointer, and how many bytes the block has that it belongs to (0: none),
 * misuses it, and says "on" if it gets so far.
 */
#include "check.h"
#include <sys/mman.h>

static char own[1000];

static void say(void *p, size_t bytes) {
    dprintf(1, "%p %zu\n", p, bytes);
}

int main(int count, char **arguments) {
    const char *kind = count > 1 ? arguments[1] : "";
    char stack[100];
    /* Neighbours, so that nothing around the victim is at an end of the heap. */
    void *around[64];
    for (int i = 0; i < 64; i++)
        around[i] = malloc(200);
    char *p = malloc(200), *next = malloc(200), *big = malloc(5000000);
    size_t size = malloc_usable_size(p);
    if (!strcmp(kind, "double")) {
        free(p);
        say(p, size);
        free(p);
    } else if (!strcmp(kind, "double-later")) {
        free(p);
        for (int i = 20; i < 30; i++)
            free(around[i]), around[i] = NULL;
        say(p, size);
        free(p);
    } else if (!strcmp(kind, "double-mapped")) {
        free(big);
        say(big, 0);
        free(big);
    } else if (!strcmp(kind, "resize-freed")) {
        free(p);
        say(p, size);
        CHECK(!realloc(p, 300));
    } else if (!strcmp(kind, "interior")) {
        memset(p, 0, 200);
        say(p + 64, size);
        free(p + 64);
    } else if (!strcmp(kind, "unaligned")) {
        say(p + 1, size);
        free(p + 1);
    } else if (!strcmp(kind, "interior-mapped")) {
        say(big + 4096, 0);
        free(big + 4096);
    } else if (!strcmp(kind, "stack")) {
        char *at = stack + (-(uintptr_t)stack & 15) + 16;
        say(at, 0);
        free(at);
    } else if (!strcmp(kind, "static")) {
        char *at = own + (-(uintptr_t)own & 15) + 64;
        say(at, 0);
        free(at);
    } else if (!strcmp(kind, "nowhere")) {
        say((void *)0x10, 0);
        free((void *)0x10);
    } else if (!strcmp(kind, "mapping")) { /* the first bytes of a page: what lies before it cannot be read */
        char *pages = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(mprotect(pages + 4096, 4096, PROT_READ | PROT_WRITE) == 0);
        say(pages + 4096, 0);
        free(pages + 4096);
    } else if (!strcmp(kind, "resize-foreign")) {
        char *at = stack + (-(uintptr_t)stack & 15) + 16;
        say(at, 0);
        CHECK(!realloc(at, 300));
    } else if (!strcmp(kind, "smashed")) { /* what a write behind the end of the block before does */
        say(p, 0);
        memset(p - 16, 'A', 16);
        free(p);
    } else {
        return 2;
    }
    CHECK(next && around[0]);
    if (strcmp(kind, "smashed")) { /* the heap is whole */
        for (int i = 0; i < 1000; i++)
            free(malloc((size_t)i * 10));
    }
    dprintf(1, "on\n");
    _exit(0);
}
