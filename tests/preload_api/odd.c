/* Calls at odd moments: before every constructor, around fork, while libraries come and go; `odd PLUGIN`. */
#include "check.h"
#include <dlfcn.h>
#include <sys/wait.h>

extern void use(void);

static void *early[3];

/* Runs before any library's constructor, but the one that comes first of all. */
static void before_all(void) {
    early[0] = calloc(10, 10);
    early[1] = aligned_alloc(256, 1000);
    early[2] = realloc(malloc(10), 20000);
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = before_all;

static void *user(void *stop) {
    use();
    while (!*(volatile int *)stop) {
        void *(*volatile of_plugin)(void) = (void *(*)(void))dlsym(RTLD_DEFAULT, "use");
        ((void (*)(void))of_plugin)();
        usleep(100);
    }
    return NULL;
}

int main(int count, char **arguments) {
    int stop = 0;
    pthread_t threads[3];
    alarm(60);
    CHECK(count == 2);
    CHECK(early[0] && all_zero(early[0], 100) && aligned_to(early[1], 256) && early[2]);
    for (int i = 0; i < 3; i++) {
        free(early[i]);
        CHECK(pthread_create(&threads[i], NULL, user, &stop) == 0);
    }
    for (int i = 0; i < 50; i++) {
        void *plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        CHECK(plugin);
        void (*of_plugin)(void) = (void (*)(void))dlsym(plugin, "use");
        CHECK(of_plugin && of_plugin != use);
        of_plugin();
        pid_t pid = fork(); /* with the handlers of both copies */
        CHECK(pid >= 0);
        if (pid == 0) {
            of_plugin();
            use();
            exit(0);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(dlclose(plugin) == 0);
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("fine");
    return 0;
}
