/*
 * A library whose fork handlers acquire a mutex under which it opens files. The handlers call os_malloc, too.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

void *os_malloc(size_t size);
void os_free(void *block);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void allocate(void) {
    void *block = os_malloc(100);
    if (!block || errno == EDEADLK)
        abort();
    os_free(block);
}

static void lock(void) {
    errno = 0;
    pthread_mutex_lock(&mutex);
    allocate();
}

static void unlock(void) {
    errno = 0;
    allocate();
    pthread_mutex_unlock(&mutex);
}

__attribute__((constructor)) static void begin(void) {
    pthread_atfork(lock, unlock, unlock);
}

void log_line(void) {
    pthread_mutex_lock(&mutex);
    FILE *file = fopen("/dev/null", "a");
    if (!file)
        abort();
    fputs("x", file);
    fclose(file);
    pthread_mutex_unlock(&mutex);
}
