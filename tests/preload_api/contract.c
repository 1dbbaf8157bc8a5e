/* What the manual pages say of each function, at its edges. */
#include "check.h"
#include <dlfcn.h>

static const size_t HUGE_SIZES[] = {
    (size_t)PTRDIFF_MAX + 1, (size_t)PTRDIFF_MAX + 2, SIZE_MAX / 2 + 4096, SIZE_MAX - 65536, SIZE_MAX - 4096,
    SIZE_MAX - 4095,         SIZE_MAX - 64,           SIZE_MAX - 32,       SIZE_MAX - 31,    SIZE_MAX - 16,
    SIZE_MAX - 15,           SIZE_MAX - 1,            SIZE_MAX,
    /* These are no error in themselves, but no machine has them. */
    PTRDIFF_MAX,             PTRDIFF_MAX - 16,        PTRDIFF_MAX - 4096,  (size_t)1 << 62,
};
#define EACH_HUGE(i) (size_t i = 0; i < sizeof HUGE_SIZES / sizeof *HUGE_SIZES; i++)

static void sizes_at_the_limit(void) {
    unsigned char *old = malloc(100);
    fill(old, 100, 1);
    errno = MARK;
    for EACH_HUGE(i) {
        size_t huge = HUGE_SIZES[i];
        CHECK(!malloc(huge));
        CHECK_ERRNO(ENOMEM);
        CHECK(!calloc(huge, 1));
        CHECK_ERRNO(ENOMEM);
        CHECK(!calloc(1, huge));
        CHECK_ERRNO(ENOMEM);
        CHECK(!realloc(NULL, huge));
        CHECK_ERRNO(ENOMEM);
        CHECK(!realloc(old, huge));
        CHECK_ERRNO(ENOMEM);
        CHECK(!reallocarray(old, huge, 1));
        CHECK_ERRNO(ENOMEM);
        CHECK(!reallocarray(old, 1, huge));
        CHECK_ERRNO(ENOMEM);
        for (size_t alignment = 1; alignment; alignment *= 2) {
            CHECK(!aligned_alloc(alignment, huge));
            CHECK_ERRNO(ENOMEM);
            CHECK(!memalign(alignment, huge));
            CHECK_ERRNO(ENOMEM);
            if (alignment >= sizeof(void *)) {
                void *place = &place;
                CHECK(posix_memalign(&place, alignment, huge) == ENOMEM);
                CHECK(place == &place);
                CHECK_ERRNO(ENOMEM); /* POSIX leaves it open; the C library sets it */
            }
        }
        CHECK(!valloc(huge));
        CHECK_ERRNO(ENOMEM);
        CHECK(!pvalloc(huge));
        CHECK_ERRNO(ENOMEM);
    }
    /* Products that overflow, also to something small. */
    const size_t half = (size_t)1 << 32;
    const size_t products[][2] = {
        {half, half}, {half, half + 1}, {SIZE_MAX, 2}, {2, SIZE_MAX}, {SIZE_MAX, SIZE_MAX}, {SIZE_MAX / 2 + 1, 2}, {half * 2, half / 4},
    };
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        CHECK(!calloc(products[i][0], products[i][1]));
        CHECK_ERRNO(ENOMEM);
        CHECK(!reallocarray(old, products[i][0], products[i][1]));
        CHECK_ERRNO(ENOMEM);
        CHECK(!reallocarray(NULL, products[i][0], products[i][1]));
        CHECK_ERRNO(ENOMEM);
    }
    CHECK(filled(old, 100, 1));
    free(old);
    CHECK_ERRNO(MARK);
}

