/* Forks while other threads allocate; the children allocate, start threads and fork too. Ends with 0 if all could. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, FORKS = 200, PATIENCE = 250 /* seconds */ };

static volatile int stop;

static void *allocate(void *seed)
{
	unsigned long number = (unsigned long)seed;
	while (!stop) {
		number = number * 6364136223846793005ul + 1442695040888963407ul;
		size_t size = number >> 33 & (number >> 60 ? 0xfff : 0x3ffff);
		char *block = malloc(size + 1);
		block[0] = block[size] = 1;
		block = realloc(block, size / 2 + 1);
		if (block[0] != 1)
			abort();
		free(block);
	}
	return NULL;
}

static void *some(void *unused)
{
	(void)unused;
	for (size_t size = 1; size < 200000; size += size / 3 + 1) {
		char *block = calloc(size, 1);
		if (block == NULL || block[0] != 0 || block[size - 1] != 0)
			abort();
		memset(block, 1, size);
		free(block);
	}
	return NULL;
}

static int child(char *inherited)
{
	pthread_t thread;
	int status = 0;

	alarm(PATIENCE);
	some(NULL);
	if (pthread_create(&thread, NULL, some, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 2;
	inherited = realloc(inherited, 100000);
	if (inherited == NULL || strcmp(inherited, "inherited") != 0)
		return 3;
	free(inherited);
	pid_t pid = fork();
	if (pid == 0) {
		some(NULL);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 4;
}

int main(void)
{
	pthread_t threads[THREADS];
	int wrong = 0;

	alarm(PATIENCE);
	for (unsigned long i = 0; i < THREADS; i++)
		wrong += pthread_create(&threads[i], NULL, allocate, (void *)(i + 1)) != 0;
	for (int i = 0; i < FORKS && wrong == 0; i++) {
		int status = 0;
		char *block = malloc(10);
		strcpy(block, "inherited");
		pid_t pid = fork();
		if (pid == 0)
			_exit(child(block));
		wrong += waitpid(pid, &status, 0) != pid || status != 0;
		free(block);
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		wrong += pthread_join(threads[i], NULL) != 0;
	printf("%d forks, %d wrong\n", FORKS, wrong);
	return wrong != 0;
}
