/*
 * Allocates until a limit refuses, for several sizes; must see NULL and ENOMEM with its old blocks intact, then frees some
 * and goes on. limited as|data|none: which limit it sets itself, close above what it has. Ends at the check that failed.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("size %zu, line %d: %s\n", size, __LINE__, #condition); exit(1); } } while (0)

static const size_t ROOM = 64 << 20;
/* Volatile: the compiler warns of sizes that it knows to be too big. */
static volatile size_t big = (size_t)1 << 40, all = SIZE_MAX, half = PTRDIFF_MAX;

struct block {
	struct block *next;
	size_t number;
	unsigned char rest[];
};

/* The pages of the process: all of them (the first number), or its data (the sixth). */
static size_t used(int field)
{
	char text[200];
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fgets(text, sizeof text, file) == NULL)
		exit(2);
	fclose(file);
	char *at = text;
	unsigned long pages = 0;
	for (int i = 0; i < field; i++)
		pages = strtoul(at, &at, 10);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit(const char *name)
{
	int as = strcmp(name, "as") == 0;
	size_t room = used(as ? 1 : 6) + ROOM;
	struct rlimit limit = { room, room };
	if (setrlimit(as ? RLIMIT_AS : RLIMIT_DATA, &limit) != 0)
		exit(2);
}

/* Blocks until there are no more; how many. */
static size_t fill(struct block **list, size_t size)
{
	size_t count = 0;
	for (;;) {
		errno = 0;
		struct block *block = malloc(size);
		if (block == NULL)
			break;
		block->next = *list;
		block->number = count++;
		block->rest[0] = block->rest[size - sizeof *block - 1] = (unsigned char)block->number;
		*list = block;
	}
	CHECK(errno == ENOMEM);
	return count;
}

static void refuses(size_t size)
{
	void *block = &size;
	CHECK((errno = 0, calloc(ROOM, 16)) == NULL && errno == ENOMEM);
	CHECK((errno = 0, calloc(all / 2, 3)) == NULL && errno == ENOMEM);
	CHECK((errno = 0, malloc(half)) == NULL && errno == ENOMEM);
	CHECK((errno = 0, aligned_alloc(4096, big)) == NULL && errno == ENOMEM);
	CHECK(posix_memalign(&block, 64, big) == ENOMEM && block == &size);
}

static void intact(struct block *list, size_t size, size_t count)
{
	for (; list != NULL; list = list->next) {
		CHECK(list->number == --count);
		CHECK(list->rest[0] == (unsigned char)list->number);
		CHECK(list->rest[size - sizeof *list - 1] == (unsigned char)list->number);
	}
	CHECK(count == 0);
}

/* Frees every other block; how many. */
static size_t thin(struct block *list)
{
	size_t freed = 0;
	for (; list != NULL && list->next != NULL; list = list->next, freed++) {
		struct block *gone = list->next;
		list->next = gone->next;
		free(gone);
	}
	return freed;
}

static void drop(struct block *list)
{
	while (list != NULL) {
		struct block *next = list->next;
		free(list);
		list = next;
	}
}

static void exhaust(size_t size)
{
	struct block *list = NULL, *again = NULL;
	size_t count = fill(&list, size);

	/* Nothing of the sizes before is lost for good. */
	CHECK(count * size > ROOM / 3);
	refuses(size);
	CHECK((errno = 0, realloc(list, big)) == NULL && errno == ENOMEM);
	intact(list, size, count);

	size_t freed = thin(list);
	CHECK(freed == count / 2);
	/* All but a few: an allocator may keep some for another use, as glibc keeps some from calloc. */
	for (size_t i = 0; i < freed - freed / 10; i++) {
		struct block *block = calloc(1, size);
		CHECK(block != NULL && block->number == 0 && block->rest[size - sizeof *block - 1] == 0);
		block->next = again;
		again = block;
	}
	refuses(size);
	drop(again);
	drop(list);
	printf("size %zu: refused, and went on\n", size);
}

int main(int count, char **arguments)
{
	static char buffer[1 << 16];
	static const size_t sizes[] = { 40, 1000, 30000, 150000, 3000000, 500, 10000 };

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	if (count != 2)
		return 2;
	if (strcmp(arguments[1], "none") != 0)
		limit(arguments[1]);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		exhaust(sizes[i]);
	return 0;
}
