//! The end of the replayer when something is wrong: one line on standard error, without the standard library's formatting.

#![expect(unsafe_code, reason = "writes and exits through the C library")]

use osmem_replay::{Line, check};

/// Writes the line to standard error.
fn print(line: &Line) {
    let bytes = line.as_bytes();
    // SAFETY: the bytes are readable.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}

/// Ends the program because it cannot do its work, which is no fault of the library.
pub fn unusable(reason: &str) -> ! {
    let line = Line::new().text("osmem-replayer: ").text(reason).text("\n");
    fail(&line, check::UNUSABLE)
}

/// Writes the line and ends the program as a return from `main` would, with this status.
pub fn fail(line: &Line, status: i32) -> ! {
    print(line);
    // SAFETY: ending the program needs nothing.
    unsafe { libc::exit(status) }
}

/// Ends a child at once: what the parent or the library left to be done at the exit is not done.
pub fn end_child(status: i32) -> ! {
    // SAFETY: ending the process needs nothing.
    unsafe { libc::_exit(status) }
}
