/* A random load for conditions under which memory may be refused. */

enum { WORK_SLOTS = 1000 };

struct worked {
    unsigned char *block;
    size_t size;
};

static inline int worked_is_whole(const struct worked *slot, size_t bytes, int seed) {
    size_t edge = bytes < 64 ? bytes : 64;
    return filled(slot->block, edge, seed) && slot->block[bytes - 1] == (unsigned char)(seed + (bytes - 1) * 7);
}

static inline void worked_fill(const struct worked *slot, int seed) {
    size_t edge = slot->size < 64 ? slot->size : 64;
    fill(slot->block, edge, seed);
    slot->block[slot->size - 1] = (unsigned char)(seed + (slot->size - 1) * 7);
}

/*
 * Allocates, resizes and frees at random, most blocks small and none larger than `largest`; at last frees all. A refusal is
 * null with ENOMEM and keeps the old block. Success keeps errno. Returns the number of refusals.
 */
static inline int work(int steps, size_t largest) {
    static struct worked slots[WORK_SLOTS];
    uint64_t state = 11;
    int refusals = 0;
    for (int i = 0; i < steps; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        int at = (int)(state >> 40) % WORK_SLOTS;
        unsigned kind = (unsigned)(state >> 33) % 100;
        size_t most = kind < 70 ? 200 : kind < 90 ? 10000 : kind < 98 ? 200000 : largest;
        size_t bytes = 1 + (size_t)(state >> 17) % (most < largest ? most : largest);
        struct worked *slot = &slots[at];
        errno = MARK;
        if (slot->block && kind % 3) {
            CHECK(worked_is_whole(slot, slot->size, at));
            free(slot->block);
            CHECK_ERRNO(MARK);
            slot->block = NULL;
            continue;
        }
        unsigned char *block = slot->block ? realloc(slot->block, bytes)
                               : kind % 2  ? malloc(bytes)
                               : kind % 4  ? calloc(1, bytes)
                                           : memalign(64, bytes);
        CHECK_ERRNO(block ? MARK : ENOMEM);
        if (slot->block) {
            struct worked now = block ? (struct worked){block, bytes} : *slot;
            size_t kept = now.size < slot->size ? now.size : slot->size;
            CHECK(filled(now.block, kept < 64 ? kept : 64, at));
        }
        if (!block) {
            refusals++;
            continue;
        }
        *slot = (struct worked){block, bytes};
        worked_fill(slot, at);
    }
    for (int at = 0; at < WORK_SLOTS; at++) {
        struct worked *slot = &slots[at];
        errno = MARK;
        CHECK(!slot->block || worked_is_whole(slot, slot->size, at));
        free(slot->block);
        CHECK_ERRNO(MARK);
        slot->block = NULL;
    }
    return refusals;
}
