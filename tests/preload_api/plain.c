/* A program like any other. Prints whether it has more rights than who started it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

int main(void) {
    char *p = malloc(1000);
    if (!p)
        return 1;
    free(realloc(p, 100000));
    puts(getauxval(AT_SECURE) ? "secure" : "fine");
    return 0;
}