static void alignments(void) {
    static const size_t sizes[] = {0, 1, 8, 15, 16, 17, 100, 4095, 4096, 4097, 70000, 131072, 300000};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    errno = MARK;
    for (size_t alignment = 1; alignment <= (size_t)16 << 20; alignment *= 2) {
        void *blocks[3][SIZES];
        size_t count = alignment > 65536 ? 3 : SIZES; /* not all the memory there is */
        for (size_t i = 0; i < count; i++) {
            blocks[0][i] = aligned_alloc(alignment, sizes[i]);
            blocks[1][i] = memalign(alignment, sizes[i]);
            blocks[2][i] = NULL;
            if (alignment >= sizeof(void *))
                CHECK(posix_memalign(&blocks[2][i], alignment, sizes[i]) == 0 && blocks[2][i]);
            for (int kind = 0; kind < 3; kind++) {
                void *p = blocks[kind][i];
                CHECK(p || (kind == 2 && alignment < sizeof(void *)));
                CHECK(aligned_to(p, alignment) && aligned_to(p, 16));
                if (p) {
                    CHECK(malloc_usable_size(p) >= sizes[i]);
                    fill(p, malloc_usable_size(p), kind + (int)i);
                }
            }
        }
        CHECK_ERRNO(MARK);
        for (size_t i = 0; i < count; i++) {
            for (int kind = 0; kind < 3; kind++) {
                void *p = blocks[kind][i];
                if (!p)
                    continue;
                CHECK(filled(p, malloc_usable_size(p), kind + (int)i));
                if (i % 2) { /* an over-aligned block can be resized like any other */
                    p = realloc(p, sizes[i] * 2 + 1);
                    CHECK(p && filled(p, sizes[i], kind + (int)i));
                }
                free(p);
            }
        }
        CHECK_ERRNO(MARK);
    }
    void *place = &place;
    static const size_t wrong[] = {0, 1, 2, 3, 4, 7, 9, 12, 24, 48, 100, 4095, 4097, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(posix_memalign(&place, wrong[i], 8) == EINVAL && place == &place);
        CHECK(posix_memalign(&place, wrong[i], SIZE_MAX) == EINVAL && place == &place);
        CHECK_ERRNO(MARK);
        if (wrong[i] & (wrong[i] - 1) || wrong[i] == 0) {
            CHECK(!aligned_alloc(wrong[i], 8));
            CHECK_ERRNO(EINVAL);
        }
    }
    for (size_t alignment = 0; alignment < 5000; alignment += alignment / 8 + 1) {
        size_t power = 1;
        while (power < alignment)
            power *= 2;
        void *p = memalign(alignment, 10);
        CHECK(p && aligned_to(p, power));
        free(p);
    }
    CHECK_ERRNO(MARK);
    CHECK(!memalign(SIZE_MAX / 2 + 2, 8)); /* no power of two is that big */
    CHECK_ERRNO(EINVAL);
    CHECK(!memalign(SIZE_MAX, 8));
    CHECK_ERRNO(EINVAL);
    CHECK(!memalign(SIZE_MAX / 2 + 1, 8)); /* there is one, but not in this address space */
    CHECK_ERRNO(ENOMEM);
    CHECK(!aligned_alloc(SIZE_MAX / 2 + 1, 0));
    CHECK_ERRNO(ENOMEM);
    CHECK(posix_memalign(&place, SIZE_MAX / 2 + 1, 8) == ENOMEM && place == &place);
    CHECK_ERRNO(ENOMEM);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t bytes = 0; bytes < 3 * page; bytes += 511) {
        void *v = valloc(bytes), *p = pvalloc(bytes);
        CHECK(v && p && v != p && aligned_to(v, page) && aligned_to(p, page));
        CHECK(malloc_usable_size(v) >= bytes && malloc_usable_size(p) >= (bytes + page - 1) / page * page);
        free(v);
        free(p);
    }
    CHECK_ERRNO(MARK);
}

static void blocks_of_every_size(void) {
    enum { COUNT = 3000 };
    static unsigned char *blocks[COUNT];
    errno = MARK;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(i);
        CHECK(blocks[i] && aligned_to(blocks[i], 16) && malloc_usable_size(blocks[i]) >= i);
        fill(blocks[i], malloc_usable_size(blocks[i]), (int)i); /* all of it may be used */
    }
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(filled(blocks[i], malloc_usable_size(blocks[i]), (int)i));
        size_t to = (i * 7919) % 6000 + 1;
        blocks[i] = i % 3 ? realloc(blocks[i], to) : reallocarray(blocks[i], to, 1);
        CHECK(blocks[i] && aligned_to(blocks[i], 16) && malloc_usable_size(blocks[i]) >= to);
        CHECK(filled(blocks[i], i < to ? i : to, (int)i));
    }
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
    for (size_t i = 0; i < COUNT; i++) { /* what was dirtied above is zero again */
        blocks[i] = calloc(i % 60 + 1, i % 97);
        CHECK(blocks[i] && aligned_to(blocks[i], 16) && all_zero(blocks[i], (i % 60 + 1) * (i % 97)));
        memset(blocks[i], 0xee, malloc_usable_size(blocks[i]));
    }
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
    for (size_t bytes = 100000; bytes < 40000000; bytes += bytes / 3) {
        unsigned char *p = malloc(bytes);
        CHECK(p && aligned_to(p, 16) && malloc_usable_size(p) >= bytes);
        memset(p, 0xee, malloc_usable_size(p));
        free(p);
        p = calloc(bytes, 1);
        CHECK(p && aligned_to(p, 16) && all_zero(p, bytes));
        fill(p, bytes, 3);
        p = realloc(p, bytes * 2);
        CHECK(p && aligned_to(p, 16) && filled(p, bytes, 3));
        p = realloc(p, 10);
        CHECK(p && aligned_to(p, 16) && filled(p, 10, 3));
        free(p);
    }
    CHECK_ERRNO(MARK);
}

