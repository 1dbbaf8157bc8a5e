//! Which system call of each program is refused: what `osmem check --inject` takes.

use std::fmt;
use std::str::FromStr;

use osmem_trace::run::{Refusal, Refused};

/// The only error that a refused `brk` or `mmap` stands for here.
const ERROR: &str = "ENOMEM";

/// A refusal, written `brk:ENOMEM:3` or `mmap:ENOMEM:1+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection(pub Refusal);

impl FromStr for Injection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write brk:ENOMEM:N or mmap:ENOMEM:N, with a + behind N for all later calls, too";
        let [call, error, number] = text.split(':').collect::<Vec<_>>()[..] else { return Err(FORM.to_owned()) };
        let call = match call {
            "brk" => Refused::Brk,
            "mmap" => Refused::Mmap,
            other => return Err(format!("\"{other}\" cannot be refused, only brk and mmap: {FORM}")),
        };
        if error != ERROR {
            return Err(format!("{} cannot be refused with \"{error}\", only with {ERROR}: {FORM}", call.name()));
        }
        let (digits, later) = number.strip_suffix('+').map_or((number, false), |digits| (digits, true));
        match digits.parse() {
            // The parser takes a sign, too.
            Ok(first @ 1..) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(Refusal { call, first, later }))
            }
            _ => Err(format!("\"{digits}\" is no number of a call, which begin with 1: {FORM}")),
        }
    }
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { call, first, later } = self.0;
        write!(f, "{}:{ERROR}:{first}{}", call.name(), if later { "+" } else { "" })
    }
}

/// `the 2nd mmap`, or `the 2nd mmap and all later ones`.
pub fn words(refusal: Refusal) -> String {
    let number = refusal.first;
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    let later = if refusal.later { " and all later ones" } else { "" };
    format!("the {number}{ending} {}{later}", refusal.call.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injection_is_read_as_it_is_written() {
        for (text, call, first, later) in [
            ("brk:ENOMEM:1", Refused::Brk, 1, false),
            ("brk:ENOMEM:12+", Refused::Brk, 12, true),
            ("mmap:ENOMEM:4294967295", Refused::Mmap, u32::MAX, false),
            ("mmap:ENOMEM:1+", Refused::Mmap, 1, true),
        ] {
            let injection: Injection = text.parse().unwrap();
            assert_eq!(injection, Injection(Refusal { call, first, later }));
            assert_eq!(injection.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_right_form() {
        for (text, complaint) in [
            ("", "write brk:ENOMEM:N"),
            ("brk", "write brk:ENOMEM:N"),
            ("brk:1", "write brk:ENOMEM:N"),
            ("brk:ENOMEM:1:2", "write brk:ENOMEM:N"),
            ("munmap:ENOMEM:1", "\"munmap\" cannot be refused, only brk and mmap"),
            ("BRK:ENOMEM:1", "\"BRK\" cannot be refused"),
            ("mmap:EAGAIN:1", "mmap cannot be refused with \"EAGAIN\", only with ENOMEM"),
            ("brk:ENOMEM:0", "\"0\" is no number of a call"),
            ("brk:ENOMEM:", "\"\" is no number of a call"),
            ("brk:ENOMEM:+", "\"\" is no number of a call"),
            ("brk:ENOMEM:+1", "\"+1\" is no number of a call"),
            ("brk:ENOMEM:1++", "\"1+\" is no number of a call"),
            ("brk:ENOMEM:-1", "\"-1\" is no number of a call"),
            ("brk:ENOMEM: 1", "\" 1\" is no number of a call"),
            ("brk:ENOMEM:4294967296", "\"4294967296\" is no number of a call"),
        ] {
            let error = text.parse::<Injection>().unwrap_err();
            assert!(error.contains(complaint) && error.contains("brk:ENOMEM:N or mmap:ENOMEM:N"), "{text}: {error}");
        }
    }

    #[test]
    fn refusals_are_counted_in_words() {
        let of = |first, later| words(Refusal { call: Refused::Mmap, first, later });
        for (number, word) in [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th")]
        {
            assert_eq!(of(number, false), format!("the {word} mmap"));
        }
        assert_eq!([of(21, false), of(112, false)], ["the 21st mmap", "the 112th mmap"]);
        assert_eq!(of(2, true), "the 2nd mmap and all later ones");
    }
}
