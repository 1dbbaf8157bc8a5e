#include "osmem.h"

#include "block_meta.h"

void *os_malloc(size_t size)
{
	/* TODO: find or make a block. */
	(void)size;
	return NULL;
}

void *os_calloc(size_t nmemb, size_t size)
{
	/* TODO: find or make a block, and fill it with zeros. */
	(void)nmemb;
	(void)size;
	return NULL;
}

void *os_realloc(void *ptr, size_t size)
{
	/* TODO: resize the block in its place, or move it. */
	(void)ptr;
	(void)size;
	return NULL;
}

void os_free(void *ptr)
{
	/* TODO: mark the block as free, or give its mapping back. */
	(void)ptr;
}