static void nothing_at_all(void) {
    enum { COUNT = 200 };
    void *blocks[COUNT];
    void *(*const array)(void *, size_t, size_t) = reallocarray;
    errno = MARK;
    for (int i = 0; i < COUNT; i++) {
        void *place = NULL;
        switch (i % 8) {
        case 0: blocks[i] = malloc(0); break;
        case 1: blocks[i] = calloc(0, 0); break;
        case 2: blocks[i] = calloc(0, SIZE_MAX); break;
        case 3: blocks[i] = calloc(SIZE_MAX, 0); break;
        case 4: blocks[i] = realloc(NULL, 0); break;
        case 5: blocks[i] = array(NULL, 0, SIZE_MAX); break;
        case 6: blocks[i] = aligned_alloc(64, 0); break;
        default: CHECK(posix_memalign(&place, 4096, 0) == 0); blocks[i] = place;
        }
        CHECK(blocks[i] && aligned_to(blocks[i], 16));
        for (int other = 0; other < i; other++)
            CHECK(blocks[other] != blocks[i]);
    }
    size_t used = mallinfo2().uordblks;
    for (int i = 0; i < COUNT; i++)
        CHECK(!(i % 2 ? realloc(blocks[i], 0) : array(blocks[i], 0, 77))); /* frees */
    CHECK(mallinfo2().uordblks <= used);
    free(NULL);
    CHECK(malloc_usable_size(NULL) == 0);
    CHECK_ERRNO(MARK);
}

static void figures_and_knobs(void) {
    const size_t bytes = 3 << 20;
    errno = MARK;
    struct mallinfo2 before = mallinfo2();
    void *big = malloc(bytes), *small = malloc(1000);
    struct mallinfo2 during = mallinfo2();
    CHECK(during.uordblks + during.hblkhd >= before.uordblks + before.hblkhd + bytes); /* the small one may have counted before */
    CHECK(during.arena >= during.fordblks && during.arena >= during.keepcost);
    CHECK((size_t)mallinfo().arena == during.arena);
    free(big);
    struct mallinfo2 after = mallinfo2();
    CHECK(after.uordblks + after.hblkhd + bytes <= during.uordblks + during.hblkhd);
    free(small);
    CHECK(mallopt(M_TRIM_THRESHOLD, 4096) == 1 && mallopt(M_MMAP_THRESHOLD, -1) == 1 && mallopt(-99, 0) == 1);
    static const size_t most[] = {SIZE_MAX, SIZE_MAX - 4096, PTRDIFF_MAX, (size_t)1 << 40};
    for (int i = 0; i < 4; i++) { /* nobody has so much to give back, with something at the top or without */
        CHECK(malloc_trim(most[i]) == 0);
        free(malloc(100000));
    }
    int gave = malloc_trim(0);
    CHECK(gave == 0 || gave == 1);
    CHECK(mallinfo2().keepcost <= 2 * (size_t)sysconf(_SC_PAGESIZE));
    CHECK_ERRNO(MARK);
    /* Newer than this C library's headers. */
    void (*sized)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    void (*aligned_sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    CHECK(sized && aligned_sized);
    errno = MARK;
    sized(malloc(100), 100);
    sized(NULL, 0);
    aligned_sized(aligned_alloc(256, 512), 256, 512);
    aligned_sized(NULL, 256, 0);
    CHECK_ERRNO(MARK);
}

int main(void) {
    sizes_at_the_limit();
    alignments();
    blocks_of_every_size();
    nothing_at_all();
    figures_and_knobs();
    puts("fine");
    return 0;
}
