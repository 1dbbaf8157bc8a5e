/*
 * One thread forks, one logs through a library with fork handlers, and one walks over the heap and prints. A hang is the
 * fault.
 */
#include "osmem.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void log_line(void);

enum { FORKS = 300 };

static volatile int done;

static int print(const struct os_block *block, void *file) {
    (void)block;
    fputc('x', file);
    fflush(NULL);
    return 0;
}

static void *logs(void *unused) {
    while (!done)
        log_line();
    return unused;
}

static void *walks(void *unused) {
    FILE *file = fopen("/dev/null", "w");
    while (!done)
        os_heap_walk(print, file);
    fclose(file);
    return unused;
}

int main(void) {
    pthread_t threads[2];
    for (int i = 0; i < 20; i++)
        if (!os_malloc(1000))
            return 1;
    pthread_create(&threads[0], NULL, logs, NULL);
    pthread_create(&threads[1], NULL, walks, NULL);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            return 1;
    }
    done = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    puts("fine");
    return 0;
}
