//! Marks: how they are written, and that is by hand, since formatting through the standard library might allocate.

use core::ffi::c_int;

use crate::{arch, key};

/// The longest mark is 74 bytes: an os_calloc with two 20-digit numbers.
const CAPACITY: usize = 128;

/// A mark being put together on the stack. What does not fit is cut off; nothing here can panic.
pub struct Mark {
    text: [u8; CAPACITY],
    length: usize,
}

impl Mark {
    /// A mark whose body starts with `word`.
    pub fn new(word: &str) -> Self {
        let mark = Mark { text: [0; CAPACITY], length: 0 };
        let key = key::get().unwrap_or(0);
        (0..16).rev().fold(mark, |mark, place| mark.digit(key >> (4 * place) & 15)).word(word)
    }

    /// Adds a word.
    pub fn word(self, word: &str) -> Self {
        self.bytes(b" ").bytes(word.as_bytes())
    }

    /// Adds a size, in decimal.
    pub fn size(self, size: u64) -> Self {
        self.bytes(b" ").number::<10>(size)
    }

    /// Adds a pointer, in hex.
    pub fn pointer(self, pointer: u64) -> Self {
        self.bytes(b" 0x").number::<16>(pointer)
    }

    /// Adds an exit status as the program gave it, in decimal; the kernel will keep its lowest 8 bits.
    pub fn status(self, status: c_int) -> Self {
        let sign: &[u8] = if status < 0 { b" -" } else { b" " };
        self.bytes(sign).number::<10>(status.unsigned_abs().into())
    }

    /// Shows the mark to the tracer, if there is one.
    pub fn emit(self) {
        if key::get().is_some() {
            arch::write_nowhere(self.text.as_ptr(), self.length);
        }
    }

    /// Adds a number; its recursion is as deep as it has digits.
    fn number<const RADIX: u64>(self, number: u64) -> Self {
        let mark = if number >= RADIX { self.number::<RADIX>(number / RADIX) } else { self };
        mark.digit(number % RADIX)
    }

    fn digit(self, digit: u64) -> Self {
        let digit = usize::try_from(digit).unwrap_or(usize::MAX - 1);
        self.bytes(b"0123456789abcdef".get(digit..=digit).unwrap_or(b"?"))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for (place, byte) in self.text.iter_mut().skip(self.length).zip(bytes) {
            *place = *byte;
            self.length += 1;
        }
        self
    }
}
