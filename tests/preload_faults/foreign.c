/*
 * Passes a block of the C library's own malloc to a function of ours. Prints the pointer, then "on".
 *
 * foreign libc FUNCTION: the block comes from the C library's other name for malloc.
 * foreign deep FUNCTION PLUGIN: it comes from a plugin that is bound to the C library before us.
 */
#include "../preload_api/check.h"
#include <dlfcn.h>

enum { UNTESTED = 77 };

static void *symbol(void *from, const char *name) {
    void *found = dlsym(from, name);
    if (!found)
        _exit(UNTESTED);
    return found;
}

static void *plugin(const char *path) {
    void *opened = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    CHECK(opened);
    return opened;
}

int main(int count, char **arguments) {
    CHECK(count >= 3);
    const char *function = arguments[2];
    char *block;
    if (!strcmp(arguments[1], "libc")) {
        block = ((void *(*)(size_t))symbol(RTLD_DEFAULT, "__libc_malloc"))(300);
    } else {
        CHECK(count == 4);
        void *opened = plugin(arguments[3]);
        ((void (*)(void))symbol(opened, "use"))();
        block = ((void *(*)(size_t))symbol(opened, "make"))(300);
    }
    CHECK(block);
    fill(block, 300, 5);
    dprintf(1, "%p\n", (void *)block);
    errno = MARK;
    if (!strcmp(function, "free")) {
        free(block);
        CHECK_ERRNO(MARK);
    } else if (!strcmp(function, "realloc")) {
        CHECK(!realloc(block, 3000));
        CHECK_ERRNO(EINVAL);
    } else {
        CHECK(malloc_usable_size(block) == 0);
        CHECK_ERRNO(MARK);
    }
    CHECK(filled(block, 300, 5));
    for (size_t i = 0; i < 3000; i++) /* either heap is whole */
        free(malloc(i * 10));
    dprintf(1, "on\n");
    return 0;
}
