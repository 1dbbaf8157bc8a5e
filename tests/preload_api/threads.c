/* Many short threads, blocks freed by other threads, destructors that free at a thread's end, and forks meanwhile. */
#include "check.h"
#include <sys/wait.h>

enum { WORKERS = 4, SLOTS = 512, SHORT = 1500, FORKS = 60 };

static void *_Atomic shared[SLOTS];
static volatile int over;
static pthread_key_t first, second;

static unsigned step(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A block whose first bytes say how long it is and what is in it. */
static void *made(unsigned *state) {
    size_t bytes = 16 + step(state) % (step(state) % 50 ? 600 : 200000);
    unsigned char *p = malloc(bytes);
    CHECK(p && aligned_to(p, 16));
    memcpy(p, &bytes, sizeof bytes);
    p[8] = p[bytes - 1] = (unsigned char)bytes;
    return p;
}

static void unmade(unsigned char *p) {
    size_t bytes;
    if (!p)
        return;
    memcpy(&bytes, p, sizeof bytes);
    CHECK(p[8] == (unsigned char)bytes && p[bytes - 1] == (unsigned char)bytes);
    free(p);
}

/* Puts blocks where any thread may take them. */
static void exchange(unsigned *state, int times) {
    while (times--)
        unmade(__atomic_exchange_n(&shared[step(state) % SLOTS], made(state), __ATOMIC_ACQ_REL));
}

static void *worker(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    while (!over)
        exchange(&state, 100);
    return NULL;
}

/* Destructors run in any order and several times over, also after the allocator's own. */
static void destroy(void *p) {
    static __thread int rounds;
    static __thread unsigned state = 9;
    unmade(p);
    if (rounds++ < 3)
        pthread_setspecific(rounds % 2 ? first : second, made(&state));
    void *more = calloc(3, 50);
    CHECK(more && all_zero(more, 150));
    free(more);
}

static void *short_lived(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed * 77;
    for (int i = 0; i < 40; i++)
        unmade(made(&state));
    pthread_setspecific(first, made(&state));
    pthread_setspecific(second, made(&state));
    return made(&state);
}

static void child(void) {
    unsigned state = 5;
    alarm(20);
    for (int i = 0; i < 200; i++)
        unmade(made(&state));
    pthread_t thread;
    void *p;
    CHECK(pthread_create(&thread, NULL, short_lived, NULL) == 0 && pthread_join(thread, &p) == 0);
    unmade(p);
    exchange(&state, 100); /* blocks of threads that this process does not have */
    exit(0);
}

int main(void) {
    pthread_t workers[WORKERS];
    alarm(120);
    CHECK(pthread_key_create(&first, destroy) == 0 && pthread_key_create(&second, destroy) == 0);
    for (uintptr_t i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&workers[i], NULL, worker, (void *)(i + 1)) == 0);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child();
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    over = 1;
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(workers[i], NULL) == 0);
    struct mallinfo2 before = mallinfo2();
    for (uintptr_t i = 0; i < SHORT; i++) {
        pthread_t thread;
        void *p;
        CHECK(pthread_create(&thread, NULL, short_lived, (void *)i) == 0 && pthread_join(thread, &p) == 0);
        unmade(p);
    }
    struct mallinfo2 after = mallinfo2(); /* what threads kept for themselves came back */
    CHECK(after.arena + after.hblkhd < before.arena + before.hblkhd + (4 << 20));
    puts("fine");
    return 0;
}
