/* Forks while other threads allocate. Ends with 0 if every child could allocate; SIGALRM ends whatever hangs. */
#define _POSIX_C_SOURCE 200809L

#include "osmem.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 2, FORKS = 100, PATIENCE = 20 /* seconds */ };

static volatile int stop;

static void *allocate(void *unused)
{
	while (!stop)
		os_free(os_realloc(os_malloc(100), 3000));
	return unused;
}

static int child(void)
{
	alarm(PATIENCE);
	void *block = os_calloc(10, 10);
	os_free(block);
	return block == NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	int failures = 0;

	alarm(PATIENCE);
	for (int i = 0; i < THREADS; i++)
		failures += pthread_create(&threads[i], NULL, allocate, NULL) != 0;
	for (int i = 0; i < FORKS && failures == 0; i++) {
		int status = 0;
		pid_t pid = fork();
		if (pid == 0)
			_exit(child());
		failures += waitpid(pid, &status, 0) != pid || status != 0;
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		failures += pthread_join(threads[i], NULL) != 0;
	return failures != 0;
}
