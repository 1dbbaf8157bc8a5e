/* `opened LIBRARY`: the allocator beside the C library's own one, found by dlopen and not in its place. */
#include "check.h"
#include <dlfcn.h>

static void *(*their_malloc)(size_t);
static void (*their_free)(void *);

static void *thread(void *unused) {
    (void)unused;
    for (size_t i = 0; i < 3000; i++) {
        void *ours = malloc(i), *theirs = their_malloc(i);
        CHECK(ours && theirs && ours != theirs);
        memset(ours, 1, i);
        memset(theirs, 2, i);
        free(ours);
        their_free(theirs);
    }
    return NULL;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library);
    their_malloc = (void *(*)(size_t))dlsym(library, "malloc");
    their_free = (void (*)(void *))dlsym(library, "free");
    CHECK(their_malloc && their_free && their_malloc != malloc && their_free != free);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, thread, NULL) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    unsigned char *kept = their_malloc(100);
    fill(kept, 100, 1);
    CHECK(dlclose(library) == 0); /* blocks and functions stay */
    CHECK(filled(kept, 100, 1));
    their_free(kept);
    thread(NULL);
    puts("fine");
    return 0;
}
