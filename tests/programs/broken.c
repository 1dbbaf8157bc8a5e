/* A small library behind the four functions that hands out memory of its own, one block behind the other, and never uses any
 * again. It knows no contract; it keeps contents, unless FAULT asks for a mistake. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
	NONE, NO_ZERO, ALMOST_ZERO, OVERLAP, MISALIGNED, NO_COPY, SHORT_COPY, SCRIBBLE_ON_FREE, SCRIBBLE_ON_REALLOC,
	GIVES_NULL, NOTHING_IS_SOMETHING, ZERO_IS_RESIZED, FORGETS_ERRNO, CHANGES_ERRNO
};

static char arena[64 << 20] __attribute__((aligned(16)));
static size_t used;
static char *latest;

static char *take(size_t size)
{
	char *block = arena + used;
	size_t length = 8 + (size + 7) / 8 * 8;

	if (FAULT != FORGETS_ERRNO)
		errno = size > sizeof arena || FAULT == CHANGES_ERRNO ? ENOMEM : errno;
	if (FAULT == GIVES_NULL || size > sizeof arena || used + length > sizeof arena)
		return NULL;
	*(size_t *)block = size;
	used += FAULT == OVERLAP && length > 16 ? length - 16 : length;
	latest = block + 8 + (FAULT == MISALIGNED ? 4 : 0);
	/* As if it had been in use before. */
	memset(latest, 0xa5, size);
	return latest;
}

void *os_malloc(size_t size)
{
	return size || FAULT == NOTHING_IS_SOMETHING ? take(size) : NULL;
}

void *os_calloc(size_t nmemb, size_t size)
{
	char *block = os_malloc(nmemb * size);

	if (block && FAULT != NO_ZERO)
		memset(block, 0, nmemb * size - (FAULT == ALMOST_ZERO));
	return block;
}

void *os_realloc(void *pointer, size_t size)
{
	if (!pointer)
		return os_malloc(size);
	if (!size && FAULT != ZERO_IS_RESIZED)
		return NULL;

	size_t old = *(size_t *)((char *)pointer - 8);
	char *before = latest, *block = take(size);

	if (FAULT == SCRIBBLE_ON_REALLOC && before != pointer)
		before[0]++;
	if (block && FAULT != NO_COPY)
		memcpy(block, pointer, (old < size ? old : size) - (FAULT == SHORT_COPY));
	return block;
}

void os_free(void *pointer)
{
	if (FAULT == SCRIBBLE_ON_FREE && latest && pointer != latest)
		latest[3]++;
}
