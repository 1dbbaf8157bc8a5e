/* What the programs of this folder share: each ends with 0 if all is as it must be, and says on standard error what is not. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

/* No call that succeeds may change errno from this. */
enum { MARK = 12345 };

/* errno is what it must be; from here on it is MARK. */
#define CHECK_ERRNO(expected)                \
	do {                                 \
		CHECK(errno == (expected));  \
		errno = MARK;                \
	} while (0)

#endif
