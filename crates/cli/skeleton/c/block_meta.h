/* The header that stands in front of every block's payload. */
#ifndef BLOCK_META_H
#define BLOCK_META_H

#include <stddef.h>

#define STATUS_FREE 0
#define STATUS_ALLOC 1
#define STATUS_MAPPED 2

struct block_meta {
	size_t size; /* of the payload, a multiple of 8 */
	int status;
	struct block_meta *prev;
	struct block_meta *next;
};

#endif
