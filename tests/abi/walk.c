/* os_heap_walk and os_stats: what they see, and what a callback may and may not do. */
#define _POSIX_C_SOURCE 200809L

#include "osmem.h"

#include "check.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64, PATIENCE = 20 /* seconds */ };

static struct os_block seen[MOST];
static int count;

static int note(const struct os_block *block, void *arg)
{
	CHECK(arg == &count && count < MOST);
	seen[count++] = *block;
	return 0;
}

static int stop_at_third(const struct os_block *block, void *arg)
{
	int *calls = (int *)arg;
	CHECK(block->payload != NULL);
	return ++*calls == 3 ? -7 : 0;
}

/* Every function, called where none may be. */
static int call_all(const struct os_block *block, void *arg)
{
	const struct os_stats nothing = { 0, 0, 0, 0, 0, 0, 0, 0 };
	struct os_stats stats;

	++*(int *)arg;
	errno = MARK;
	CHECK(os_malloc(10) == NULL);
	CHECK_ERRNO(EDEADLK);
	CHECK(os_calloc(10, 10) == NULL);
	CHECK_ERRNO(EDEADLK);
	CHECK(os_aligned_alloc(64, 10) == NULL);
	CHECK_ERRNO(EDEADLK);
	CHECK(os_realloc((void *)block->payload, 10) == NULL);
	CHECK_ERRNO(EDEADLK);
	CHECK(os_heap_walk(call_all, arg) == -1);
	CHECK_ERRNO(EDEADLK);
	CHECK(os_heap_check() == -1);
	CHECK_ERRNO(EDEADLK);
	CHECK(os_malloc_usable_size(block->payload) == 0);
	stats = os_stats();
	CHECK(memcmp(&stats, &nothing, sizeof stats) == 0);
	os_free((void *)block->payload);
	CHECK_ERRNO(MARK);
	return 0;
}

/* A child may be forked, and may go on when the walk has ended. */
static int fork_here(const struct os_block *block, void *arg)
{
	CHECK(block->payload != NULL);
	*(pid_t *)arg = fork();
	alarm(PATIENCE);
	return 1;
}

static volatile int done;

static void *allocate(void *unused)
{
	os_free(os_malloc(100));
	done = 1;
	return unused;
}

/* Another thread waits meanwhile. */
static int begin_thread(const struct os_block *block, void *arg)
{
	const struct timespec moment = { 0, 20000000 };
	CHECK(block->payload != NULL && pthread_create((pthread_t *)arg, NULL, allocate, NULL) == 0);
	nanosleep(&moment, NULL);
	CHECK(!done);
	return 1;
}

int main(void)
{
	const struct os_stats nothing = { 0, 0, 0, 0, 0, 0, 0, 0 };
	struct os_stats stats = os_stats();

	alarm(PATIENCE);
	errno = MARK;
	CHECK(memcmp(&stats, &nothing, sizeof stats) == 0);
	CHECK(os_heap_walk(note, &count) == 0 && count == 0 && os_heap_check() == 0);
	CHECK_ERRNO(MARK);
	CHECK(os_heap_walk(NULL, &count) == -1);
	CHECK_ERRNO(EINVAL);

	void *a = os_malloc(100), *b = os_malloc(200), *c = os_malloc(1), *m = os_malloc(200000), *n = os_calloc(1, 5000);
	os_free(b);
	CHECK(os_heap_walk(note, &count) == 0 && count == 6);
	CHECK(seen[0].payload == a && seen[0].size == 104 && seen[0].status == OS_BLOCK_ALLOC);
	CHECK(seen[1].payload == b && seen[1].size == 200 && seen[1].status == OS_BLOCK_FREE);
	CHECK(seen[2].payload == c && seen[2].size == 8 && seen[2].status == OS_BLOCK_ALLOC);
	CHECK(seen[3].size == 131072 - 4 * 32 - 104 - 200 - 8 && seen[3].status == OS_BLOCK_FREE);
	CHECK((const char *)seen[3].payload == (char *)c + 8 + 32);
	int first = m < n ? 4 : 5;
	CHECK(seen[first].payload == m && seen[first].size == 200000 && seen[first].status == OS_BLOCK_MAPPED);
	CHECK(seen[9 - first].payload == n && seen[9 - first].size == 5000 && seen[9 - first].status == OS_BLOCK_MAPPED);

	stats = os_stats();
	CHECK(stats.heap_bytes == 131072 && stats.used_bytes == 112 && stats.used_blocks == 2);
	CHECK(stats.free_bytes == 200 + seen[3].size && stats.free_blocks == 2 && stats.top_bytes == seen[3].size);
	CHECK(stats.mapped_bytes == 200032 + 5032 && stats.mapped_blocks == 2);

	int calls = 0;
	CHECK(os_heap_walk(stop_at_third, &calls) == -7 && calls == 3);
	calls = 0;
	CHECK(os_heap_walk(call_all, &calls) == 0 && calls == 6);
	CHECK(os_heap_check() == 0);
	CHECK_ERRNO(MARK);
	struct os_stats after = os_stats();
	CHECK(memcmp(&after, &stats, sizeof stats) == 0);

	pid_t child;
	int status;
	CHECK(os_heap_walk(fork_here, &child) == 1 && child >= 0);
	void *block = os_malloc(300);
	CHECK(block != NULL && os_heap_check() == 0);
	os_free(block);
	if (child == 0)
		_exit(0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);

	pthread_t thread;
	CHECK(os_heap_walk(begin_thread, &thread) == 1);
	CHECK(pthread_join(thread, NULL) == 0 && done);
	return 0;
}
