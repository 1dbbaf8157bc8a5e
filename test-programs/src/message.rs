//! The end of a program whose check failed: one line on standard error, without the standard library's formatting.

#![expect(unsafe_code, reason = "writes and exits through the C library")]

/// A piece of a message.
pub enum Part<'a> {
    Text(&'a str),
    Number(usize),
    Hex(usize),
}

/// A line of bounded length; what does not fit is cut off.
struct Line {
    bytes: [u8; 240],
    length: usize,
}

impl Line {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn push_text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.push(byte));
    }

    fn push_number(&mut self, number: usize, base: usize) {
        if number >= base {
            self.push_number(number / base, base);
        }
        self.push(b"0123456789abcdef"[number % base]);
    }
}

/// Writes the parts as one line to standard error and ends the program with 1.
pub fn fail(parts: &[Part]) -> ! {
    let mut line = Line { bytes: [0; 240], length: 0 };
    line.push_text("check failed: ");
    for part in parts {
        match *part {
            Part::Text(text) => line.push_text(text),
            Part::Number(number) => line.push_number(number, 10),
            Part::Hex(number) => {
                line.push_text("0x");
                line.push_number(number, 16);
            }
        }
    }
    line.push_text("\n");
    // SAFETY: the first `length` bytes of the line are readable, and ending the program needs nothing.
    unsafe {
        libc::write(libc::STDERR_FILENO, line.bytes.as_ptr().cast(), line.length);
        libc::exit(1);
    }
}
