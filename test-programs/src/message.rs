//! The end of a program whose check failed: one line on standard error, without the standard library's formatting.

#![expect(unsafe_code, reason = "writes and exits through the C library")]

use core::ffi::c_int;

use osmem_replay::Line;

/// The exit status of a check without one of its own in [`osmem_replay::check`].
pub const FAILED: c_int = 1;

/// A piece of a message.
pub enum Part<'a> {
    Text(&'a str),
    Number(usize),
    Hex(usize),
}

/// Writes the parts as one line to standard error and ends the program with `status`, which says what kind of check it was.
pub fn fail(status: c_int, parts: &[Part]) -> ! {
    tell(parts);
    // SAFETY: ending the program needs nothing.
    unsafe { libc::exit(status) }
}

/// Writes the parts as one line to standard error.
pub fn tell(parts: &[Part]) {
    let line = parts.iter().fold(Line::new().text("check failed: "), |line, part| match *part {
        Part::Text(text) => line.text(text),
        Part::Number(number) => line.number(number as u64),
        Part::Hex(number) => line.hex(number as u64),
    });
    let line = line.text("\n");
    let bytes = line.as_bytes();
    // SAFETY: the bytes of the line are readable.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}
