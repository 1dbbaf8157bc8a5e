/* Threads that give blocks to each other, and many short ones whose destructors free. Prints what the blocks held. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 4, BLOCKS = 100000, SLOTS = 256, SHORT = 500 };

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned char *slot[SLOTS];
	unsigned long put, taken, sum, seed;
};

static pthread_key_t key;

static size_t size_of(unsigned long number)
{
	return number % 50 == 0 ? number % 200000 + 16 : number % 1000 + 16;
}

/* Allocates here. */
static void *give(void *argument)
{
	struct queue *queue = argument;
	unsigned long number = queue->seed;
	for (int i = 0; i < BLOCKS; i++) {
		number = number * 6364136223846793005ul + 1442695040888963407ul;
		size_t size = size_of(number >> 33);
		unsigned char *block = malloc(size);
		if (block == NULL || (uintptr_t)block % 16 != 0)
			abort();
		memcpy(block, &size, sizeof size);
		memset(block + sizeof size, (int)(size % 251), size - sizeof size);
		pthread_mutex_lock(&queue->lock);
		while (queue->put - queue->taken == SLOTS)
			pthread_cond_wait(&queue->changed, &queue->lock);
		queue->slot[queue->put++ % SLOTS] = block;
		pthread_cond_signal(&queue->changed);
		pthread_mutex_unlock(&queue->lock);
	}
	return NULL;
}

/* Frees there; now and then only after a change of size. */
static void *take(void *argument)
{
	struct queue *queue = argument;
	for (int i = 0; i < BLOCKS; i++) {
		size_t size;
		pthread_mutex_lock(&queue->lock);
		while (queue->put == queue->taken)
			pthread_cond_wait(&queue->changed, &queue->lock);
		unsigned char *block = queue->slot[queue->taken++ % SLOTS];
		pthread_cond_signal(&queue->changed);
		pthread_mutex_unlock(&queue->lock);
		memcpy(&size, block, sizeof size);
		for (size_t at = sizeof size; at < size; at++)
			if (block[at] != size % 251)
				abort();
		if (i % 5 == 0) {
			block = realloc(block, size * 2);
			if (block == NULL || (size > sizeof size && block[size - 1] != size % 251))
				abort();
			memset(block, 1, size * 2);
		}
		free(block);
		queue->sum += size;
	}
	return NULL;
}

static void drop(void *list)
{
	while (list != NULL) {
		void *next = *(void **)list;
		free(list);
		list = next;
	}
	/* A block of the thread's last moment. */
	free(malloc(100));
}

static void *brief(void *argument)
{
	void **list = NULL;
	for (size_t i = 0; i < 200; i++) {
		void **block = malloc(sizeof *block + i * 7 % 500);
		*block = list;
		list = block;
	}
	pthread_setspecific(key, list);
	return argument;
}

int main(void)
{
	static struct queue queues[PAIRS];
	pthread_t givers[PAIRS], takers[PAIRS], threads[8];
	int wrong = pthread_key_create(&key, drop) != 0;

	for (int i = 0; i < PAIRS; i++) {
		pthread_mutex_init(&queues[i].lock, NULL);
		pthread_cond_init(&queues[i].changed, NULL);
		queues[i].seed = (unsigned long)i + 1;
		wrong += pthread_create(&givers[i], NULL, give, &queues[i]) != 0;
		wrong += pthread_create(&takers[i], NULL, take, &queues[i]) != 0;
	}
	for (int i = 0; i < SHORT && wrong == 0; i += 8) {
		for (int j = 0; j < 8; j++)
			wrong += pthread_create(&threads[j], NULL, brief, NULL) != 0;
		for (int j = 0; j < 8; j++)
			wrong += pthread_join(threads[j], NULL) != 0;
	}
	for (int i = 0; i < PAIRS; i++) {
		wrong += pthread_join(givers[i], NULL) != 0;
		wrong += pthread_join(takers[i], NULL) != 0;
		printf("pair %d: %lu bytes\n", i, queues[i].sum);
	}
	return wrong != 0;
}
