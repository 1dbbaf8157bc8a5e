/*
 * refused CALL ERROR start|later never|sometimes: allocates under a filter that refuses one system call with one error.
 *
 * The filter is there from the start of the program, or comes later. Blocks are never refused, or sometimes.
 */
#include "../preload_api/check.h"
#include "work.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { UNTESTED = 77, BLOCKS = 4000, SIZE = 1000 };

static const struct {
    const char *name;
    int number;
} calls[] = {
    {"brk", SYS_brk},       {"madvise", SYS_madvise}, {"mmap", SYS_mmap},     {"mprotect", SYS_mprotect},
    {"mremap", SYS_mremap}, {"munmap", SYS_munmap},
}, errors[] = {
    {"EPERM", EPERM},       {"ENOSYS", ENOSYS},       {"ENOMEM", ENOMEM},
};

#define NUMBER(list, wanted)                                                               \
    ({                                                                                     \
        int found = -1;                                                                    \
        for (size_t i = 0; i < sizeof(list) / sizeof *(list); i++)                         \
            if (!strcmp((list)[i].name, wanted))                                           \
                found = (list)[i].number;                                                  \
        CHECK(found >= 0);                                                                 \
        found;                                                                             \
    })

static void refuse(int call, int error) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof steps / sizeof *steps, steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(UNTESTED);
}

/* Frees blocks among others that stay, and takes the same number again, for which the system is not needed. */
static void use_again(unsigned char **blocks) {
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++)
            if (i % 4)
                free(blocks[i]);
        for (int i = 0; i < BLOCKS; i++) {
            if (i % 4)
                CHECK((blocks[i] = malloc(SIZE)));
            CHECK(i % 4 || filled(blocks[i], SIZE, i));
            fill(blocks[i], SIZE, i);
        }
    }
    for (int i = 0; i < BLOCKS; i++) {
        CHECK(filled(blocks[i], SIZE, i));
        free(blocks[i]);
    }
}

int main(int count, char **arguments) {
    static unsigned char *blocks[BLOCKS];
    CHECK(count == 5);
    const int call = NUMBER(calls, arguments[1]), error = NUMBER(errors, arguments[2]);
    if (!strcmp(arguments[3], "start")) {
        refuse(call, error);
        execl(arguments[0], arguments[0], arguments[1], arguments[2], "run", arguments[4], NULL);
        CHECK(!"started anew");
    }
    CHECK(work(2000, 100000) == 0 || !strcmp(arguments[3], "run"));
    for (int i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = malloc(SIZE)));
        fill(blocks[i], SIZE, i);
    }
    if (!strcmp(arguments[3], "later"))
        refuse(call, error);
    use_again(blocks);
    for (int round = 0; round < 3; round++) {
        int refusals = work(8000, 3 << 20);
        malloc_trim(0);
        CHECK(refusals == 0 || !strcmp(arguments[4], "sometimes"));
    }
    dprintf(1, "fine\n");
    return 0;
}
