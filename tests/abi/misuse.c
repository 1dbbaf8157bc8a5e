/*
 * misuse KIND: says on standard output which pointer, and how many bytes the block has that it belongs to (0: none),
 * misuses it, and says "on" if it gets so far. errno and the heap must be as they were.
 */
#define _DEFAULT_SOURCE

#include "osmem.h"

#include "check.h"

#include <unistd.h>

static char own[1000];

static void say(const void *pointer, size_t bytes)
{
	printf("%p %zu\n", pointer, bytes);
	fflush(stdout);
	errno = MARK;
}

int main(int count, char **arguments)
{
	const char *kind = count > 1 ? arguments[1] : "";
	char *before = (char *)os_malloc(200), *block = (char *)os_malloc(200), *after = (char *)os_malloc(200);
	char *mapped = (char *)os_malloc(200000);

	CHECK(before != NULL && block != NULL && after != NULL && mapped != NULL);
	if (strcmp(kind, "none") == 0) {
		os_free(NULL);
		CHECK(os_realloc(NULL, 0) == NULL);
		return 0;
	} else if (strcmp(kind, "double") == 0) {
		os_free(block);
		say(block, 200);
		os_free(block);
	} else if (strcmp(kind, "double-mapped") == 0) {
		os_free(mapped);
		say(mapped, 0);
		os_free(mapped);
	} else if (strcmp(kind, "interior") == 0) {
		memset(block, 0, 200);
		say(block + 64, 200);
		os_free(block + 64);
	} else if (strcmp(kind, "unaligned") == 0) {
		say(block + 1, 200);
		os_free(block + 1);
	} else if (strcmp(kind, "foreign") == 0) {
		say(own + 64, 0);
		os_free(own + 64);
	} else if (strcmp(kind, "resize-freed") == 0) {
		os_free(block);
		say(block, 200);
		CHECK(os_realloc(block, 300) == NULL);
		CHECK_ERRNO(EINVAL);
	} else if (strcmp(kind, "resize-freed-to-nothing") == 0) {
		os_free(block);
		say(block, 200);
		CHECK(os_realloc(block, 0) == NULL);
	} else if (strcmp(kind, "resize-foreign") == 0) {
		say(own + 64, 0);
		CHECK(os_realloc(own + 64, 300) == NULL);
		CHECK_ERRNO(EINVAL);
	} else if (strcmp(kind, "smashed") == 0) { /* what a write behind the end of the block before does */
		char intact[32];
		memcpy(intact, block - 32, 32);
		say(block, 0);
		memset(block - 32, 'A', 32);
		os_free(block);
		memcpy(block - 32, intact, 32);
	} else {
		return 2;
	}
	CHECK_ERRNO(MARK);
	CHECK(os_heap_check() == 0);
	puts("on");
	return 0;
}
