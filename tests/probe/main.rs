//! The probe, from outside: small C programs with a small C library, run with the probe and watched by strace.
#![expect(clippy::expect_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "of all that is built, these tests need only the probe")]
mod support;

mod end;
mod key;
mod lab;
mod marks;
mod shape;
