/* No memory left, in the middle of each function: null, ENOMEM, the old block as it was; and later things go on. */
#include "check.h"
#include <sys/resource.h>

static size_t address_space(void) {
    char text[200];
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fgets(text, sizeof text, file));
    fclose(file);
    return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Each function asked for more than there is. */
static void all_refuse(void *old, size_t bytes) {
    void *place = &place;
    const size_t usable = malloc_usable_size(old);
    errno = MARK;
    CHECK(!malloc(bytes));
    CHECK_ERRNO(ENOMEM);
    CHECK(!calloc(bytes / 16, 16));
    CHECK_ERRNO(ENOMEM);
    CHECK(!realloc(NULL, bytes));
    CHECK_ERRNO(ENOMEM);
    CHECK(!realloc(old, bytes));
    CHECK_ERRNO(ENOMEM);
    CHECK(!reallocarray(old, bytes / 16, 16));
    CHECK_ERRNO(ENOMEM);
    for (size_t alignment = 16; alignment <= 1 << 20; alignment *= 16) {
        CHECK(!aligned_alloc(alignment, bytes));
        CHECK_ERRNO(ENOMEM);
        CHECK(!memalign(alignment, bytes));
        CHECK_ERRNO(ENOMEM);
        CHECK(posix_memalign(&place, alignment, bytes) == ENOMEM && place == &place);
        CHECK_ERRNO(ENOMEM);
    }
    CHECK(!valloc(bytes));
    CHECK_ERRNO(ENOMEM);
    CHECK(!pvalloc(bytes));
    CHECK_ERRNO(ENOMEM);
    CHECK(malloc_usable_size(old) == usable); /* nor does a block keep what was not enough */
}

struct chain {
    struct chain *next;
};

int main(int count, char **arguments) {
    const int kind = count > 1 && !strcmp(arguments[1], "data") ? RLIMIT_DATA : RLIMIT_AS;
    static const size_t olds[] = {10, 1000, 100000, 1000000};
    enum { OLDS = sizeof olds / sizeof *olds };
    void *old[OLDS];
    for (int i = 0; i < OLDS; i++)
        fill(old[i] = malloc(olds[i]), olds[i], i);
    struct rlimit limit;
    CHECK(getrlimit(kind, &limit) == 0);
    limit.rlim_cur = address_space() + (16 << 20);
    if (kind == RLIMIT_DATA)
        limit.rlim_cur = 24 << 20;
    CHECK(setrlimit(kind, &limit) == 0);

    /* Too much at once. */
    for (int i = 0; i < OLDS; i++)
        all_refuse(old[i], (size_t)1 << 30);

    /* Bit by bit to the very end, then one step more. */
    struct chain *taken = NULL;
    for (size_t bytes = 1 << 20; bytes >= 16; bytes /= 2)
        for (struct chain *p; (p = malloc(bytes)); taken = p)
            p->next = taken;
    CHECK_ERRNO(ENOMEM);
    for (int i = 0; i < OLDS; i++)
        all_refuse(old[i], 2000000);
    CHECK(!malloc(0) && !calloc(0, 0) && !realloc(NULL, 0)); /* also nothing takes a little */
    CHECK_ERRNO(ENOMEM);
    for (int i = 0; i < OLDS; i++)
        CHECK(filled(old[i], olds[i], i));

    /* Shrinking may fail, but loses nothing. */
    for (int i = 0; i < OLDS; i++) {
        void *p = realloc(old[i], olds[i] / 2);
        CHECK(filled(p ? p : old[i], olds[i] / 2, i));
        free(p ? p : old[i]);
    }
    errno = MARK;
    while (taken) {
        struct chain *next = taken->next;
        free(taken);
        taken = next;
    }
    CHECK_ERRNO(MARK);
    for (int i = 0; i < 8; i++) {
        void *p = malloc(1 << 20);
        CHECK(p);
        fill(p, 1 << 20, i);
        free(p);
    }
    CHECK_ERRNO(MARK);
    puts("fine");
    return 0;
}
