/* What a traced program with a probe does, played by one program: it makes the marks itself.
 * The first argument names the scenario. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "marks.h"

static const char zeros[1 << 14];

static void *move_break(size_t length)
{
	void *old = sbrk(0);

	return brk((char *)old + length) ? NULL : old;
}

static void *map(size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static char *mapped(size_t size)
{
	char *start;

	mark("call os_malloc %zu", size);
	start = map(size + 32);
	mark("done %p", (void *)(start + 32));
	return start + 32;
}

static void unmapped(char *payload, size_t size)
{
	mark("call os_free %p", (void *)payload);
	munmap(payload - 32, size + 32);
	mark("done");
}

static void *thread(void *unused)
{
	char *payload = mapped(300000);

	mark("call os_free %p", (void *)payload);
	usleep(1000);
	munmap(payload - 32, 300032);
	mark("done");
	return unused;
}

static void at_signal(int number)
{
	(void)number;
}

static void at_exit(void)
{
	mark("call os_free 0x0");
	mark("done");
}

static void *die_of_exec(void *unused)
{
	execl("/bin/true", "true", NULL);
	return unused;
}

/* Each system call that is recorded, with arguments of all kinds. */
static void every_call(void)
{
	static const int protections[] = { 0, 1, 2, 4, 7, 8, 0x1000000, 0x2000000, 0x40, 0x47 };
	static const int flags[] = { 0x22, 0x21, 0x02, 0x32, 0x23, 0x20, 0x24, 0x62, 0x122, 0x822, 0x1022, 0x2022, 0x4022, 0x8022,
		0x10022, 0x20022, 0x40022, 0x80022, 0x80023, 0x100022, 0x200022, 0x54040022, 0x04040022, 0x13f922 };
	char *here = map(1 << 16), odd[256];
	struct iovec { void *base; size_t length; } list = { "ab", 2 };
	unsigned i;

	mark("call os_malloc 1");
	for (i = 0; i < sizeof(protections) / sizeof(*protections); i++)
		syscall(SYS_mprotect, here, 4096, protections[i]);
	mprotect(here, 4096, 3);
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		munmap((void *)syscall(SYS_mmap, here + 8192, 4096, 3, flags[i] & ~0x10, -1, 0), 4096);
	syscall(SYS_mmap, NULL, 4096, 3, 2, 77, 8192);
	syscall(SYS_mmap, 1, 4096, 3, 0x32, -1, 0);
	for (i = 0; i < 110; i++)
		syscall(SYS_madvise, here, i == 100 || i == 101 ? 0 : 4096, i);
	for (i = 0; i < 16; i++)
		syscall(SYS_msync, here, 4096, i);
	for (i = 0; i < 4; i++) {
		syscall(SYS_mlock2, here, 4096, i);
		syscall(SYS_mremap, here, 0, 4096, i << 3, here);
		syscall(SYS_shmat, -1, here, 010000 << i);
	}
	syscall(SYS_mremap, here, 4096, 8192, 2, here);
	syscall(SYS_mremap, here, 4096, 8192, 3, here);
	syscall(SYS_mremap, here, 4096, 4096, 5, 0);
	syscall(SYS_mremap, here, 4096, 1 << 20, 0, 0);
	mlock(here, 4096);
	munlock(here, 4096);
	for (i = 8; i < 18; i++)
		syscall(SYS_mlockall, i);
	munlockall();
	syscall(SYS_mincore, here, 4096, odd);
	syscall(SYS_remap_file_pages, here, 4096, 0, 0, 0);
	syscall(SYS_remap_file_pages, here, 4096, 1, 2, 0x10000);
	syscall(SYS_pkey_mprotect, here, 4096, 3, -1);
	syscall(SYS_pkey_mprotect, here, 4096, 3, 5);
	syscall(SYS_shmdt, here);
	for (i = 0; i < 256; i++)
		odd[i] = i * 7;
	for (i = 0; i < 256; i += 32)
		write(2, odd + i, 32);
	write(2, "\0001\1x\33[0m\377", 11);
	write(2, odd, 160);
	write(2, odd, 161);
	write(77, "x", 1);
	write(2, NULL, 1);
	write(2, (void *)8, 3);
	write(2, "", 0);
	writev(2, (void *)&list, 1);
	kill(getpid(), 0);
	kill(0x7ffffff0, 9);
	kill(getpid(), 77);
	syscall(SYS_tkill, gettid(), 0);
	syscall(SYS_tgkill, getpid(), gettid(), 0);
	signal(34, at_signal);
	signal(64, at_signal);
	raise(34);
	raise(64);
	raise(SIGURG);
	sbrk(0);
	wait(NULL);
	waitpid(getpid(), NULL, 0);
	execl("/nonexistent", "x", NULL);
	syscall(SYS_clone3, NULL, 0);
	syscall(SYS_clone, 0x10000, 0, 0, 0, 0);
	mark("done 0x0");
}

