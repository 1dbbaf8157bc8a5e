/* A program that plays sequences, each in a child, and makes the marks of a batch.
 * Arguments: the key, how many sequences, how many operations each; a letter for each of the first sequences says what is odd
 * about it. Sequences begin at 1. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *key;
/* Where a tracer looks for notes; this program makes marks only. */
static uint64_t ring[2 + 4 * 2048] __attribute__((aligned(64)));

static void mark(const char *body, long number)
{
	char text[128];
	int length = snprintf(text, sizeof(text), number < 0 ? "%s %s" : "%s %s %ld", key, body, number);

	write(-1, text, length);
}

static void ready(void)
{
	char body[64];

	snprintf(body, sizeof(body), "ready %p", (void *)ring);
	mark(body, -1);
}

static char *map(size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* The kernel's own brk: the C library's asks twice. */
static char *move(char *to)
{
	return (char *)syscall(SYS_brk, to);
}

static void *thread(void *unused)
{
	madvise(map(777 * 4096), 4096, MADV_DONTNEED);
	return unused;
}

static void play(long sequence, long operations, char odd)
{
	char *now = move(NULL), *mapping;
	pthread_t id;

	if (odd == 'b')
		mark("op", 0);
	mark("sequence", sequence);
	for (long i = 0; i < operations; i++) {
		mark("op", i);
		switch (i % 4) {
		case 0:
			now = move(now + 0x1000);
			break;
		case 1:
			mapping = map(200032);
			break;
		case 2:
			munmap(mapping, 200032);
			break;
		case 3:
			mark("program", -1);
			now = move(now + 16);
			mark("done", -1);
			move(now);
			break;
		}
	}
	switch (odd) {
	case 'k': /* killed */
		*(volatile int *)16 = 0;
	case 'x': /* ended early */
		_exit(7);
	case 't': /* a thread */
		pthread_create(&id, NULL, thread, NULL);
		pthread_join(id, NULL);
		break;
	case 'g': /* a child of the child's, which counts for nothing */
		if (!fork()) {
			map(555 * 4096);
			mark("op", 99);
			_exit(3);
		}
		wait(NULL);
		break;
	case 'f': /* forged: another key, no key, an unknown word, a mark out of place */
		write(-1, "0000000000000000 op 5", 21);
		write(-1, "hello", 5);
		mark("hello", -1);
		mark("done", -1);
		mark("sequence", 9);
		ready();
		break;
	case 'o': /* other calls */
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap((void *)1, 4096);
		move((char *)8);
		mmap(NULL, (size_t)1 << 60, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mapping = mremap(map(4096), 4096, 8192, MREMAP_MAYMOVE);
		write(2, "oh", 2);
		break;
	}
	mark("end", -1);
	if (odd == 'l')
		mark("op", 5);
	_exit(0);
}

int main(int argc, char **argv)
{
	long sequences = atol(argv[2]), operations = atol(argv[3]);
	const char *odd = argc > 4 ? argv[4] : "";

	key = argv[1];
	if (strchr(odd, 'c')) /* as a constructor might */
		move(move(NULL) + 0x3000);
	if (strchr(odd, 'e'))
		execl("/bin/true", "true", NULL);
	ready();
	for (long i = 0; i < sequences; i++) {
		/* Two of one number. */
		long sequence = (size_t)i < strlen(odd) && odd[i] == '2' ? i : i + 1;

		if (!fork())
			play(sequence, operations, (size_t)i < strlen(odd) ? odd[i] : '-');
		/* Several at a time where there is a letter for it. */
		if (!strchr(odd, 'p'))
			wait(NULL);
	}
	while (wait(NULL) > 0)
		;
	mark("over", -1);
	return 5;
}
