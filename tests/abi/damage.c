/*
 * damage NUMBER: writes over a header what breaks the invariant NUMBER, and ends with what os_heap_check says of it; with
 * 99 if it says so of a heap that is sound.
 */
#include "osmem.h"

#include "check.h"

int main(int count, char **arguments)
{
	int number = count > 1 ? atoi(arguments[1]) : 0;
	char *blocks[4];

	for (int i = 0; i < 4; i++)
		blocks[i] = (char *)os_malloc(100);
	os_free(blocks[2]);
	if (os_heap_check() != 0)
		return 99;

	/* The header of an owned block: size, status, prev, next. */
	char *header = blocks[1] - 32, intact[32];
	memcpy(intact, header, 32);
	if (number == 2)
		*(size_t *)header += 800;
	else if (number == 3)
		*(size_t *)header += 1;
	else if (number == 4)
		*(int *)(header + 8) = 77;
	else if (number == 6)
		memset(header + 16, 0, 8);
	errno = MARK;
	int found = os_heap_check();
	CHECK_ERRNO(MARK);
	memcpy(header, intact, 32);
	return os_heap_check() == 0 ? found : 99;
}
