/* Uses every function of osmem.h, as C and as C++. Ends with 0 if all of them do what the header says. */
#include "osmem.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static int fail(int line)
{
	return line % 100 == 0 ? 1 : line % 100;
}

#define REQUIRE(condition) do { if (!(condition)) return fail(__LINE__); } while (0)

static int count_owned(const struct os_block *block, void *owned)
{
	*(size_t *)owned += block->status != OS_BLOCK_FREE;
	return 0;
}

int main(void)
{
	char *block = (char *)os_malloc(100);
	REQUIRE(block != NULL && (uintptr_t)block % 8 == 0);
	memset(block, 'x', 100);

	block = (char *)os_realloc(block, 200000);
	REQUIRE(block != NULL && block[0] == 'x' && block[99] == 'x');

	int *numbers = (int *)os_calloc(50, sizeof *numbers);
	REQUIRE(numbers != NULL);
	for (int i = 0; i < 50; i++)
		REQUIRE(numbers[i] == 0);

	void *aligned = os_aligned_alloc(4096, 10);
	REQUIRE(aligned != NULL && (uintptr_t)aligned % 4096 == 0 && os_malloc_usable_size(aligned) == 16);
	size_t owned = 0;
	REQUIRE(os_heap_walk(count_owned, &owned) == 0 && owned == 3);
	struct os_stats stats = os_stats();
	REQUIRE(stats.used_blocks == 2 && stats.mapped_blocks == 1 && os_heap_check() == 0);
	os_free(aligned);

	errno = 0;
	os_free(block);
	os_free(numbers);
	os_free(numbers);
	os_free(NULL);
	REQUIRE(errno == 0);
	REQUIRE(os_malloc(0) == NULL && errno == 0);
	REQUIRE(os_malloc(SIZE_MAX) == NULL && errno == ENOMEM);
	REQUIRE(os_realloc(numbers, 10) == NULL && errno == EINVAL);
	return 0;
}
