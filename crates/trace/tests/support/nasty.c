/* Programs that make it hard for a tracer. Each announces its calls as a probe does: by notes where they are read, by marks otherwise.
 * The first argument names the scenario. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "marks.h"

/* The key as a number. */
static uint64_t bits;

static uint64_t mix(uint64_t sum, uint64_t word)
{
	uint64_t product = (sum ^ word) * 0x9e3779b97f4a7c15;

	return product ^ product >> 29;
}

static void note(uint64_t kind, uint64_t first, uint64_t second)
{
	uint64_t count = ring[1], words[5] = { count, kind, first, second, bits << 32 | bits >> 32 }, check = bits;
	volatile uint64_t *place = ring + 2 + 4 * (count % CAPACITY);

	for (int i = 0; i < 5; i++)
		check = mix(check, words[i]);
	place[0] = kind;
	place[1] = first;
	place[2] = second;
	place[3] = check;
	ring[1] = count + 1;
	if (ring[1] % CAPACITY == 0)
		mark("full");
}

static void call_malloc(uint64_t size)
{
	ring[0] ? note(1, size, 0) : mark("call os_malloc %lu", (unsigned long)size);
}

static void call_free(void *pointer)
{
	ring[0] ? note(4, (uint64_t)pointer, 0) : mark("call os_free 0x%lx", (unsigned long)pointer);
}

static void returned(void *pointer)
{
	ring[0] ? note(5, (uint64_t)pointer, 0) : mark("done 0x%lx", (unsigned long)pointer);
}

static void done(void)
{
	ring[0] ? note(6, 0, 0) : mark("done");
}

