/*
 * pointers report|abort|ignore: passes pointers that are no blocks to every function that takes a pointer.
 *
 * They point all over the address space, to the edges of mappings, into gaps, and to freed blocks. Prints the number of lines
 * that the library must have said. With OS defined, the functions of osmem.h are called.
 */
#include "../preload_api/check.h"
#include "maps.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#ifdef OS
#include "osmem.h"
#define malloc os_malloc
#define free os_free
#define realloc os_realloc
#define malloc_usable_size os_malloc_usable_size
#endif

enum { PAGE = 4096, BLOCKS = 300, SIZE = 50000, MOST = 60000, RANDOM = 3000, FORKS = 400 };

static char *block[BLOCKS];
static char *wrong[MOST];
static int wrongs, unknown;
static char *volatile current;

/* Names the pointer that led to a crash. */
static void on_fault(int number) {
    dprintf(2, "signal %d at pointer %p\n", number, (void *)current);
    _exit(3);
}

static int is_live(const char *p) {
    for (int i = 0; i < BLOCKS; i++)
        if (block[i] == p)
            return 1;
    return 0;
}

/* Notes a pointer that is no block of this program or of the C library. */
static void add(uintptr_t address) {
    char *p = current = (char *)address;
    if (!p || is_live(p))
        return;
    if (malloc_usable_size(p)) {
        unknown++;
        return;
    }
    CHECK(wrongs < MOST);
    wrong[wrongs++] = p;
}

static void add_around(uintptr_t address) {
    static const int by[] = {-PAGE, -32, -16, -8, -1, 0, 1, 8, 16, 32, PAGE - 16, PAGE};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++)
        add(address + (uintptr_t)(intptr_t)by[i]);
}

/* Makes a mapping at this place that lasts, or is given back at once. */
static void mapping(uintptr_t at, size_t bytes, int access, int lasts) {
    char *p = mmap((void *)at, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED)
        return;
    if (!lasts)
        CHECK(munmap(p, bytes) == 0);
    add_around((uintptr_t)p);
    add_around((uintptr_t)p + bytes / 2);
    add_around((uintptr_t)p + bytes);
}

/* Allocates, moves the break itself meanwhile, and puts a page above the break half way. */
static void populate(void) {
    for (int i = 0; i < BLOCKS; i++) {
        if (i == BLOCKS / 2) {
            uintptr_t end = ((uintptr_t)sbrk(0) + PAGE - 1) / PAGE * PAGE;
            mapping(end + (1 << 20), PAGE, PROT_NONE, 1);
            mapping(end + (5 << 20), 16 * PAGE, PROT_READ | PROT_WRITE, 0);
            mapping(end + (6 << 20), 16 * PAGE, PROT_READ | PROT_WRITE, 1);
        }
        block[i] = malloc(SIZE);
        if (block[i])
            fill(block[i], SIZE, i);
        if (i % 20 == 0) { /* takes bytes and gives some pages of them back */
            char *own = sbrk(8 * PAGE + 5);
            if (own == (void *)-1)
                continue;
            uintptr_t first = ((uintptr_t)own + PAGE - 1) / PAGE * PAGE;
            CHECK(munmap((void *)(first + PAGE), 4 * PAGE) == 0);
            add_around(first);
            add_around(first + PAGE);
            add_around(first + 3 * PAGE);
            add_around(first + 5 * PAGE);
        }
    }
}

static void add_freed(void) {
    for (int i = 0; i < BLOCKS; i++) {
        if (i % 3 && i < BLOCKS - BLOCKS / 6)
            continue;
        char *p = block[i];
        free(p);
        block[i] = NULL;
        add((uintptr_t)p);
        add_around((uintptr_t)p + SIZE / 2 / 16 * 16);
    }
    char *large = malloc(5000000), *small = malloc(40);
    free(large);
    free(small);
    add_around((uintptr_t)large);
    add_around((uintptr_t)large + 2500000 / 16 * 16);
    add((uintptr_t)small);
#ifndef OS
    malloc_trim(0);
#endif
}

static void add_nowhere(void) {
    static char own[200];
    char stack[200];
    memset(stack, 1, sizeof stack);
    add_around((uintptr_t)stack + 100);
    add_around((uintptr_t)own + 100);
    add_around((uintptr_t)add_nowhere);
    add_around(PAGE);
    for (int bit = 5; bit < 64; bit++)
        add_around((uintptr_t)1 << bit);
    for (int bit = 20; bit < 64; bit++)
        add_around(~(uintptr_t)0 << bit);
    /* A readable page behind an inaccessible one: nothing before its first byte can be read. */
    char *pages = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    add_around((uintptr_t)pages + PAGE);
    add_around((uintptr_t)pages + 2 * PAGE);
}

/* The edges and the middle of each mapping, and the middle of the gap before it. */
static void add_maps(void) {
    uintptr_t start, end, before = 0;
    for (char *text = maps_text(); maps_next(&text, &start, &end); before = end) {
        add_around(start);
        add_around(end);
        add_around(start + (end - start) / 2 / 16 * 16);
        add_around(before + (start - before) / 2 / 16 * 16);
    }
}

/* Random addresses from far below the lowest block to far above the highest one. */
static void add_random(void) {
    uintptr_t low = ~(uintptr_t)0, high = 0, state = 7;
    for (int i = 0; i < BLOCKS; i++) {
        uintptr_t at = (uintptr_t)block[i];
        low = at && at < low ? at : low;
        high = at > high ? at : high;
    }
    low -= low < (64 << 20) ? low : 64 << 20;
    for (int i = 0; i < RANDOM; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        add(low + (state >> 16) % (high - low + (128 << 20)) / 16 * 16);
    }
}

static void pass(char *p, int resize) {
    current = p;
    errno = MARK;
    if (resize) {
        CHECK(!realloc(p, 300));
        CHECK_ERRNO(EINVAL);
    } else {
        free(p);
        CHECK_ERRNO(MARK);
    }
    CHECK(malloc_usable_size(p) == 0);
    CHECK_ERRNO(MARK);
}

/* Passes each pointer in a child, which must end by SIGABRT. */
static int pass_in_children(void) {
    int step = wrongs / FORKS + 1, passed = 0;
    for (int i = 0; i < wrongs; i += step, passed++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            pass(wrong[i], passed % 2);
            _exit(0);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
            dprintf(2, "pointer %p: status %#x\n", (void *)wrong[i], (unsigned)status);
            _exit(1);
        }
    }
    return passed;
}

int main(int count, char **arguments) {
    const struct rlimit no_core = {0, 0};
    CHECK(count == 2);
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    CHECK(signal(SIGSEGV, on_fault) != SIG_ERR && signal(SIGBUS, on_fault) != SIG_ERR);
    populate();
    add_freed();
    add_nowhere();
    add_maps();
    add_random();
    CHECK(unknown < 20 && wrongs > RANDOM);
    int lines = 0;
    if (!strcmp(arguments[1], "abort")) {
        lines = pass_in_children();
    } else {
        for (int i = 0; i < 2 * wrongs; i++)
            pass(wrong[i / 2], i % 2);
        if (!strcmp(arguments[1], "report"))
            lines = 2 * wrongs;
    }
    for (int i = 0; i < BLOCKS; i++) { /* the heap is whole */
        CHECK(!block[i] || filled(block[i], SIZE, i));
        free(block[i]);
        free(malloc((size_t)i * 100 + 1));
    }
    dprintf(1, "%d\n", lines);
    return 0;
}
