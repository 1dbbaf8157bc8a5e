/* How much memory of its own the process has in fact, read without allocating. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Prints a line with the name of a stage and the KiB of anonymous memory: counted page by page, shared memory left out. */
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

/* An array that is not counted. */
static inline void *uncounted(size_t bytes) {
    void *array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(array != MAP_FAILED);
    return array;
}

/* Where the system would put huge pages depends on addresses. */
static inline void without_huge_pages(void) {
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
}
