/* A small library that gives memory of its own, one block behind the other, and never uses any again. Some sizes make
 * os_malloc do what no library may do. */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CRASH = 1001, HANG, STOP, LEAVE, LEAVE_MANY, EXIT, SCRIBBLE_ON_BREAK, SPOIL_FILE, HUGE, ON_STACK, ON_BREAK, UNMAP, SAME };

static char arena[64 << 20] __attribute__((aligned(4096)));
static size_t used;
static void *latest, *passed;

static void *take(size_t size)
{
	char *block = arena + used;

	if (size > sizeof arena || used + size + 32 > sizeof arena)
		return NULL;
	*(size_t *)block = size;
	used += 16 + (size + 15) / 16 * 16;
	latest = block + 16;
	return latest;
}

static void leave(void)
{
	if (fork() == 0) {
		setsid();
		for (;;)
			pause();
	}
}

/* Writes over every shared mapping, that is over the replayer's file. */
static void spoil(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], flags[8];
	unsigned long start, end;

	while (maps && fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, flags) == 3 && !strcmp(flags, "rw-s"))
			memset((void *)start, 0xff, end - start);
}

void *os_malloc(size_t size)
{
	switch (size) {
	case 0: return NULL;
	case CRASH: abort();
	case HANG: for (;;) pause();
	case STOP: raise(SIGSTOP); break;
	case LEAVE: leave(); break;
	case LEAVE_MANY: for (int i = 0; i < 20; i++) if (fork() == 0) { leave(); leave(); for (;;) pause(); } break;
	case EXIT: exit(0);
	case SCRIBBLE_ON_BREAK: ((char *)sbrk(0))[-1] ^= 1; break;
	case SPOIL_FILE: spoil(); break;
	case ON_STACK: return passed;
	case ON_BREAK: return (char *)sbrk(0) - 8;
	case UNMAP: mprotect((void *)((size_t)latest & ~4095ul), 4096, PROT_NONE); return NULL;
	case SAME: return latest;
	}
	return size > 1ul << 62 ? arena : take(size);
}

void *os_calloc(size_t nmemb, size_t size)
{
	void *block = take(nmemb * size);

	return block ? memset(block, 0, nmemb * size) : NULL;
}

void *os_realloc(void *pointer, size_t size)
{
	passed = pointer;
	if (!pointer)
		return os_malloc(size);
	if ((char *)pointer < arena || (char *)pointer >= arena + sizeof arena)
		return size == ON_STACK ? pointer : NULL;
	if (!size)
		return NULL;

	size_t old = *(size_t *)((char *)pointer - 16);
	void *block = take(size);

	return block ? memcpy(block, pointer, old < size ? old : size) : NULL;
}

void os_free(void *pointer)
{
	(void)pointer;
}
