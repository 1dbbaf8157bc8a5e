//! The record as one JSON object, for programs.

use std::io::{self, Write};

use serde::Serialize;

/// Writes `value` and a line feed.
pub fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
