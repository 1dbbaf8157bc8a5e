/*
 * A right allocator of another make than the reference, which reads every open point of docs/contract.md as it is told: each
 * macro below is the number of a reading, 0 the contract's own. Its blocks form no list: each ends where the next begins.
 * Not for threads, nor for a break that somebody else moves.
 */
#ifndef HEAD
#define HEAD 32 /* O9: bytes in front of a payload */
#endif
#ifndef O1_MALLOC
#define O1_MALLOC 0 /* need, before rounding, above it, rounded payload, payload, above it */
#endif
#ifndef O1_REALLOC
#define O1_REALLOC 0 /* the same */
#endif
#ifndef O1_MOVING
#define O1_MOVING 0 /* realloc's own edge, malloc's */
#endif
#ifndef O2
#define O2 0 /* the first three of them */
#endif
#ifndef O3
#define O3 0 /* moves, absorbs and moves, the last stays, what becomes last stays, what fits stays, as any heap block, by turns */
#endif
#ifndef O4
#define O4 0 /* moves, is extended, is extended unless a free block fits */
#endif
#ifndef O5
#define O5 0 /* stays or moves by R3, moves by R3, moves to a mapping, by turns */
#endif
#ifndef O6
#define O6 0 /* merges at the search, at free and there, at free and when a block shrinks, at free with the next one only, by turns */
#endif
#ifndef O8
#define O8 0 /* flags beside MAP_PRIVATE and MAP_ANONYMOUS */
#endif
#ifndef O11
#define O11 0 /* asks for what no system has, refuses it at once */
#endif

enum { FREE, ALLOC, MAPPED, CALLOCED };
#define PREALLOCATED ((size_t)131072)
#define THRESHOLD ((size_t)131072)
#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

/* The first 8 bytes of a block: its size, a multiple of 8, and its status. */
typedef size_t block;

static char *heap, *heap_end;
static unsigned turn; /* of a reading that changes from call to call */

static size_t size_of(block *b) { return *b & ~(size_t)7; }
static int status_of(block *b) { return (int)(*b & 7); }
static void set(block *b, size_t size, int status) { *b = size | (size_t)status; }
static char *payload(block *b) { return (char *)b + HEAD; }
static char *end_of(block *b) { return payload(b) + size_of(b); }
static size_t align8(size_t n) { return (n + 7) & ~(size_t)7; }
static bool is_last(block *b) { return end_of(b) == heap_end; }
static block *next_of(block *b) { return is_last(b) ? NULL : (block *)end_of(b); }
static bool next_is_free(block *b) { return !is_last(b) && status_of(next_of(b)) == FREE; }

static void absorb(block *b) { set(b, size_of(b) + HEAD + size_of(next_of(b)), status_of(b)); }

static void merge(void)
{
    for (block *b = (block *)heap; b && heap; b = next_of(b))
        while (status_of(b) == FREE && next_is_free(b))
            absorb(b);
}

static void merge_when(int freed, block *b)
{
    int how = O6 == 4 ? (int)(turn++ % 4) : O6;
    if ((how == 1 && freed) || how == 2)
        merge();
    else if (how == 3 && freed && next_is_free(b))
        absorb(b);
}

static void split(block *b, size_t size)
{
    size_t rest = size_of(b) - size;
    if (rest < HEAD + 8)
        return;
    set(b, size, status_of(b));
    set((block *)end_of(b), rest - HEAD, FREE);
}

static block *fit(size_t size)
{
    block *best = NULL;
    for (block *b = (block *)heap; b; b = next_of(b))
        if (status_of(b) == FREE && size_of(b) >= size && (!best || size_of(b) < size_of(best)))
            best = b;
    return best;
}

static bool extend(block *b, size_t size)
{
    if (sbrk((intptr_t)(size - size_of(b))) == (void *)-1)
        return false;
    heap_end += size - size_of(b);
    set(b, size, status_of(b));
    return true;
}

static void *from_heap(size_t size)
{
    if (!heap) {
        char *start = sbrk((intptr_t)PREALLOCATED);
        if (start == (char *)-1)
            return NULL;
        heap = start;
        heap_end = start + PREALLOCATED;
        set((block *)heap, PREALLOCATED - HEAD, FREE);
    }
    merge();
    block *b = fit(size);
    if (!b) {
        block *last = (block *)heap;
        while (!is_last(last))
            last = next_of(last);
        if (status_of(last) == FREE) {
            if (!extend(last, size))
                return NULL;
            b = last;
        } else {
            b = sbrk((intptr_t)(HEAD + size));
            if (b == (block *)-1)
                return NULL;
            heap_end += HEAD + size;
            set(b, size, FREE);
        }
    }
    split(b, size);
    set(b, size_of(b), ALLOC);
    return payload(b);
}

