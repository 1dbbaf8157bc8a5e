//! A memory allocator small enough to be read in one sitting: a heap that grows by moving the break, and a mapping of
//! its own for every big block. It keeps the rules R1 to R17 of `docs/contract.md`; comments cite them by number, and
//! the invariants H1 to H7 are stated at [`heap::Heap`].
//!
//! C programs use the four functions of `include/osmem.h`. Rust programs call the same functions ([`ffi`]), or make an
//! [`alloc::Allocator`] of their own over the real system ([`sys::linux`]) or a simulated one ([`sys::sim`]):
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
//! | [`sys`] | the one seam to the system: move the break, map, unmap, page size |
//! | [`block`] | the header, drawn once; payload and block |
//! | [`list`] | every link: walk, split, merge |
//! | [`heap`] | R4 to R8, R11, R12, R16: preallocate, search, grow, resize |
//! | [`mapped`] | R8, R9: the registry of mappings |
//! | [`alloc`] | the four calls in Rust: routing, and the decision table of realloc |
//! | [`check`] | walks everything and names the first broken invariant |
//! | [`ffi`] | the one global allocator, its lock, the C functions, errno |
//!
//! Nothing here allocates, except the simulated system.

// The blank lines keep rustfmt from sorting them.

pub mod size;

pub mod sys;

pub mod block;

pub mod list;

pub mod heap;

pub mod mapped;

pub mod alloc;

pub mod check;

pub mod ffi;
