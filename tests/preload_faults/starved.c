/*
 * starved as|data MIB: sets a limit and starts anew. Takes all memory in blocks of one size, frees them, and gets them again.
 */
#include "../preload_api/check.h"
#include "work.h"
#include <sys/resource.h>

struct chain {
    struct chain *next;
    size_t number;
};

/* Takes blocks until they are refused, and counts them. */
static size_t take_all(struct chain **list, size_t size) {
    size_t count = 0;
    errno = MARK;
    for (struct chain *block; (block = malloc(size)); *list = block) {
        CHECK_ERRNO(MARK);
        block->next = *list;
        block->number = count++;
        ((char *)block)[size - 1] = (char)block->number;
    }
    CHECK_ERRNO(ENOMEM);
    void *place = &place;
    CHECK(!calloc(size, 1000000));
    CHECK_ERRNO(ENOMEM);
    CHECK(!realloc(*list, (size_t)1 << 40));
    CHECK_ERRNO(ENOMEM);
    CHECK(!memalign(64, (size_t)1 << 40));
    CHECK_ERRNO(ENOMEM);
    return count;
}

static void give_back(struct chain *list, size_t size, size_t count) {
    while (list) {
        struct chain *next = list->next;
        CHECK(list->number == --count);
        CHECK(size == sizeof *list || ((char *)list)[size - 1] == (char)list->number);
        errno = MARK;
        free(list);
        CHECK_ERRNO(MARK);
        list = next;
    }
    CHECK(count == 0);
}

int main(int count, char **arguments) {
    static const size_t sizes[] = {40, 1000, 30000, 150000, 3000000, 500, 10000};
    CHECK(count == 3);
    const size_t room = strtoul(arguments[2], NULL, 10) << 20;
    if (strcmp(arguments[1], "run")) {
        const struct rlimit limit = {room, room};
        CHECK(setrlimit(strcmp(arguments[1], "as") ? RLIMIT_DATA : RLIMIT_AS, &limit) == 0);
        execl(arguments[0], arguments[0], "run", arguments[2], NULL);
        CHECK(!"started anew");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct chain *list = NULL;
        size_t first = take_all(&list, sizes[i]);
        CHECK(first * sizes[i] > room / 3); /* the sizes before have left no loss */
        give_back(list, sizes[i], first);
        list = NULL;
        size_t again = take_all(&list, sizes[i]);
        CHECK(again >= first - first / 10);
        give_back(list, sizes[i], again);
    }
    work(20000, 1 << 20);
    dprintf(1, "fine\n");
    return 0;
}