static void play(const char *scenario)
{
	char *heap, *mapping;
	int status;

#define IS(name) (!strcmp(scenario, name))
	if (IS("plain")) {
		move_break(4096); /* the program's own */
		mark("call os_malloc 1000");
		heap = move_break(0x20000);
		mark("done %p", (void *)(heap + 32));
		map(50000); /* the program's own */
		move_break(8192);
		mapping = mapped(200000);
		mark("call os_realloc %p 300000", (void *)mapping);
		mapping = mremap(mapping - 32, 200032, 300032, MREMAP_MAYMOVE);
		mark("done %p", (void *)(mapping + 32));
		mark("call os_free %p", (void *)(mapping + 32));
		madvise(mapping, 4096, MADV_DONTNEED);
		munmap(mapping, 300032);
		mark("done");
		mark("call os_free %p", (void *)(mapping + 40));
		mark("done");
		mark("call os_calloc 3 5");
		write(2, "a \"b\" = ) \n", 11);
		mark("done 0x0");
		mark("call os_malloc 1152921504606846976");
		map(1UL << 60);
		mark("done 0x0");
	} else if (IS("refused")) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_DATA, &none);
		mark("call os_malloc 10");
		move_break(0x20000);
		mark("done 0x0");
	} else if (IS("crash")) {
		mark("call os_free 0x10");
		*(volatile int *)16 = 0;
	} else if (IS("abort")) {
		mark("call os_free 0x10");
		abort();
	} else if (IS("exit in a call")) {
		mark("call os_malloc 10");
		_exit(0);
	} else if (IS("loop")) {
		mark("call os_malloc 10");
		for (;;)
			;
	} else if (IS("sleep")) {
		for (;;)
			pause();
	} else if (IS("stop")) {
		raise(SIGSTOP);
	} else if (IS("daemon")) {
		if (!fork()) {
			setsid();
			if (!fork())
				for (;;)
					pause();
			_exit(0);
		}
		wait(NULL);
	} else if (IS("flood")) {
		for (;;)
			write(1, zeros, sizeof(zeros));
	} else if (IS("log flood")) {
		for (;;)
			write(-1, zeros, 150);
	} else if (IS("closed")) {
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
		unmapped(mapped(200000), 200000);
	} else if (IS("kill strace")) {
		kill(getppid(), SIGKILL);
		sleep(60);
	} else if (IS("other key")) {
		write(-1, "0123456789abcdef call os_malloc 10", 34);
	} else if (IS("other instruction")) {
		char text[64];

		write(-1, text, sprintf(text, "%s call os_malloc 10", key));
	} else if (IS("nonsense")) {
		mark("hello");
	} else if (IS("disorder")) {
		mark("done 0x0");
	} else if (IS("exec")) {
		mapped(200000);
		mark("end exit 0");
		execl("/bin/true", "true", NULL);
	} else if (IS("exec in a thread")) {
		pthread_t id;

		mapped(200000);
		mark("end exit 0");
		pthread_create(&id, NULL, die_of_exec, NULL);
		pthread_join(id, NULL);
	} else if (IS("threads")) {
		pthread_t ids[4];

		for (int i = 0; i < 4; i++)
			pthread_create(&ids[i], NULL, thread, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(ids[i], NULL);
	} else if (IS("fork")) {
		if (!fork()) {
			mapped(400000);
			mark("nonsense of another process");
			_exit(9);
		}
		wait(&status);
		mapped(200000);
	} else if (IS("every call")) {
		every_call();
	} else if (IS("missing")) {
		mark("missing os_calloc");
		_exit(127);
	} else if (IS("at exit")) {
		atexit(at_exit);
	} else if (IS("other status")) {
		mark("end return 0");
		_exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *scenario = argc > 1 ? argv[1] : "plain";

	take_key();
	if (!strcmp(scenario, "silent"))
		return 5;
	if (!strcmp(scenario, "placement")) {
		cpu_set_t cpus;

		sched_getaffinity(0, sizeof(cpus), &cpus);
		printf("%d cpus, personality %x\n", CPU_COUNT(&cpus), personality(0xffffffff));
		return 0;
	}
	if (!strcmp(scenario, "environment")) {
		for (char **variable = environ; *variable; variable++)
			puts(*variable);
		return 0;
	}
	if (strcmp(scenario, "version"))
		begin();
	else
		mark("begin 99");
	play(scenario);
	mark("end return %d", 256 + 3);
	return 256 + 3;
}
