//! `libosmem_malloc.so`: the C library's `malloc` and its family, carried by [`osmem::process`].
//!
//! ```text
//! LD_PRELOAD=/usr/local/lib/libosmem_malloc.so program
//! ```
//!
//! **Promises.** Every function keeps what glibc's manual pages say of it. Blocks are aligned to 16 bytes whatever their
//! size; `malloc(0)` is a pointer of its own; `realloc(p, 0)` frees. A call that succeeds leaves errno alone, and so does
//! `free`; one that fails says `ENOMEM` (`EINVAL` for an impossible alignment and for what is no block). Any function may
//! be the first one, before any constructor has run. Nothing here allocates or panics.
//!
//! **Alignments.** `posix_memalign` wants a power of two and multiple of a pointer's size, `aligned_alloc` a power of two.
//! `memalign` rounds up to the next power of two, as glibc does, where there is one.
//!
//! What happens when the library is loaded and when the process ends is [`osmem::start`]'s.
//!
//! Modules, bottom layer first; each uses only those above it:
//!
//! ```text
//! answer     null and errno, where a call fails
//! calls      the functions that hand out, resize and take back blocks
//! figures    the functions that tell of the heap or tune it
//! ```
// The standard library allocates, formats and prints; without it, none of that can happen here by mistake.
#![no_std]

/// Runs when the library is loaded, beside [`osmem::start`]'s own constructor.
#[expect(unsafe_code, reason = "a constructor is known by its section")]
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    osmem::start::serve_streams();
}

mod answer;

mod calls;

mod figures;
