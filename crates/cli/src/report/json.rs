//! The record as one JSON object, for programs.

use std::io::{self, Write};

use serde::Serialize;

/// Writes `value` and a line feed.
pub fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    // As one piece: a stream that looks for colours takes its time over each.
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    out.write_all(&text)
}
