//! What the replayer shows to a tracer when it runs all sequences: a `write` to descriptor -1, which the kernel refuses.

#![expect(unsafe_code, reason = "makes a system call by hand")]

use osmem_replay::Line;

/// Writes marks that start with a key, or none.
#[derive(Clone, Copy)]
pub struct Marks(Option<u64>);

impl Marks {
    /// None at all: the probe makes them.
    pub const NONE: Self = Self(None);

    /// Marks with this key.
    pub const fn with(key: u64) -> Self {
        Self(Some(key))
    }

    /// A mark of one word.
    pub fn word(self, word: &str) {
        self.emit(|line| line.text(word));
    }

    /// A mark of a word and a number.
    pub fn numbered(self, word: &str, number: u32) {
        self.emit(|line| line.text(word).text(" ").number(u64::from(number)));
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
