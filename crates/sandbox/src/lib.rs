//! The box that untrusted programs are built and run in.
//!
//! `osmem-box` reads a [`Policy`] from its standard input, makes the box and runs one program in it. Its parent (a tracer) and
//! whoever wrote the policy stay outside. There are two tiers, see [`Tier`]; the filter of system calls and the limits are the same in
//! both. What a program must not do raises SIGSYS, which a tracer outside sees.
//!
//! The crate knows nothing of allocators, submissions or traces. Modules, bottom layer first; each uses only those above it:
//!
//! ```text
//! policy     what a box lets in, and when it ends
//! sys        the few system calls that need unsafe code
//! view       what of the system a compiler and its programs need to see
//! filter     which system calls are let through
//! landlocked which files are let through where namespaces are forbidden
//! mounts     the file system of a box with namespaces
//! attributes modes and times of files, where no other means keeps them
//! tree       the processes of a box: how much memory they take, ending them
//! inside     the last steps before the program: user, limits, filter
//! outside    makes the box, watches it, ends it: what `osmem-box` does
//! host       for whoever wants a program boxed: which tiers work here, how to hand over a policy
//! ```

mod attributes;
mod filter;
pub mod host;
mod inside;
mod landlocked;
mod mounts;
pub mod outside;
pub mod policy;
mod sys;
mod tree;
pub mod view;

pub use policy::{Limits, Policy, Tier};
