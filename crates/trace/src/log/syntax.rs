//! The small language of strace's arguments: nested brackets, strings with escapes, comments.

/// Goes through `text` and tells `visit` each byte outside strings and comments with its position; stops when it says so.
fn outside(text: &str, mut visit: impl FnMut(usize, u8) -> bool) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => match text.get(at + 2..).and_then(|rest| rest.find("*/")) {
                Some(length) => at += length + 3,
                None => return,
            },
            _ if visit(at, byte) => return,
            _ => {}
        }
        at += 1;
    }
}

/// Where the parenthesis stands that closes the arguments, `text` being what follows the one that opens them.
pub fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut found = None;
    outside(text, |at, byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => found = Some(at),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        found.is_some()
    });
    found
}

/// The arguments one by one: cut at the commas outside brackets, strings and comments.
pub fn arguments(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut list = Vec::new();
    outside(text, |at, byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                list.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        false
    });
    let last = text[start..].trim();
    if !last.is_empty() {
        list.push(last);
    }
    list
}

/// Flags of a mapping that do not change what is mapped (O8).
const QUIET: [&str; 3] = ["MAP_NORESERVE", "MAP_POPULATE", "MAP_STACK"];

/// The flags of a mapping without those that do not change what is mapped.
pub fn telling_flags(flags: &str) -> String {
    let telling: Vec<&str> = flags.split('|').filter(|flag| !QUIET.contains(flag)).collect();
    telling.join("|")
}

/// The bytes of a string argument; `None` if it is no string, or strace has cut it short (`"abc"...`).
pub fn decode(argument: &str) -> Option<Vec<u8>> {
    let mut rest = argument.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((&byte, mut tail)) = rest.split_first() {
        if byte == b'\\' {
            let (&letter, after) = tail.split_first()?;
            tail = after;
            bytes.push(match letter {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'v' => 0x0b,
                b'f' => 0x0c,
                b'"' | b'\\' => letter,
                b'x' => number(&mut tail, 16, 2)?,
                b'0'..=b'7' => {
                    tail = rest.get(1..)?;
                    number(&mut tail, 8, 3)?
                }
                _ => return None,
            });
        } else if byte == b'"' {
            return None;
        } else {
            bytes.push(byte);
        }
        rest = tail;
    }
    Some(bytes)
}

/// A number of at most `longest` digits at the start of `bytes`, which it takes away.
fn number(bytes: &mut &[u8], radix: u32, longest: usize) -> Option<u8> {
    let digits = bytes.iter().take(longest).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let (number, rest) = bytes.split_at(digits);
    *bytes = rest;
    u8::from_str_radix(std::str::from_utf8(number).ok()?, radix).ok()
}

/// Replaces each address (a hexadecimal number of `least` or more outside strings and comments) by what `see` says.
pub fn relabel(text: &str, least: u64, mut see: impl FnMut(u64) -> String) -> String {
    let mut starts = Vec::new();
    let mut before = b' ';
    outside(text, |at, byte| {
        if byte == b'0' && !before.is_ascii_alphanumeric() && text[at..].starts_with("0x") {
            starts.push(at);
        }
        before = byte;
        false
    });
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for start in starts {
        let digits = &text[start + 2..];
        let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
        if let Some(address) = u64::from_str_radix(&digits[..length], 16).ok().filter(|address| *address >= least) {
            result.push_str(&text[done..start]);
            result.push_str(&see(address));
            done = start + 2 + length;
        }
    }
    result.push_str(&text[done..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_change_nothing_do_not_show() {
        for (flags, telling) in [
            ("MAP_PRIVATE|MAP_ANONYMOUS", "MAP_PRIVATE|MAP_ANONYMOUS"),
            ("MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE", "MAP_PRIVATE|MAP_ANONYMOUS"),
            ("MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE|MAP_STACK", "MAP_PRIVATE|MAP_ANONYMOUS"),
            ("MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE", "MAP_SHARED|MAP_ANONYMOUS"),
            ("MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS", "MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS"),
        ] {
            assert_eq!(telling_flags(flags), telling);
        }
    }
}
