/* A plugin that allocates, for itself and for others. */
#include <stdlib.h>
#include <string.h>

void *make(size_t bytes) {
    return malloc(bytes);
}

/* Takes and gives back blocks of its own. */
void use(void) {
    void *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = malloc(i * i * 10 + 1);
        if (!blocks[i])
            abort();
        memset(blocks[i], (int)i, i * i * 10 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        free(realloc(blocks[i], i + 1));
}