static char *map(size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static char *mapped(size_t size)
{
	call_malloc(size);
	char *start = map(size + 32);
	returned(start + 32);
	return start + 32;
}

static void unmapped(char *payload, size_t size)
{
	call_free(payload);
	munmap(payload - 32, size + 32);
	done();
}

static void nothing(void)
{
	call_free(NULL);
	done();
}

static int in_thread(void *unused)
{
	unmapped(mapped(300000), 300000);
	return unused != NULL;
}

static void *thread(void *unused)
{
	in_thread(unused);
	return unused;
}

static void in_a_thread(void)
{
	pthread_t id;

	pthread_create(&id, NULL, thread, NULL);
	pthread_join(id, NULL);
}

/* Asks for memory, or makes processes, until its process ends. */
static void *busy(void *forks)
{
	for (;;) {
		munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
		if (forks && !fork())
			_exit(0);
	}
	return NULL;
}

static void *becomes_true(void *unused)
{
	usleep(2000);
	execl("/bin/true", "true", NULL);
	return unused;
}

static void crowd(void)
{
	pthread_t id;

	for (long i = 0; i < 6; i++)
		pthread_create(&id, NULL, busy, (void *)(i % 2));
}

static void at_signal(int number)
{
	(void)number;
}

/* A filter of the program's own: what it answers to this system call. */
static void filter(int number, uint32_t answer)
{
	struct sock_filter list[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number },
		{ BPF_RET | BPF_K, 0, 0, answer },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog program = { 4, list };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Not through the C library. */
static long raw_call(long number, long first, long second, long third)
{
#ifdef __x86_64__
	__asm__ volatile("syscall" : "+a"(number) : "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
	return number;
#else
	register long call __asm__("x8") = number, result __asm__("x0") = first, other __asm__("x1") = second, last __asm__("x2") = third;

	__asm__ volatile("svc #0" : "+r"(result) : "r"(call), "r"(other), "r"(last) : "memory");
	return result;
#endif
}

static void play(const char *scenario)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	pid_t child;
	sigset_t all;
	char *block;

#define IS(name) (!strcmp(scenario, name))
	if (IS("many calls")) {
		for (int i = 0; i < 5000; i++)
			nothing();
		unmapped(mapped(200000), 200000);
		for (int i = 0; i < 1021; i++)
			nothing();
		unmapped(mapped(200000), 200000);
	} else if (IS("endless calls")) {
		for (;;)
			nothing();
	} else if (IS("death by signal")) {
		nothing();
		call_malloc(7);
		kill(getpid(), SIGKILL);
	} else if (IS("death by a child")) {
		nothing();
		if (!fork()) {
			usleep(20000);
			kill(getppid(), SIGKILL);
			_exit(0);
		}
		call_malloc(7);
		for (;;)
			;
	} else if (IS("death between two marks")) {
		nothing();
		*(volatile int *)0 = 0;
	} else if (IS("killed while it forks")) {
		signal(SIGCHLD, SIG_IGN);
		nothing();
		if (!fork()) {
			usleep(2000);
			kill(getppid(), SIGKILL);
			_exit(0);
		}
		for (;;)
			if (!fork())
				_exit(0);
	} else if (IS("loop in a call")) {
		nothing();
		call_malloc(7);
		for (;;)
			;
	} else if (IS("all signals blocked")) {
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		call_malloc(7);
		for (;;)
			;
	} else if (IS("fork")) {
		block = mapped(200000);
		if (!fork()) {
			for (int i = 0; i < 3000; i++)
				unmapped(mapped(300000), 300000);
			_exit(0);
		}
		wait(NULL);
		unmapped(block, 200000);
		nothing();
	} else if (IS("fork in a call")) {
		call_malloc(200000);
		if (!fork()) {
			returned(map(4096));
			nothing();
			_exit(0);
		}
		wait(NULL);
		returned(map(200000));
		nothing();
	} else if (IS("vfork")) {
		block = mapped(200000);
		if (!vfork()) {
			unmapped(mapped(300000), 300000);
			nothing();
			_exit(0);
		}
		/* Its end is told by a signal, which would come into any call. */
		wait(NULL);
		nothing();
		unmapped(block, 200000);
	} else if (IS("shared memory")) {
		block = mapped(200000);
		child = clone(in_thread, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
		waitpid(child, NULL, 0);
		nothing();
		unmapped(block, 200000);
	} else if (IS("thread")) {
		block = mapped(200000);
		in_a_thread();
		nothing();
		unmapped(block, 200000);
	} else if (IS("thread in a call")) {
		call_malloc(200000);
		in_a_thread();
		block = map(200032);
		returned(block + 32);
		in_a_thread();
		nothing();
	} else if (IS("exec in a call")) {
		call_malloc(7);
		execl("/nonexistent", "x", NULL);
		returned(NULL);
		call_malloc(8);
		execl("/bin/true", "true", NULL);
	} else if (IS("exec in a crowd")) {
		pthread_t id;
		signal(SIGCHLD, SIG_IGN);
		nothing();
		crowd();
		pthread_create(&id, NULL, becomes_true, NULL);
		busy(NULL);
	} else if (IS("end in a crowd")) {
		signal(SIGCHLD, SIG_IGN);
		nothing();
		crowd();
		usleep(2000);
		_exit(5);
	} else if (IS("spawn")) {
		call_malloc(8);
		if (system("exit 3") >> 8 == 3)
			returned(NULL);
		nothing();
	} else if (IS("traces itself")) {
		call_malloc(errno);
		long answer = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		returned((void *)-answer);
		nothing();
	} else if (IS("traced by a child")) {
		if (!(child = fork()))
			_exit(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) ? 3 : 4);
		int status;
		waitpid(child, &status, 0);
		call_malloc(status >> 8);
		returned(NULL);
	} else if (IS("own filter")) {
		filter(SYS_mmap, SECCOMP_RET_ERRNO | ENOMEM);
		call_malloc(200000);
		returned(map(200032) == MAP_FAILED ? NULL : stack);
		nothing();
	} else if (IS("own filter that tells a tracer")) {
		/* Numbers of its own; nobody here knows them. */
		filter(SYS_getppid, SECCOMP_RET_TRACE | 7);
		call_malloc(getppid() == -1);
		returned(NULL);
		unmapped(mapped(200000), 200000);
	} else if (IS("own filter that kills")) {
		filter(SYS_munmap, SECCOMP_RET_KILL_PROCESS);
		unmapped(mapped(200000), 200000);
	} else if (IS("unreadable")) {
		prctl(PR_SET_DUMPABLE, 0);
		unmapped(mapped(200000), 200000);
	} else if (IS("stopped and continued")) {
		if (!(child = fork())) {
			usleep(20000);
			kill(getppid(), SIGCONT);
			_exit(0);
		}
		raise(SIGSTOP);
		waitpid(child, NULL, 0);
		unmapped(mapped(200000), 200000);
	} else if (IS("handler")) {
		signal(SIGUSR1, at_signal);
		call_malloc(7);
		raise(SIGUSR1);
		returned(NULL);
	} else if (IS("wild write")) {
		nothing();
		memset((void *)(ring + 2), 0x5a, 4096);
		nothing();
	} else if (IS("wild count")) {
		nothing();
		ring[1] = 1 << 20;
		unmapped(mapped(200000), 200000);
	} else if (IS("ring gone")) {
		nothing();
		munmap((void *)ring, sizeof(ring));
		map(200000);
	} else if (IS("takes memory")) {
		for (;;)
			memset(map(1 << 20), 1, 1 << 20);
	} else if (IS("malloc in a call")) {
		call_malloc(7);
		block = malloc(1 << 20);
		*(volatile char *)block = 1;
		free(block);
		map(4096);
		/* A system call of the program's own code. */
		raw_call(SYS_madvise, (long)ring, 0, 0);
		returned(NULL);
	} else if (IS("stream in a call")) {
		call_malloc(7);
		printf("a line\n");
		fclose(fopen("/dev/null", "r"));
		returned(NULL);
	} else if (IS("untraced")) {
		call_malloc(7);
		child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
		if (!child)
			_exit(0);
		returned(NULL);
	} else if (IS("untraced by clone3")) {
		struct { uint64_t flags, pidfd, child, parent, exit; uint64_t rest[6]; } arguments = { CLONE_UNTRACED, 0, 0, 0, SIGCHLD };

		child = syscall(SYS_clone3, &arguments, sizeof(arguments));
		if (!child)
			_exit(0);
		nothing();
	} else if (IS("kill")) {
		kill(getppid(), SIGURG);
		nothing();
	} else if (IS("kill all")) {
		if (!fork()) {
			kill(-1, SIGURG);
			_exit(0);
		}
		wait(NULL);
		nothing();
	} else if (IS("kill a thread")) {
		syscall(SYS_tgkill, getppid(), getppid(), SIGURG);
		nothing();
	} else if (IS("pidfd")) {
		int fd = syscall(SYS_pidfd_open, getppid(), 0);
		syscall(SYS_pidfd_send_signal, fd, SIGURG, NULL, 0);
		nothing();
	} else if (IS("attach")) {
		pid_t child_of = getppid();

		if (!(child = fork()))
			_exit(ptrace(PTRACE_SEIZE, child_of, NULL, NULL) != 0);
		wait(NULL);
		nothing();
	} else if (IS("asks for the tracer")) {
		kill(getppid(), 0);
		nothing();
#ifdef __x86_64__
	} else if (IS("32-bit call")) {
		long answer;

		call_malloc(7);
		/* getpid of another architecture */
		__asm__ volatile("int $0x80" : "=a"(answer) : "a"(20) : "memory");
		returned(NULL);
	} else if (IS("x32 call")) {
		call_malloc(7);
		syscall(0x40000000 | SYS_getpid);
		returned(NULL);
#endif
	}
}

int main(int argc, char **argv)
{
	take_key();
	bits = strtoull(key, NULL, 16);
	begin();
	play(argc > 1 ? argv[1] : "");
	mark("end return 0");
	return 0;
}
