/*
 * Moves the break while it allocates, and checks that all blocks keep their contents.
 *
 * break_mix down: up and down again. odd: up by odd numbers. thread: up, in another thread. libc: by the C library's malloc.
 */
#include "../preload_api/check.h"
#include <dlfcn.h>

enum { STEPS = 120000, SLOTS = 3000, OWN = 2000, THEIRS = 300 };

static volatile int over;

static void *move_up(void *unused) {
    for (unsigned state = 5; !over; usleep(100)) {
        state = state * 1103515245 + 12345;
        char *bytes = sbrk(1 + (state >> 16) % 5000);
        if (bytes != (void *)-1)
            *bytes = 1;
    }
    return unused;
}

static void up_and_down(void) {
    const intptr_t bytes = 100000;
    char *own = sbrk(bytes);
    if (own == (void *)-1)
        return;
    memset(own, 3, (size_t)bytes);
    CHECK(sbrk(-bytes) == own + bytes);
}

int main(int count, char **arguments) {
    static unsigned char *blocks[SLOTS];
    static size_t sizes[SLOTS];
    static char *own[OWN], *theirs[THEIRS];
    CHECK(count == 2);
    const char kind = arguments[1][0];
    void *(*their_malloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "__libc_malloc");
    void (*their_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "__libc_free");
    pthread_t thread;
    int owned = 0;
    unsigned state = 7;
    if (kind == 't')
        CHECK(pthread_create(&thread, NULL, move_up, NULL) == 0);
    for (int i = 0; i < STEPS; i++) {
        state = state * 1103515245 + 12345;
        int at = (int)(state >> 8) % SLOTS;
        CHECK(!blocks[at] || filled(blocks[at], sizes[at] < 100 ? sizes[at] : 100, at));
        CHECK(!blocks[at] || blocks[at][sizes[at] - 1] == (unsigned char)(at + (sizes[at] - 1) * 7));
        free(blocks[at]);
        sizes[at] = 1 + (state >> 14) % 6000;
        CHECK((blocks[at] = malloc(sizes[at])));
        fill(blocks[at], sizes[at], at);
        if (kind == 'd' && i % 50 == 0)
            up_and_down();
        if (kind == 'o' && i % 100 == 0 && owned < OWN) {
            own[owned] = sbrk(1 + (state >> 9) % 3000);
            CHECK(own[owned] != (void *)-1);
            *own[owned++] = 0x77;
        }
        if (kind == 'l' && their_malloc && their_free) {
            int which = (int)(state >> 5) % THEIRS;
            CHECK(!theirs[which] || *theirs[which] == (char)which);
            their_free(theirs[which]);
            CHECK((theirs[which] = their_malloc(1 + (state >> 12) % 130000)));
            *theirs[which] = (char)which;
        }
    }
    over = 1;
    if (kind == 't')
        CHECK(pthread_join(thread, NULL) == 0);
    for (int i = 0; i < owned; i++)
        CHECK(*own[i] == 0x77);
    for (int i = 0; i < SLOTS; i++) {
        CHECK(!blocks[i] || filled(blocks[i], sizes[i], i));
        free(blocks[i]);
    }
    puts("fine");
    return 0;
}
