/* The header of a block, its status, and an end for what cannot go on. Needs no other source file. */
#ifndef OSMEM_COURSE_BLOCK_META_H
#define OSMEM_COURSE_BLOCK_META_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "printf.h"

struct block_meta {
	size_t size; /* of the payload */
	int status;
	struct block_meta *prev;
	struct block_meta *next;
};

#define STATUS_FREE 0
#define STATUS_ALLOC 1
#define STATUS_MAPPED 2

#define BLOCK_META_TEXT_OF(x) #x
#define BLOCK_META_TEXT(x) BLOCK_META_TEXT_OF(x)

/* Writes one piece of a message; there is nobody to tell if that fails. */
static inline void block_meta_say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/* Says what failed, with errno as a number, and ends the process. Asks nothing of any heap. */
static inline void block_meta_die(const char *place, const char *what)
{
	int error = errno;
	char number[] = "0000";

	number[0] = (char)('0' + error / 1000 % 10);
	number[1] = (char)('0' + error / 100 % 10);
	number[2] = (char)('0' + error / 10 % 10);
	number[3] = (char)('0' + error % 10);
	block_meta_say(place);
	block_meta_say(what);
	block_meta_say(": errno ");
	block_meta_say(number + (error < 10 ? 3 : error < 100 ? 2 : error < 1000 ? 1 : 0));
	block_meta_say("\n");
	exit(error > 0 && error < 256 ? error : EXIT_FAILURE);
}

/* DIE(p == (void *)-1, "sbrk"): where the condition holds, says so and exits. */
#define DIE(condition, what)                                                                  \
	do {                                                                                  \
		if (condition)                                                                \
			block_meta_die(__FILE__ ":" BLOCK_META_TEXT(__LINE__) ": ", (what)); \
	} while (0)

#endif
