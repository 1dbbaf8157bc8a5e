/*
 * fork_in_handler FORKS: forks in a signal handler while the only thread allocates. POSIX lets a handler call fork.
 *
 * With OS defined, the functions of osmem.h allocate.
 */
#include "../preload_api/check.h"
#include <signal.h>
#include <sys/wait.h>

#ifdef OS
#include "osmem.h"
#define malloc os_malloc
#define free os_free
#endif

enum { SLOTS = 64 };

static volatile sig_atomic_t forks;

static void on_signal(int number) {
    int status, kept = errno;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK(number == SIGUSR1 && pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    errno = kept;
    forks++;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    const int wanted = atoi(arguments[1]);
    const pid_t self = getpid();
    CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
    pid_t sender = fork();
    CHECK(sender >= 0);
    if (sender == 0) {
        do
            usleep(500);
        while (getppid() == self && kill(self, SIGUSR1) == 0);
        _exit(0);
    }
    void *blocks[SLOTS] = {NULL};
    unsigned state = 1;
    while (forks < wanted) {
        state = state * 1103515245 + 12345;
        unsigned at = (state >> 16) % SLOTS;
        free(blocks[at]);
        blocks[at] = malloc(1000 + (state >> 8) % 5000);
        CHECK(blocks[at]);
    }
    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    int status;
    CHECK(kill(sender, SIGKILL) == 0 && waitpid(sender, &status, 0) == sender);
    puts("fine");
    return 0;
}
