/* A program with a probe, which makes its marks itself, whose allocator takes NULL for an answer.
 * The first argument names the scenario. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "marks.h"


static void *map(size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static char *move_break(size_t length)
{
	char *old = sbrk(0);

	return brk(old + length) ? NULL : old;
}

static void grow(void)
{
	for (int i = 0; i < 3; i++) {
		char *start;

		mark("call os_malloc 100");
		start = move_break(4096);
		mark("done 0x%lx", start ? (long)start + 32 : 0);
		mark("call os_malloc 200000");
		start = map(200032);
		mark("done 0x%lx", start != MAP_FAILED ? (long)start + 32 : 0);
	}
}

static void *thread(void *unused)
{
	grow();
	return unused;
}

static void play(const char *scenario)
{
	pthread_t id;

	if (!strcmp(scenario, "alone")) {
		grow();
	} else if (!strcmp(scenario, "own")) {
		/* The program's own calls. */
		map(50000);
		move_break(8192);
		grow();
		map(50000);
	} else if (!strcmp(scenario, "thread")) {
		pthread_create(&id, NULL, thread, NULL);
		pthread_join(id, NULL);
		grow();
	} else if (!strcmp(scenario, "child")) {
		grow();
		if (!fork()) {
			for (int i = 0; i < 100; i++)
				map(4096);
			_exit(0);
		}
		wait(NULL);
	} else if (!strcmp(scenario, "loop")) {
		mark("call os_malloc 10");
		for (;;)
			;
	} else if (!strcmp(scenario, "exec")) {
		grow();
		mark("end exit 0");
		execl("/bin/true", "true", NULL);
	}
}

/* Starts a program as a process of its own, which has made some system calls by then. */
static int start(const char *idle, char **program)
{
	if (!fork()) {
		for (int i = 0; i < 5; i++) {
			map(4096);
			move_break(4096);
		}
		for (int i = 0; i < 100; i++) {
			if (!strcmp(idle, "mmap"))
				map(0);
			if (!strcmp(idle, "brk"))
				syscall(SYS_brk, 0);
		}
		execv(*program, program);
		_exit(127);
	}
	wait(NULL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *scenario = argc > 1 ? argv[1] : "alone";

	if (!strcmp(scenario, "start"))
		return start(argv[2], argv + 3);
	if (!strcmp(scenario, "silent"))
		return 0;
	take_key();
	begin();
	play(scenario);
	mark("end return 0");
	return 0;
}
