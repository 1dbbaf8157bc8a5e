/* The memory that a process really has, read without allocating. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Prints the name of a stage and the exact KiB of anonymous memory, without shared memory. */
static inline void stage(const char *name) {
    static char text[4096];
    int file = open("/proc/self/smaps_rollup", O_RDONLY);
    CHECK(file >= 0);
    ssize_t length = read(file, text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = 0;
    close(file);
    const char *at = strstr(text, "\nAnonymous:");
    CHECK(at);
    dprintf(1, "%s %ld\n", name, strtol(at + strlen("\nAnonymous:"), NULL, 10));
}

/* Makes an array that does not count. */
static inline void *uncounted(size_t bytes) {
    void *array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(array != MAP_FAILED);
    return array;
}

/* Turns huge pages off, whose number depends on addresses. */
static inline void without_huge_pages(void) {
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
}
