//! A line of text that is put together on the stack and leaves by one system call: neither takes memory, so it may be
//! said from anywhere, about a broken heap too.

use crate::sys::raw;

/// Text that grows at its end; what does not fit is left out.
///
/// ```
/// let mut line = osmem::line::Line::new();
/// line.text("free(").hex(0xbeef).text("): ").number(24).text(" bytes");
/// assert_eq!(line.bytes(), b"free(0xbeef): 24 bytes");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Line {
    room: [u8; Self::ROOM],
    used: usize,
}

impl Line {
    /// The longest line has so many bytes, its end included.
    pub const ROOM: usize = 512;
    /// So many bytes of a text that came from outside are repeated.
    pub const LONGEST_FOREIGN: usize = 40;

    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { room: [0; Self::ROOM], used: 0 }
    }

    /// Adds a text of our own.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for byte in text.bytes() {
            self.byte(byte);
        }
        self
    }

    /// Adds a text that came from outside: cut short, and never a second line or a command to the terminal.
    pub fn foreign(&mut self, text: &[u8]) -> &mut Self {
        for byte in text.iter().take(Self::LONGEST_FOREIGN) {
            self.byte(if byte.is_ascii_graphic() || *byte == b' ' { *byte } else { b'?' });
        }
        if text.len() > Self::LONGEST_FOREIGN {
            self.text("...");
        }
        self
    }

    /// Adds a number in decimal.
    pub fn number(&mut self, number: usize) -> &mut Self {
        self.digits(number, 10)
    }

    /// Adds an address: hexadecimal, with `0x` in front.
    pub fn hex(&mut self, number: usize) -> &mut Self {
        self.text("0x").digits(number, 16)
    }

    /// What was added so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.room.get(..self.used).unwrap_or_default()
    }

    /// Writes it to standard error, at once. A failure is ignored, since it cannot be reported; errno is kept.
    pub fn send(&self) {
        send(self.bytes());
    }

    fn digits(&mut self, number: usize, radix: usize) -> &mut Self {
        // The place of the first digit.
        let mut place = 1;
        while number / place >= radix {
            place *= radix;
        }
        while place > 0 {
            let digit = b"0123456789abcdef".get(number / place % radix);
            self.byte(digit.copied().unwrap_or(b'?'));
            place /= radix;
        }
        self
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.room.get_mut(self.used) {
            *place = byte;
            self.used += 1;
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a whole line to standard error, at once. errno is kept.
pub fn send(line: &[u8]) {
    raw::write_error(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_both_radixes() {
        let mut line = Line::new();
        line.number(0).text(" ").number(9).text(" ").number(10).text(" ").number(usize::MAX).text(" ");
        line.hex(0).text(" ").hex(0xbeef).text(" ").hex(usize::MAX);
        assert_eq!(line.bytes(), b"0 9 10 18446744073709551615 0x0 0xbeef 0xffffffffffffffff");
    }

    #[test]
    fn what_comes_from_outside_is_made_short_and_printable() {
        let mut line = Line::new();
        line.foreign("\u{1b}[2J\n\0é \x7f".as_bytes()).text("|").foreign(&[b'x'; 41]).text("|").foreign(&[b'y'; 40]);
        let expected = format!("?[2J???? ?|{}...|{}", "x".repeat(40), "y".repeat(40));
        assert_eq!(line.bytes(), expected.as_bytes());
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut line = Line::default();
        line.text(&"x".repeat(Line::ROOM - 1)).number(12345).hex(1).foreign(b"more");
        assert_eq!(line.bytes(), format!("{}1", "x".repeat(Line::ROOM - 1)).as_bytes());
    }
}
