//! What the replayer shows to a tracer when it runs all sequences: a `write` to descriptor -1, which the kernel refuses, or a note in a
//! ring, where the tracer can read that.

#![expect(unsafe_code, reason = "makes a system call by hand")]

use osmem_replay::Line;
use osmem_ring::{Note, Ring, kind};

/// Each child has a copy of its own.
static RING: Ring = Ring::new();

/// Makes marks that start with a key, or none.
#[derive(Clone, Copy)]
pub struct Marks(Option<u64>);

impl Marks {
    /// None at all: the probe makes them.
    pub const NONE: Self = Self(None);

    /// Marks with this key.
    pub const fn with(key: u64) -> Self {
        Self(Some(key))
    }

    /// The parent is about to make its first child.
    pub fn ready(self) {
        let ring = (&raw const RING).addr() as u64;
        self.emit(|line| line.text("ready ").hex(ring));
    }

    /// All children have ended.
    pub fn over(self) {
        self.emit(|line| line.text("over"));
    }

    /// A child begins to play the sequence of this number.
    pub fn sequence(self, number: u32) {
        self.leave(kind::SEQUENCE, number, |line| line.text("sequence ").number(number.into()));
    }

    /// The operation of this number begins.
    pub fn op(self, number: u32) {
        self.leave(kind::OP, number, |line| line.text("op ").number(number.into()));
    }

    /// The program itself is about to move the break.
    pub fn program(self) {
        self.leave(kind::PROGRAM, 0, |line| line.text("program"));
    }

    /// It has done so.
    pub fn program_done(self) {
        self.leave(kind::PROGRAM_DONE, 0, |line| line.text("done"));
    }

    /// The last operation is over.
    pub fn end(self) {
        self.leave(kind::END, 0, |line| line.text("end"));
    }

    /// Leaves a note where it is read, otherwise makes a mark.
    fn leave(self, kind: u64, first: u32, body: impl FnOnce(Line) -> Line) {
        let Self(Some(key)) = self else { return };
        if !RING.is_read() {
            self.emit(body);
        } else if RING.leave(key, Note { kind, first: first.into(), second: 0 }) {
            self.emit(|line| line.text("full"));
        }
    }

    fn emit(self, body: impl FnOnce(Line) -> Line) {
        if let Self(Some(key)) = self {
            let line = body(Line::new().key(key).text(" "));
            write_nowhere(line.as_bytes());
        }
    }
}

/// The one instruction that every mark comes from. It does not pass through the C library, where a library under test might
/// have put a `write` of its own, and leaves errno alone.
#[inline(never)]
#[cfg(target_arch = "x86_64")]
fn write_nowhere(bytes: &[u8]) {
    // SAFETY: reads the bytes only; the kernel clobbers what is said here.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") libc::SYS_write => _,
            in("rdi") -1_i64,
            in("rsi") bytes.as_ptr(),
            in("rdx") bytes.len(),
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, readonly)
        );
    }
}

/// As above.
#[inline(never)]
#[cfg(target_arch = "aarch64")]
fn write_nowhere(bytes: &[u8]) {
    // SAFETY: reads the bytes only; the kernel clobbers what is said here.
    unsafe {
        core::arch::asm!(
            "svc #0",
            in("x8") libc::SYS_write,
            inlateout("x0") -1_i64 => _,
            in("x1") bytes.as_ptr(),
            in("x2") bytes.len(),
            options(nostack, readonly)
        );
    }
}
