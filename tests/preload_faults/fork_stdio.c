/*
 * fork_stdio FILE SECONDS READERS: forks, reads long lines and flushes all streams, each in threads of its own.
 *
 * A reader allocates under the lock of its stream, and fork takes the lock of all streams. An allocator that holds its own
 * lock meanwhile closes a circle, and all threads hang.
 */
#include "../preload_api/check.h"
#include <sys/wait.h>

enum { LINE = 50000, READERS = 16 };

static const char *path;
static volatile int over;

static void *fork_often(void *unused) {
    do {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(0);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    } while (!over);
    return unused;
}

static void *read_often(void *unused) {
    FILE *file = fopen(path, "r");
    CHECK(file);
    do {
        char *line = NULL;
        size_t room = 0;
        rewind(file);
        CHECK(getline(&line, &room, file) == LINE + 1);
        free(line);
    } while (!over);
    fclose(file);
    return unused;
}

static void *flush_often(void *unused) {
    do
        fflush(NULL);
    while (!over);
    return unused;
}

int main(int count, char **arguments) {
    CHECK(count == 4);
    path = arguments[1];
    const int seconds = atoi(arguments[2]), readers = atoi(arguments[3]);
    CHECK(readers <= READERS);
    FILE *file = fopen(path, "w");
    CHECK(file);
    for (int i = 0; i < LINE; i++)
        putc('x', file);
    putc('\n', file);
    CHECK(fclose(file) == 0);
    pthread_t threads[READERS + 2];
    CHECK(pthread_create(&threads[0], NULL, fork_often, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, flush_often, NULL) == 0);
    for (int i = 0; i < readers; i++)
        CHECK(pthread_create(&threads[i + 2], NULL, read_often, NULL) == 0);
    sleep((unsigned)seconds);
    over = 1;
    for (int i = 0; i < readers + 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("fine");
    return 0;
}
