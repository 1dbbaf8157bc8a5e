/* A checker of a course compares a block that os_realloc moved with its old place, which is free by then (O10). */
#include "check.h"
#include "osmem.h"

#include <string.h>

#define BLOCKS 40

static void moves(size_t size, size_t larger)
{
    char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = os_malloc(size);
        CHECK(blocks[i]);
        memset(blocks[i], i + 1, size);
    }
    for (int i = 0; i < BLOCKS; i++) {
        char *volatile old = blocks[i];
        blocks[i] = os_realloc(blocks[i], larger);
        CHECK(blocks[i]);
        CHECK(blocks[i] == old || memcmp(old, blocks[i], size) == 0);
    }
    for (int i = 0; i < BLOCKS; i++) {
        char *volatile freed = blocks[i];
        char kept[64];
        memcpy(kept, freed, sizeof kept < size ? sizeof kept : size);
        os_free(blocks[i]);
        CHECK(larger >= 128 * 1024 || memcmp(freed, kept, sizeof kept < size ? sizeof kept : size) == 0);
    }
}

int main(void)
{
    moves(8, 100);
    moves(100, 5000);
    moves(1000, 60000);
    moves(1000, 200000);
    return 0;
}
