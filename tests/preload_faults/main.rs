//! `libosmem_malloc.so` under hard conditions: forks at any moment, wrapped functions, a break that moves, pointers to anywhere,
//! refusals and late calls. Its costs in memory, system calls and time are compared with the C library's.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests need only the library")]
mod support;

#[path = "../support/run.rs"]
mod run;

mod breaks;
mod errno;
mod foreign;
mod fork;
mod hooks;
mod latency;
mod layout;
mod limits;
mod pointers;
mod resident;
