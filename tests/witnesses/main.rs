//! Three witnesses agree: the golden traces, the oracle, and the allocator.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../../crates/cli/src/convert.rs"]
#[expect(dead_code, reason = "only one direction is needed here")]
mod convert;

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "not all of what is built is needed")]
mod support;

mod allocator;
mod fixtures;
mod library;
mod script;
