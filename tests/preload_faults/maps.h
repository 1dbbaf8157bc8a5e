/* The mappings of the process, read without allocating. */
#include <fcntl.h>

enum { MAPS_ROOM = 8 << 20 };

/* The text of /proc/self/maps, good until the next call. */
static inline char *maps_text(void) {
    static char text[MAPS_ROOM];
    size_t length = 0;
    int file = open("/proc/self/maps", O_RDONLY);
    CHECK(file >= 0);
    for (ssize_t more; (more = read(file, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)more;
    CHECK(length < sizeof text - 1);
    text[length] = 0;
    close(file);
    return text;
}

/* Counts them. */
static inline int maps_count(void) {
    int lines = 0;
    for (const char *at = maps_text(); (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

/* Takes the next mapping off `text`; 0 at the end. */
static inline int maps_next(char **text, uintptr_t *start, uintptr_t *end) {
    if (!**text)
        return 0;
    *start = strtoul(*text, text, 16);
    *end = strtoul(*text + 1, text, 16);
    *text = strchr(*text, '\n') + 1;
    return 1;
}