static void *map(size_t size, int status)
{
    block *b = mmap(NULL, HEAD + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | O8, -1, 0);
    if (b == MAP_FAILED)
        return NULL;
    set(b, size, status);
    return payload(b);
}

static bool maps(int edge, size_t n, size_t threshold)
{
    switch (edge) {
    case 0: return HEAD + align8(n) >= threshold;
    case 1: return HEAD + n >= threshold;
    case 2: return HEAD + n > threshold;
    case 3: return align8(n) >= threshold;
    case 4: return n >= threshold;
    default: return n > threshold;
    }
}

static void *allocate(size_t n, int edge, size_t threshold, int status)
{
    void *p = NULL;
    if (n <= (size_t)PTRDIFF_MAX - (O11 ? 4095 : 0))
        p = maps(edge, n, threshold) ? map(align8(n), status) : from_heap(align8(n));
    if (!p)
        errno = ENOMEM;
    return p;
}

void *os_malloc(size_t n) { return n ? allocate(n, O1_MALLOC, THRESHOLD, MAPPED) : NULL; }

void *os_calloc(size_t nmemb, size_t size)
{
    size_t n;
    if (!nmemb || !size)
        return NULL;
    if (__builtin_mul_overflow(nmemb, size, &n)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = allocate(n, O2, PAGE, CALLOCED);
    return p ? memset(p, 0, n) : NULL;
}

void os_free(void *p)
{
    block *b = (block *)((char *)p - HEAD);
    if (!p || status_of(b) == FREE)
        return;
    if (status_of(b) != ALLOC) {
        munmap(b, HEAD + size_of(b));
        return;
    }
    set(b, size_of(b), FREE);
    merge_when(1, b);
}

static void *move_to(block *b, void *new, size_t n)
{
    if (!new)
        return NULL;
    memcpy(new, payload(b), n < size_of(b) ? n : size_of(b));
    os_free(payload(b));
    return new;
}

static void *move(block *b, size_t n)
{
    return move_to(b, O1_MOVING ? os_malloc(n) : allocate(n, O1_REALLOC, THRESHOLD, MAPPED), n);
}

/* As the contract has it for heap requests. */
static void *resize(block *b, size_t n)
{
    size_t size = align8(n);
    if (size > size_of(b) && is_last(b))
        return extend(b, size) ? payload(b) : NULL;
    while (size > size_of(b) && next_is_free(b))
        absorb(b);
    if (size <= size_of(b)) {
        split(b, size);
        merge_when(0, b);
        return payload(b);
    }
    if (is_last(b) && (O4 == 1 || (O4 == 2 && (merge(), !fit(size)))))
        return extend(b, size) ? payload(b) : NULL;
    return move(b, n);
}

static void *to_mapping(block *b, size_t n)
{
    size_t size = align8(n), room = size_of(b);
    block *end = b;
    while (next_is_free(end)) {
        end = next_of(end);
        room += HEAD + size_of(end);
    }
    int how = O3 == 6 ? (int)(turn++ % 6) : O3;
    if ((how == 2 && is_last(b)) || (how == 4 && room >= size) || how == 5)
        return resize(b, n);
    if (how == 1 || (how == 3 && is_last(end)))
        while (next_is_free(b))
            absorb(b);
    if (how == 3 && is_last(b))
        return resize(b, n);
    return move(b, n);
}

static void *from_mapping(block *b, size_t n)
{
    size_t size = align8(n);
    int how = O5 == 3 ? (int)(turn++ % 3) : O5;
    if (how == 0 && size == size_of(b))
        return payload(b);
    if (how == 2 && (size == size_of(b) || status_of(b) == CALLOCED))
        return move_to(b, map(size, status_of(b)), n);
    return move(b, n);
}

void *os_realloc(void *p, size_t n)
{
    block *b = (block *)((char *)p - HEAD);
    if (!p)
        return os_malloc(n);
    if (!n) {
        os_free(p);
        return NULL;
    }
    if (status_of(b) == FREE)
        return NULL;
    if (n > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    if (status_of(b) != ALLOC)
        return from_mapping(b, n);
    return maps(O1_REALLOC, n, THRESHOLD) ? to_mapping(b, n) : resize(b, n);
}
