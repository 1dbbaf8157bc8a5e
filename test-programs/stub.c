/* Stands in for libosmem.so while the test programs are linked, so that which library they use is chosen when they run.
 * It is never loaded: only its name and its symbols count. */
#include <stddef.h>

void *os_malloc(size_t size) { (void)size; return NULL; }
void *os_calloc(size_t nmemb, size_t size) { (void)nmemb; (void)size; return NULL; }
void *os_realloc(void *pointer, size_t size) { (void)pointer; (void)size; return NULL; }
void os_free(void *pointer) { (void)pointer; }
