//! Names of submissions: printable, safe as the name of a folder, and different wherever the files' names are.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use sha2::{Digest, Sha256};

/// The most bytes of a name, so that it fits into a longer file name.
const LONGEST: usize = 120;
/// The digits of the digest at the end of a name that was cut.
const DIGITS: usize = 16;

/// Files of the class in the folder of results, beside those of the submissions.
const CLASS: [&str; 4] = ["results.jsonl", "summary.csv", "junit.xml", "ctrf.json"];

/// The name for a file's or folder's name. What is not safe is written `%0A`, byte by byte, and so is the `%` itself.
pub fn safe(raw: &OsStr) -> String {
    let bytes = raw.as_bytes();
    let mut parts: Vec<String> = Vec::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let first = parts.is_empty();
            let mut buffer = [0; 4];
            let text: &str = character.encode_utf8(&mut buffer);
            let plain = is_plain(character) && !(first && matches!(character, '-' | '.' | ' '));
            parts.push(if plain { text.to_owned() } else { escaped(text.as_bytes()) });
        }
        if !chunk.invalid().is_empty() {
            parts.push(escaped(chunk.invalid()));
        }
    }
    if let Some(last) = parts.last_mut().filter(|last| matches!(last.as_str(), " " | ".")) {
        *last = escaped(last.as_bytes());
    }
    // The class's own files have these names.
    if CLASS.contains(&parts.concat().as_str())
        && let Some(first) = parts.first_mut()
    {
        *first = escaped(first.as_bytes());
    }
    let whole = parts.concat();
    if whole.len() <= LONGEST {
        return whole;
    }
    let mut cut = String::new();
    for part in parts {
        if cut.len() + part.len() + 1 + DIGITS > LONGEST {
            break;
        }
        cut.push_str(&part);
    }
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).take(DIGITS / 2).collect();
    format!("{cut}~{digest}")
}

/// Neither a control or invisible character nor one that a file system or a shell gives a meaning to.
fn is_plain(character: char) -> bool {
    // After a letter, marks that combine with it stay as they are.
    let printable = format!("a{character}").escape_debug().count() == 2;
    printable && !matches!(character, '/' | '%' | '~' | ':' | '<' | '>' | '|' | '?' | '*')
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "%{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_reversible() {
        let cases: [(&[u8], &str); 14] = [
            (b"summary.csv", "%73ummary.csv"),
            (b"summary.csv2", "summary.csv2"),
            (b"alice", "alice"),
            (b"a b", "a b"),
            ("zoë".as_bytes(), "zoë"),
            ("zoe\u{308}".as_bytes(), "zoe\u{308}"),
            (b"a\nb", "a%0Ab"),
            (b"-rf", "%2Drf"),
            (b"..", "%2E%2E"),
            (b".hidden", "%2Ehidden"),
            (b"a%0Ab", "a%250Ab"),
            (b"\xffx", "%FFx"),
            (" x ".as_bytes(), "%20x%20"),
            ("a\u{202e}b\"c'd\\e".as_bytes(), "a%E2%80%AEb%22c%27d%5Ce"),
        ];
        for (raw, expected) in cases {
            assert_eq!(safe(OsStr::from_bytes(raw)), expected);
        }
    }

    #[test]
    fn long_names_are_cut_and_still_differ() {
        let (one, other) = ("ä\n".repeat(90) + "1", "ä\n".repeat(90) + "2");
        let (one, other) = (safe(OsStr::new(&one)), safe(OsStr::new(&other)));
        assert!(one.len() <= LONGEST && one != other && one.starts_with("ä%0Aä"), "{one}");
    }
}
