//! Real programs on `libosmem_malloc.so`: each runs twice, as it is and with the library preloaded, and must print the same,
//! end the same and make the same files. Nothing here is skipped: a program that is missing is a failure that says so.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests need only the preloaded library and the folders")]
mod support;

mod bash;
mod cargo;
mod compiler;
mod data;
mod git;
mod languages;
mod limits;
mod own;
mod python;
mod redis;
mod run;
mod sort;
mod sqlite;
mod threads;
