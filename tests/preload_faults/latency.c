/*
 * latency PATTERN FILE: writes the processor time of each call of a fixed sequence, as 32-bit nanoseconds, to a file.
 */
#include "../preload_api/check.h"
#include <sys/mman.h>
#include <time.h>

enum { CALLS = 1000000, SLOTS = 200000 };

static uint32_t *taken;
static char **slots;
static size_t calls;

static uint64_t next(void) {
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void note(uint64_t since) {
    uint64_t spent = now() - since;
    CHECK(calls < CALLS);
    taken[calls++] = spent > UINT32_MAX ? UINT32_MAX : (uint32_t)spent;
}

static void take(size_t at, size_t bytes) {
    uint64_t since = now();
    char *block = malloc(bytes);
    note(since);
    CHECK(block);
    block[0] = 1;
    slots[at] = block;
}

static void give(size_t at) {
    uint64_t since = now();
    free(slots[at]);
    note(since);
    slots[at] = NULL;
}

static void resize(size_t at, size_t bytes) {
    uint64_t since = now();
    char *block = realloc(slots[at], bytes);
    note(since);
    CHECK(block);
    slots[at] = block;
}

/* Blocks of one size, freed in their order or at random; then a few larger ones. */
static void wave(size_t blocks, size_t bytes, int random) {
    for (size_t i = 0; i < blocks; i++)
        take(i, bytes);
    for (size_t i = blocks - 1; random && i > 0; i--) {
        size_t other = next() % (i + 1);
        char *kept = slots[i];
        slots[i] = slots[other];
        slots[other] = kept;
    }
    for (size_t i = 0; i < blocks; i++)
        give(i);
    take(0, bytes + 16);
    take(1, bytes * 2);
    take(2, 5000);
    take(3, 100000);
}

/* Short-lived blocks among others that stay. */
static void mixed(int steps, size_t live, size_t least, size_t range) {
    for (int i = 0; i < steps; i++) {
        size_t at = next() % live;
        if (slots[at])
            give(at);
        take(at, least + next() % range);
    }
}

static void growing(int rounds) {
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < 8; i++)
            take(i, 64);
        for (size_t bytes = 64; bytes < 2000000; bytes += bytes / 4)
            for (size_t i = 0; i < 8; i++)
                resize(i, bytes + bytes / 4);
        for (size_t i = 0; i < 8; i++)
            give(i);
    }
}

/* Every other block is freed, then the rest. */
static void halves(size_t blocks) {
    for (size_t i = 0; i < blocks; i++)
        take(i, 24 + i % 3 * 1000);
    for (size_t i = 0; i < blocks; i += 2)
        give(i);
    for (size_t i = 0; i < 1000; i += 2)
        take(i, 5000);
    for (size_t i = 1; i < blocks; i += 2)
        give(i);
    take(1, 7777);
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    taken = mmap(NULL, CALLS * sizeof *taken, PROT_READ | PROT_WRITE, flags, -1, 0);
    slots = mmap(NULL, SLOTS * sizeof *slots, PROT_READ | PROT_WRITE, flags, -1, 0);
    CHECK(taken != MAP_FAILED && slots != MAP_FAILED);
    const char *pattern = arguments[1];
    if (!strcmp(pattern, "wave"))
        wave(100000, 40, 0);
    else if (!strcmp(pattern, "shuffled"))
        wave(100000, 1500, 1);
    else if (!strcmp(pattern, "many"))
        wave(200000, 100, 1);
    else if (!strcmp(pattern, "mixed"))
        mixed(150000, 20000, 16, 4000);
    else if (!strcmp(pattern, "large"))
        mixed(10000, 40, 100000, 900000);
    else if (!strcmp(pattern, "growing"))
        growing(20);
    else
        halves(200000);
    FILE *file = fopen(arguments[2], "w");
    CHECK(file && fwrite(taken, sizeof *taken, calls, file) == calls && fclose(file) == 0);
    puts("fine");
    return 0;
}
