//! The program that replays sequences of calls: its checks bite, it outlives what libraries do, and its own library passes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

#[expect(dead_code, reason = "these tests need only the library and the replayer")]
#[path = "../support/mod.rs"]
mod support;

mod checks;
mod job;
mod own;
mod trouble;
mod unusable;
