//! The battery as a whole, through the command that people use: our own library passes it, everywhere and every time, and
//! what the golden traces say is the library's doing alone.
#![expect(clippy::expect_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests find the probe as people do, through the command")]
mod support;

mod compact;
mod installed;
mod plain_user;
mod record;
mod silent;
mod steady;
