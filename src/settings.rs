//! What a user sets through the environment, as plain values: parsing only, no system call and no memory taken.
//!
//! | variable | value | meaning |
//! |---|---|---|
//! | `OSMEM_TOP_PAD` | bytes | how much more than needed the heap grows by |
//! | `OSMEM_MMAP_THRESHOLD` | bytes | from which size on a block gets a mapping of its own |
//! | `OSMEM_ON_MISUSE` | `ignore`, `report`, `abort` | what happens after a double free and its like |
//! | `OSMEM_STATS` | `0`, `1` | one line of figures on standard error at exit |
//! | `OSMEM_THREAD_CACHE` | `0`, `1` | small free blocks are kept per thread |
//!
//! Bytes are a decimal number, optionally followed by `K`, `M` or `G` (1024, 1024², 1024³), and at most `PTRDIFF_MAX`.
//! An empty value is as good as none; where a variable stands twice, the first one counts, as for `getenv`. Anything else
//! is nonsense: the default holds, and under `OSMEM_ON_MISUSE=report` a line says so.

use crate::line::Line;

/// What happens when a pointer is freed or resized that is no live block, or whose header is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMisuse {
    /// The call does nothing.
    Ignore,
    /// One line on standard error; then the call does nothing.
    Report,
    /// One line on standard error; then the process aborts.
    Abort,
}

/// What the environment says. What it leaves out is for whoever is configured to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes by which the heap grows beyond what is needed.
    pub top_pad: Option<usize>,
    /// Bytes from which on a block gets a mapping of its own.
    pub mmap_threshold: Option<usize>,
    /// What happens on misuse.
    pub on_misuse: Option<OnMisuse>,
    /// Whether a line of figures is printed at exit.
    pub stats: bool,
    /// Whether threads keep small free blocks for themselves.
    pub thread_cache: bool,
}

impl Settings {
    /// What holds in an environment without any of the variables.
    #[must_use]
    pub const fn new() -> Self {
        Self { top_pad: None, mmap_threshold: None, on_misuse: None, stats: false, thread_cache: true }
    }

    /// The settings among `variables`, pairs of name and value. Under `OSMEM_ON_MISUSE=report`, `complain` is called for
    /// each variable that holds nonsense, with one whole line of printable ASCII, the line's end included.
    pub fn from_environment<'a>(
        variables: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        mut complain: impl FnMut(&[u8]),
    ) -> Self {
        // Gathered first and read afterwards: whether to complain may be said behind what there is to complain about.
        let mut values: [Option<&[u8]>; NAMES.len()] = [None; NAMES.len()];
        for (name, value) in variables {
            for (known, slot) in NAMES.iter().zip(&mut values) {
                if known.as_bytes() == name && slot.is_none() {
                    *slot = Some(value);
                }
            }
        }
        let [top_pad, mmap_threshold, on_misuse, stats, thread_cache] =
            values.map(|value| value.filter(|value| !value.is_empty()));
        let on_misuse = on_misuse.and_then(misuse);
        let mut reader = Reader { complain: &mut complain, aloud: on_misuse == Some(OnMisuse::Report) };
        let default = Self::new();
        Self {
            top_pad: reader.read(TOP_PAD, top_pad, bytes, "a number of bytes"),
            mmap_threshold: reader.read(MMAP_THRESHOLD, mmap_threshold, bytes, "a number of bytes"),
            on_misuse,
            stats: reader.read(STATS, stats, switch, "0 or 1").unwrap_or(default.stats),
            thread_cache: reader.read(THREAD_CACHE, thread_cache, switch, "0 or 1").unwrap_or(default.thread_cache),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

const TOP_PAD: &str = "OSMEM_TOP_PAD";
const MMAP_THRESHOLD: &str = "OSMEM_MMAP_THRESHOLD";
const ON_MISUSE: &str = "OSMEM_ON_MISUSE";
const STATS: &str = "OSMEM_STATS";
const THREAD_CACHE: &str = "OSMEM_THREAD_CACHE";

const NAMES: [&str; 5] = [TOP_PAD, MMAP_THRESHOLD, ON_MISUSE, STATS, THREAD_CACHE];

struct Reader<'a, F> {
    complain: &'a mut F,
    aloud: bool,
}

impl<F: FnMut(&[u8])> Reader<'_, F> {
    /// `value` as `parse` reads it; nonsense is `None`, and complained about.
    fn read<T>(
        &mut self,
        name: &str,
        value: Option<&[u8]>,
        parse: impl Fn(&[u8]) -> Option<T>,
        wanted: &str,
    ) -> Option<T> {
        let value = value?;
        let parsed = parse(value);
        if parsed.is_none() && self.aloud {
            let mut line = Line::new();
            line.text("osmem: ").text(name).text("=").foreign(value).text(" is ignored: set it to ");
            line.text(wanted).text("\n");
            (self.complain)(line.bytes());
        }
        parsed
    }
}

fn misuse(value: &[u8]) -> Option<OnMisuse> {
    match value {
        b"ignore" => Some(OnMisuse::Ignore),
        b"report" => Some(OnMisuse::Report),
        b"abort" => Some(OnMisuse::Abort),
        _ => None,
    }
}

