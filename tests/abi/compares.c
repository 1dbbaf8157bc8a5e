/*
 * What checkers of courses do: after os_realloc has moved a block they compare it with its old place, which is free. Nothing in
 * C allows that; a freed payload stays as it was all the same, until the next search.
 */
#include "osmem.h"

#include "check.h"

enum { BLOCKS = 24 };

static const size_t sizes[] = { 8, 24, 100, 1000, 5000 };

/* Byte `at` of block number `number`. */
static unsigned char byte(size_t number, size_t at)
{
	return (unsigned char)(number * 31 + at * 7 + 1);
}

static int holds(const unsigned char *place, size_t size, size_t number)
{
	for (size_t at = 0; at < size; at++)
		if (place[at] != byte(number, at))
			return 0;
	return 1;
}

/* Blocks of `size` bytes, all of which move. */
static void move_all(size_t size, size_t larger)
{
	unsigned char *blocks[BLOCKS], *guards[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = (unsigned char *)os_malloc(size);
		guards[i] = (unsigned char *)os_malloc(8);
		CHECK(blocks[i] != NULL && guards[i] != NULL);
		for (size_t at = 0; at < size; at++)
			blocks[i][at] = byte(i, at);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		unsigned char *old = blocks[i];
		/* Through volatile, or the compiler may take for granted that the old block is gone. */
		const unsigned char *volatile place = old;
		blocks[i] = (unsigned char *)os_realloc(old, larger);
		CHECK(blocks[i] != NULL && blocks[i] != place);
		CHECK(holds(blocks[i], size, i));
		CHECK(memcmp((const void *)blocks[i], (const void *)place, size) == 0);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		os_free(blocks[i]);
		os_free(guards[i]);
	}
}

/* All blocks are freed, one after the other, and looked at when the last one is. */
static void free_all(size_t size)
{
	unsigned char *blocks[BLOCKS];
	unsigned char *volatile places[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = (unsigned char *)os_malloc(size);
		CHECK(blocks[i] != NULL);
		for (size_t at = 0; at < size; at++)
			blocks[i][at] = byte(i, at);
		places[i] = blocks[i];
	}
	for (size_t i = 0; i < BLOCKS; i++)
		os_free(blocks[i]);
	for (size_t i = 0; i < BLOCKS; i++)
		CHECK(holds(places[i], size, i));
}

int main(void)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		move_all(sizes[i], 2 * sizes[i] + 64);
		move_all(sizes[i], 200000);
		free_all(sizes[i]);
	}
	return 0;
}
