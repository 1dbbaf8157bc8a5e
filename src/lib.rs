//! A memory allocator that is made to be read: a heap that grows by moving the break, and a mapping of its own for every
//! big block. It keeps the rules R1 to R17 of `docs/contract.md`; comments cite them by number, and
//! the invariants H1 to H9 are stated at [`heap::Heap`].
//!
//! C programs use the functions of `include/osmem.h`. Rust programs call the same functions ([`ffi`]), allocate everything
//! through [`Osmem`], or make an [`alloc::Allocator`] of their own over the real system ([`sys::linux`],
//! [`sys::region`]) or a simulated one ([`sys::sim`]):
//!
//! ```
//! use osmem::{alloc::Allocator, check::check, sys::sim::Sim};
//!
//! let mut allocator = Allocator::new(Sim::new());
//! let block = allocator.malloc(1000).expect("the simulated system has room");
//! assert_eq!(allocator.sys().take_calls().len(), 1); // R4: one move of the break, by 128 KiB
//! allocator.free(block);
//! assert_eq!(check(&allocator), Ok(()));
//! ```
//!
//! # The layers, bottom first
//!
//! A module imports only from those above it in this table (which is the order of the `mod` lines too).
//!
//! | module | owns |
//! |---|---|
//! | [`size`] | alignment, header size, thresholds, checked rounding: pure numbers |
//! | [`policy`] | how an allocator treats the system, as a value |
//! | [`sys`] | the one seam to the system: move the break, map, unmap, page size; errno; locks |
//! | [`line`](mod@line) | a line of text without memory, written by one call |
//! | [`settings`] | what a user sets through the environment, as plain values |
//! | [`block`] | the headers, full and compact; payload and block |
//! | [`list`] | every link between neighbours: walk, split, merge |
//! | `index` | the free blocks by size: the best fit without a walk |
//! | [`heap`] | R4 to R8, R11, R12, R16: preallocate, search, grow, resize |
//! | [`mapped`] | R8, R9: the registry of mappings |
//! | [`alloc`] | the calls in Rust: routing, and the decision table of realloc |
//! | [`check`] | walks everything and names the first broken invariant |
//! | [`report`] | what is said on standard error |
//! | [`process`] | the heap of the whole process, with what each thread keeps |
//! | `global` | [`Osmem`], the process heap as a Rust program's allocator |
//! | [`ffi`] | the heap of the `os_*` functions, its lock, the C functions, errno |
//! | [`start`] | what happens when the program is loaded and when it ends |
//!
//! Nothing here allocates, except the simulated system.

// The blank lines keep rustfmt from sorting them.

pub mod size;

pub mod policy;

pub mod sys;

pub mod line;

pub mod settings;

pub mod block;

pub mod list;

mod index;

pub mod heap;

pub mod mapped;

pub mod alloc;

pub mod check;

pub mod report;

pub mod process;

mod global;

pub mod ffi;

pub mod start;

pub use global::Osmem;
