/* The four functions of the allocator. README.md says what they promise. */
#ifndef OSMEM_H
#define OSMEM_H

#include <stddef.h>

/* A block of `size` bytes; NULL for 0 bytes, or if there is no memory. */
void *os_malloc(size_t size);

/* A block of `nmemb` elements of `size` bytes, all zero; NULL for 0 bytes, or if there is no memory. */
void *os_calloc(size_t nmemb, size_t size);

/* The block at `ptr`, now `size` bytes long, perhaps in another place; what fits of its contents is kept. */
void *os_realloc(void *ptr, size_t size);

/* Gives the block at `ptr` back. */
void os_free(void *ptr);

#endif