fn switch(value: &[u8]) -> Option<bool> {
    match value {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

fn bytes(value: &[u8]) -> Option<usize> {
    let (digits, unit) = match value {
        [digits @ .., b'K'] => (digits, 1 << 10),
        [digits @ .., b'M'] => (digits, 1 << 20),
        [digits @ .., b'G'] => (digits, 1 << 30),
        digits => (digits, 1_usize),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_usize;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(usize::from(*digit - b'0'))?;
    }
    number.checked_mul(unit).filter(|bytes| *bytes <= isize::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of these variables, and the complaints.
    fn read(variables: &[(&str, &str)]) -> (Settings, Vec<String>) {
        let mut complaints = Vec::new();
        let variables = variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let settings = Settings::from_environment(variables, |line| {
            complaints.push(String::from_utf8(line.to_vec()).expect("ASCII"));
        });
        (settings, complaints)
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(read(&[("HOME", "/"), ("OSMEM", "1"), ("OSMEM_STATS_", "1")]), (Settings::default(), vec![]));
        assert_eq!(read(&NAMES.map(|name| (name, ""))), (Settings::default(), vec![]));
    }

    #[test]
    fn every_variable_is_read() {
        let (settings, complaints) = read(&[
            ("OSMEM_THREAD_CACHE", "0"),
            ("OSMEM_STATS", "1"),
            ("OSMEM_ON_MISUSE", "ignore"),
            ("OSMEM_MMAP_THRESHOLD", "2M"),
            ("OSMEM_TOP_PAD", "0"),
        ]);
        let expected = Settings {
            top_pad: Some(0),
            mmap_threshold: Some(2 << 20),
            on_misuse: Some(OnMisuse::Ignore),
            stats: true,
            thread_cache: false,
        };
        assert_eq!((settings, complaints), (expected, vec![]));
        let (settings, _) = read(&[("OSMEM_STATS", "0"), ("OSMEM_THREAD_CACHE", "1")]);
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn the_first_of_two_counts() {
        let (settings, _) = read(&[("OSMEM_TOP_PAD", "1"), ("OSMEM_TOP_PAD", "2")]);
        assert_eq!(settings.top_pad, Some(1));
    }

    #[test]
    fn bytes_are_decimal_with_a_unit_and_have_a_limit() {
        let most = isize::MAX.unsigned_abs();
        let good = [
            ("0", 0),
            ("007", 7),
            ("131072", 131_072),
            ("128K", 131_072),
            ("1G", 1 << 30),
            ("9223372036854775807", most),
            ("8589934591G", 8_589_934_591 << 30),
        ];
        for (text, number) in good {
            assert_eq!(bytes(text.as_bytes()), Some(number), "{text}");
        }
        let bad = [
            "",
            "K",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1k",
            "1KB",
            "1KK",
            "0x10",
            "1.5M",
            "1e6",
            "9223372036854775808",
            "18446744073709551616",
            "8589934592G",
            "99999999999999999999999999",
            "١",
            "1\n",
        ];
        for text in bad {
            assert_eq!(bytes(text.as_bytes()), None, "{text}");
        }
    }

    const NONSENSE: [(&str, &str); 4] = [
        ("OSMEM_TOP_PAD", "much"),
        ("OSMEM_MMAP_THRESHOLD", "-1"),
        ("OSMEM_STATS", "yes"),
        ("OSMEM_THREAD_CACHE", "2"),
    ];

    #[test]
    fn nonsense_is_the_default_in_silence() {
        assert_eq!(read(&NONSENSE), (Settings::default(), vec![]));
        assert_eq!(read(&[("OSMEM_ON_MISUSE", "Report"), ("OSMEM_STATS", "2")]), (Settings::default(), vec![]));
    }

    #[test]
    fn nonsense_is_reported_where_reports_are_wanted() {
        let mut variables = NONSENSE.to_vec();
        variables.push(("OSMEM_ON_MISUSE", "report")); // the last one: what stands before it is reported too
        let (settings, complaints) = read(&variables);
        assert_eq!(settings, Settings { on_misuse: Some(OnMisuse::Report), ..Settings::default() });
        assert_eq!(
            complaints,
            [
                "osmem: OSMEM_TOP_PAD=much is ignored: set it to a number of bytes\n",
                "osmem: OSMEM_MMAP_THRESHOLD=-1 is ignored: set it to a number of bytes\n",
                "osmem: OSMEM_STATS=yes is ignored: set it to 0 or 1\n",
                "osmem: OSMEM_THREAD_CACHE=2 is ignored: set it to 0 or 1\n",
            ]
        );
    }

    #[test]
    fn a_complaint_is_one_short_printable_line() {
        let value = format!("\u{1b}[2J\n\0é{}", "x".repeat(5000));
        let (_, complaints) = read(&[("OSMEM_MMAP_THRESHOLD", &value), ("OSMEM_ON_MISUSE", "report")]);
        let shown = format!("?[2J????{}...", "x".repeat(Line::LONGEST_FOREIGN - 8));
        let line = format!("osmem: OSMEM_MMAP_THRESHOLD={shown} is ignored: set it to a number of bytes\n");
        assert_eq!(complaints, [line]);
    }
}
