/* os_aligned_alloc and os_malloc_usable_size at their edges. */
#include "osmem.h"

#include "check.h"

static const size_t SIZES[] = { 1, 7, 8, 9, 24, 100, 4064, 4096, 100000, 131040, 131041, 200000, 3000000 };
enum { COUNT = sizeof SIZES / sizeof *SIZES, ROUNDS = 3 };

static int filled(const unsigned char *block, size_t bytes, int with)
{
	for (size_t i = 0; i < bytes; i++)
		if (block[i] != with)
			return 0;
	return 1;
}

static void *aligned(size_t alignment, size_t size, int with)
{
	void *block = os_aligned_alloc(alignment, size);
	CHECK_ERRNO(MARK);
	CHECK(block != NULL && (uintptr_t)block % alignment == 0 && (uintptr_t)block % 8 == 0);
	CHECK(os_malloc_usable_size(block) >= size && os_malloc_usable_size(block) % 8 == 0);
	CHECK(os_heap_check() == 0);
	return memset(block, with, size);
}

/* Blocks of every size at one alignment, on a heap with gaps; each grows and shrinks, and none touches another. */
static void every_size(size_t alignment, size_t shift)
{
	unsigned char *blocks[COUNT];
	void *between[COUNT];

	for (int i = 0; i < COUNT; i++) {
		between[i] = os_malloc(8 + (shift + (size_t)i) * 8);
		blocks[i] = (unsigned char *)aligned(alignment, SIZES[i], i + 1);
	}
	for (int i = 0; i < COUNT; i++)
		os_free(between[i]);
	for (int i = 0; i < COUNT; i++) {
		CHECK(filled(blocks[i], SIZES[i], i + 1));
		blocks[i] = (unsigned char *)os_realloc(blocks[i], SIZES[i] + 5000);
		CHECK(blocks[i] != NULL && filled(blocks[i], SIZES[i], i + 1));
		blocks[i] = (unsigned char *)os_realloc(blocks[i], 1);
		CHECK(blocks[i] != NULL && blocks[i][0] == i + 1);
	}
	CHECK(os_heap_check() == 0);
	for (int i = 0; i < COUNT; i++)
		os_free(blocks[i]);
	CHECK_ERRNO(MARK);
	CHECK(os_heap_check() == 0 && os_stats().used_blocks == 0 && os_stats().mapped_blocks == 0);
}

/* The arguments are read from here, or the compiler would object to what is wrong on purpose. */
static volatile size_t none = 0, half = (size_t)1 << 63, most = PTRDIFF_MAX, all = SIZE_MAX;

static void refused(size_t alignment, size_t size, int with)
{
	CHECK(os_aligned_alloc(alignment, size) == NULL);
	CHECK_ERRNO(with);
}

int main(void)
{
	errno = MARK;
	refused(64, none, MARK);
	refused(half, none, MARK);
	CHECK(os_stats().heap_bytes == 0); /* nothing was asked of the system */
	for (size_t alignment = 1; alignment <= (size_t)4 << 20; alignment *= 2)
		for (size_t shift = 0; shift < ROUNDS; shift++)
			every_size(alignment, shift);

	refused(none, 8, EINVAL);
	refused(none, none, EINVAL);
	refused(3, 8, EINVAL);
	refused(24, 8, EINVAL);
	refused(all, 8, EINVAL);
	refused(half, 8, ENOMEM);
	refused(half, most, ENOMEM);
	refused(half, all, ENOMEM);
	refused(half / 2, 8, ENOMEM); /* PTRDIFF_MAX is not exceeded: the system refuses */
	for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
		refused(alignment, most, ENOMEM);
		refused(alignment, most + 1, ENOMEM);
		refused(alignment, most - alignment, ENOMEM);
		refused(alignment, all, ENOMEM);
		refused(alignment, all - alignment, ENOMEM);
	}
	CHECK(os_heap_check() == 0);

	char *block = (char *)os_malloc(100), *mapped = (char *)os_malloc(200001);
	CHECK(os_malloc_usable_size(block) == 104 && os_malloc_usable_size(mapped) == 200008);
	CHECK(os_malloc_usable_size(NULL) == 0 && os_malloc_usable_size(&block) == 0);
	CHECK(os_malloc_usable_size(block + 8) == 0 && os_malloc_usable_size(block + 1) == 0);
	CHECK(os_malloc_usable_size(mapped + 8) == 0 && os_malloc_usable_size((void *)16) == 0);
	os_free(block);
	os_free(mapped);
	CHECK(os_malloc_usable_size(block) == 0 && os_malloc_usable_size(mapped) == 0);
	CHECK_ERRNO(MARK);
	return 0;
}
