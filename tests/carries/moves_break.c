/*
 * Moves the break itself between its allocations, as old programs do: what it took there is nobody else's. Then maps a page
 * right above the break, so that nobody can move it any more, and goes on. Ends with the line of the check that failed.
 */
#define _GNU_SOURCE

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); exit(1); } } while (0)

enum { ROUNDS = 300, KEPT = 3000 };

static unsigned char *kept[KEPT], *own[ROUNDS];
static size_t sizes[KEPT];
static unsigned long number = 1;

static unsigned long next(void)
{
	number = number * 6364136223846793005ul + 1442695040888963407ul;
	return number >> 33;
}

static int holds(const unsigned char *bytes, size_t size, int value)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != value)
			return 0;
	return 1;
}

static void allocate_some(void)
{
	for (int i = 0; i < 100; i++) {
		size_t at = next() % KEPT;
		CHECK(holds(kept[at], sizes[at], (int)(at % 250 + 1)));
		free(kept[at]);
		sizes[at] = next() % 100 == 0 ? next() % 300000 : next() % 3000;
		kept[at] = malloc(sizes[at]);
		CHECK(kept[at] != NULL);
		CHECK((uintptr_t)kept[at] % 16 == 0);
		memset(kept[at], (int)(at % 250 + 1), sizes[at]);
	}
}

int main(void)
{
	size_t taken[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		allocate_some();
		/* Any number of bytes: the break need not lie on any boundary afterwards. */
		taken[round] = next() % 20000 + 1;
		own[round] = sbrk((intptr_t)taken[round]);
		CHECK(own[round] != (void *)-1);
		memset(own[round], 0xee, taken[round]);
		allocate_some();
		/* Gives back what still lies on top. */
		if (round % 3 == 0 && sbrk(0) == own[round] + taken[round]) {
			CHECK(sbrk(-(intptr_t)taken[round]) != (void *)-1);
			taken[round] = 0;
		}
	}
	puts("the break has moved");

	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = ((uintptr_t)sbrk(0) + page - 1) / page * page;
	CHECK(mmap((void *)end, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)end);
	CHECK(sbrk((intptr_t)page * 2) == (void *)-1);
	for (int round = 0; round < ROUNDS; round++)
		allocate_some();
	unsigned char *many[2000];
	for (int i = 0; i < 2000; i++) {
		many[i] = malloc(20000);
		CHECK(many[i] != NULL);
		memset(many[i], i % 250 + 1, 20000);
	}
	puts("the break cannot move");

	for (int i = 0; i < 2000; i++) {
		CHECK(holds(many[i], 20000, i % 250 + 1));
		free(many[i]);
	}
	for (int round = 0; round < ROUNDS; round++)
		CHECK(holds(own[round], taken[round], 0xee));
	for (int at = 0; at < KEPT; at++) {
		CHECK(holds(kept[at], sizes[at], at % 250 + 1));
		free(kept[at]);
	}
	puts("nothing was touched");
	return 0;
}
