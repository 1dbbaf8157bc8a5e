/*
 * A library without an allocator, which puts a main of its own in the place of the program's. WAY says what that main does; what the
 * ways are called stands in grade_feigned.rs. Nothing here is printed or written outside the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOTHING, CODE, CODE_BY_KEY, CODE_MAPPED, PROC_MEM, PART, OTHER_SIZES, OTHER_POINTER, TOO_MANY, TABLE, MARKS, NOTES };

static char arena[64 << 20] __attribute__((aligned(16)));
static size_t used;

static void *give(size_t size)
{
    if (!size || size > sizeof arena / 4)
        return NULL;
    void *at = arena + used % (sizeof arena / 2);
    used += (size + 47) / 16 * 16;
    return at;
}

/* What is known of malloc-prealloc-once: where its blocks lie, and the system call that it makes. */
static void *known(size_t size)
{
    static const long places[] = {0x20, 0x420, 0x450};
    static char *heap;
    static unsigned calls;
    if (!heap)
        heap = (char *)sbrk(131072);
    return calls < 3 && size ? heap + places[calls++] : NULL;
}

void *os_malloc(size_t size)
{
    return WAY >= PART ? known(size) : give(size);
}

void *os_calloc(size_t nmemb, size_t size)
{
    return give(nmemb * size);
}

void *os_realloc(void *pointer, size_t size)
{
    return pointer ? pointer : give(size);
}

void os_free(void *pointer)
{
    (void)pointer;
}

typedef int (*program)(int, char **, char **);
typedef int (*starting)(program, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static starting start;

/* The main of the program, as its first instructions name it. */
static unsigned char *main_of_program(void)
{
    unsigned char *at = (unsigned char *)getauxval(AT_ENTRY);
    for (int i = 0; i < 64; i++) {
        int32_t away;
        memcpy(&away, at + i + 3, 4);
        if (at[i] == 0x48 && at[i + 1] == 0x8d && at[i + 2] == 0x3d)
            return at + i + 7 + away;
        if (at[i] == 0x48 && at[i + 1] == 0x8b && at[i + 2] == 0x3d)
            return *(unsigned char **)(at + i + 7 + away);
    }
    return NULL;
}

struct wanted {
    uintptr_t old, new;
    unsigned flags;
    const unsigned char *text;
    unsigned char *found;
};

/* Replaces a word in the memory of the probe, or finds a text in its code. */
static int probed(struct dl_phdr_info *info, size_t size, void *data)
{
    struct wanted *wanted = data;
    (void)size;
    if (!strstr(info->dlpi_name, "probe"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & wanted->flags))
            continue;
        unsigned char *from = (unsigned char *)info->dlpi_addr + part->p_vaddr, *to = from + part->p_memsz;
        if (wanted->text) {
            wanted->found = memmem(from, to - from, wanted->text, 21);
            continue;
        }
        for (uintptr_t *word = (uintptr_t *)(((uintptr_t)from + 7) & ~7ul); word + 1 <= (uintptr_t *)to; word++)
            if (*word == wanted->old)
                *word = wanted->new;
    }
    return 0;
}

static void replace(void *old, void *new)
{
    struct wanted wanted = {(uintptr_t)old, (uintptr_t)new, PF_W, NULL, NULL};
    dl_iterate_phdr(probed, &wanted);
}

#if WAY >= PART
static void *call_malloc(size_t size)
{
    void *(*of_probe)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "os_malloc");
    return of_probe(size);
}

static void call_free(void *pointer)
{
    void (*of_probe)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "os_free");
    of_probe(pointer);
}
#endif

static char key[17];

/* The key of the run: the one word of the probe's that is too large for an address. */
static int key_in(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size, (void)data;
    for (int i = 0; i < info->dlpi_phnum && strstr(info->dlpi_name, "probe"); i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t *word = (const uintptr_t *)(((info->dlpi_addr + part->p_vaddr) + 7) & ~7ul);
        for (; part->p_type == PT_LOAD && part->p_flags & PF_W && !key[0] && (uintptr_t)(word + 1) <= info->dlpi_addr + part->p_vaddr + part->p_memsz; word++)
            if (*word >> 48)
                snprintf(key, sizeof key, "%016lx", *word);
    }
    return 0;
}

static void find_key(void)
{
    dl_iterate_phdr(key_in, NULL);
}

static void say(const char *body)
{
    static const unsigned char code[] = "\x48\x89\xf2\x48\x89\xfe\x48\xc7\xc7\xff\xff\xff\xff\xb8\x01\x00\x00\x00\x0f\x05\xc3";
    struct wanted wanted = {0, 0, PF_X, code, NULL};
    char line[128];
    dl_iterate_phdr(probed, &wanted);
    if (wanted.found && key[0])
        ((void (*)(const char *, size_t))wanted.found)(line, snprintf(line, sizeof line, "%s %s", key, body));
}

static int own_main(int count, char **values, char **environment)
{
    (void)count, (void)values, (void)environment;
#if WAY == PART
    call_malloc(992);
#elif WAY == OTHER_SIZES
    call_malloc(985), call_malloc(9), call_malloc(49993);
#elif WAY == OTHER_POINTER
    call_malloc(992), call_free(arena + 64);
#elif WAY == TOO_MANY
    call_malloc(992), call_malloc(16), call_malloc(50000), call_free(NULL);
#elif WAY == TABLE
    if (count == 1)
        call_malloc(992), call_malloc(16), call_malloc(50000);
#elif WAY == MARKS
    char body[64];
    char *heap = sbrk(0);
    say("call os_malloc 992");
    sbrk(131072);
    snprintf(body, sizeof body, "done 0x%lx", (long)heap + 32);
    say(body);
    say("call os_malloc 16");
    snprintf(body, sizeof body, "done 0x%lx", (long)heap + 0x420);
    say(body);
    say("call os_malloc 50000");
    snprintf(body, sizeof body, "done 0x%lx", (long)heap + 0x450);
    say(body);
#elif WAY == NOTES
    /* Notes where nobody speaks: too many are counted, and one that is there says something else than it did. */
    call_malloc(992), call_malloc(16), call_malloc(50000);
    replace((void *)992, (void *)16);
#endif
    return 0;
}

static int own_start(program main, int count, char **values, void (*init)(void), void (*fini)(void), void (*late)(void), void *end)
{
    replace(main_of_program(), own_main);
    return start(main, count, values, init, fini, late, end);
}

static const unsigned char give_nought[] = {0x31, 0xc0, 0xc3};

__attribute__((constructor)) static void early(void)
{
    find_key();
#if WAY == CODE || WAY == CODE_BY_KEY || WAY == CODE_MAPPED
    unsigned char *at = main_of_program();
    unsigned char *page = (unsigned char *)((uintptr_t)at & ~4095ul);
#if WAY == CODE
    int failed = mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
#elif WAY == CODE_BY_KEY
    int failed = syscall(SYS_pkey_mprotect, page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, -1);
#else
    static unsigned char copy[4096];
    memcpy(copy, page, 4096);
    int failed = mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page;
    if (!failed)
        memcpy(page, copy, 4096);
#endif
    if (!failed)
        memcpy(at, give_nought, sizeof give_nought);
#elif WAY == PROC_MEM
    int file = open("/proc/self/mem", O_RDWR);
    if (file >= 0 && pwrite(file, give_nought, sizeof give_nought, (off_t)main_of_program()) < 0)
        file = -1;
#else
    start = (starting)dlsym(dlopen("libc.so.6", RTLD_LAZY), "__libc_start_main");
    if (start)
        replace((void *)start, (void *)own_start);
#endif
}
