/* The four functions of the assignment. */
#ifndef OSMEM_COURSE_OSMEM_H
#define OSMEM_COURSE_OSMEM_H

#include <stddef.h>

void *os_malloc(size_t size);
void *os_calloc(size_t nmemb, size_t size);
void *os_realloc(void *ptr, size_t size);
void os_free(void *ptr);

#endif
