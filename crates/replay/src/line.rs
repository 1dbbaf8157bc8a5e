//! A line of text put together by hand, since formatting through the standard library might allocate.

const CAPACITY: usize = 240;

/// A line of bounded length; what does not fit is cut off.
pub struct Line {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Line {
    /// An empty line.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; CAPACITY], length: 0 }
    }

    /// Adds text as it is.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number in decimal.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.digits(number, 10)
    }

    /// Adds a number in hex, with `0x` in front.
    #[must_use]
    pub fn hex(self, number: u64) -> Self {
        self.text("0x").digits(number, 16)
    }

    /// Adds a number as 16 digits of hex.
    #[must_use]
    pub fn key(self, key: u64) -> Self {
        (0..16).rev().fold(self, |line, place| line.digit(key >> (4 * place) & 15))
    }

    /// What was added so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The recursion is as deep as the number has digits.
    fn digits(self, number: u64, base: u64) -> Self {
        let line = if number >= base { self.digits(number / base, base) } else { self };
        line.digit(number % base)
    }

    fn digit(self, digit: u64) -> Self {
        let digits = b"0123456789abcdef";
        let found = usize::try_from(digit).ok().and_then(|digit| digits.get(digit..=digit));
        self.bytes(found.unwrap_or(b"?"))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for (place, byte) in self.bytes.iter_mut().skip(self.length).zip(bytes) {
            *place = *byte;
            self.length += 1;
        }
        self
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}
