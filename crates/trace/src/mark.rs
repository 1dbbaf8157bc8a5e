//! What the probe says: the marks of `docs/design.md`.

use osmem_ring::{Note, kind};

use crate::log::{self, System};
use crate::model::{Function, Request};

/// The version of the marks.
pub const VERSION: u32 = 2;

/// The secret of a run: 16 hexadecimal digits that every genuine mark begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A mark, its key taken off; pointers are still addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The probe is loaded; this is its version of the marks. In its memory lies a ring of notes.
    Begin(String),
    /// The program's `main` is about to run.
    Main,
    /// A thread enters a call.
    Call(Request<u64>),
    /// The call returned, with this pointer if it has a result.
    Done(Option<u64>),
    /// The program ends itself.
    End(EndProof),
    /// The library lacks this function.
    Missing(Function),
    /// The ring of notes is full: it is time to read it.
    Full,
}

impl Mark {
    /// What a note of the probe says; `None` if it would not say such a thing.
    pub fn of(note: Note) -> Option<Self> {
        let Note { kind, first, second } = note;
        Some(match kind {
            kind::MALLOC => Self::Call(Request::Malloc { size: first }),
            kind::CALLOC => Self::Call(Request::Calloc { nmemb: first, size: second }),
            kind::REALLOC => Self::Call(Request::Realloc { pointer: first, size: second }),
            kind::FREE => Self::Call(Request::Free { pointer: first }),
            kind::RETURNED => Self::Done(Some(first)),
            kind::DONE => Self::Done(None),
            _ => return None,
        })
    }
}

/// The program itself ended the run, outside any call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndProof {
    /// `main` returned this value.
    Return(i32),
    /// The program called `exit`, `_exit`, `_Exit` or `quick_exit` with this value.
    Exit(i32),
}

impl EndProof {
    /// The status that the process must then exit with: the low eight bits.
    pub fn status(self) -> i32 {
        let (Self::Return(value) | Self::Exit(value)) = self;
        value & 0xff
    }
}

impl Key {
    const DIGITS: usize = 16;

    /// The key of these bits.
    pub fn new(bits: u64) -> Self {
        Self(format!("{bits:016x}"))
    }

    /// As notes are checked with it.
    pub fn bits(&self) -> u64 {
        u64::from_str_radix(&self.0, 16).unwrap_or(0)
    }

    /// As the probe gets it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The body of a mark with this key, `arguments` being those of a write [`to_nowhere`]; `None` also where the body has
    /// anything that strace would write as an escape.
    pub fn body<'t>(&self, arguments: &'t str) -> Option<&'t str> {
        let rest = arguments.strip_prefix('"')?.strip_prefix(&self.0)?.strip_prefix(' ')?;
        // After the dots of a text cut short there is no comma.
        rest.split_once('"').filter(|(body, rest)| !body.contains('\\') && rest.starts_with(',')).map(|(body, _)| body)
    }

    fn is_shape_of(text: &[u8]) -> bool {
        text.len() == Self::DIGITS && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

/// A write that looks like a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// What stands where the key should.
    pub key: String,
    /// What follows it.
    pub body: String,
}

impl Writing {
    /// Whether it has the key of this run.
    pub fn has(&self, key: &Key) -> bool {
        self.key == key.0
    }

    /// Sees a mark in a system call: a `write` to descriptor -1 of something that begins with a key and a space.
    pub fn of(system: &System<'_>) -> Option<Self> {
        let rest = to_nowhere(system)?;
        let text = *log::arguments(rest).first()?;
        // A text that strace had to cut short is no mark of ours, but may be meant to pass for one: its dots stay.
        let (text, dots) = text.strip_suffix("...").map_or((text, ""), |text| (text, "..."));
        let text = log::decode(text)?;
        let (key, body) = text.split_at_checked(Key::DIGITS).filter(|(key, _)| Key::is_shape_of(key))?;
        let body = String::from_utf8_lossy(body.strip_prefix(b" ")?).into_owned() + dots;
        Some(Self { key: String::from_utf8_lossy(key).into_owned(), body })
    }

    /// What it says, if the probe would say such a thing.
    pub fn read(&self) -> Option<Mark> {
        let words: Vec<&str> = self.body.split(' ').collect();
        Some(match words.as_slice() {
            // Another version may have another form; this one tells where the ring lies.
            ["begin", version, ..] if *version != VERSION.to_string() => Mark::Begin((*version).into()),
            ["begin", version, ring] => address(ring).map(|_| Mark::Begin((*version).into()))?,
            ["full"] => Mark::Full,
            ["main"] => Mark::Main,
            ["call", "os_malloc", size] => Mark::Call(Request::Malloc { size: size.parse().ok()? }),
            ["call", "os_calloc", nmemb, size] => {
                Mark::Call(Request::Calloc { nmemb: nmemb.parse().ok()?, size: size.parse().ok()? })
            }
            ["call", "os_realloc", pointer, size] => {
                Mark::Call(Request::Realloc { pointer: address(pointer)?, size: size.parse().ok()? })
            }
            ["call", "os_free", pointer] => Mark::Call(Request::Free { pointer: address(pointer)? }),
            ["done"] => Mark::Done(None),
            ["done", pointer] => Mark::Done(Some(address(pointer)?)),
            ["end", "return", value] => Mark::End(EndProof::Return(value.parse().ok()?)),
            ["end", "exit", value] => Mark::End(EndProof::Exit(value.parse().ok()?)),
            ["missing", name] => Mark::Missing(Function::from_name(name)?),
            _ => return None,
        })
    }
}

/// The arguments of a `write` to descriptor -1 after that descriptor, as strace writes them: where all marks are made.
pub fn to_nowhere<'t>(system: &'t System<'_>) -> Option<&'t str> {
    if system.name != "write" {
        return None;
    }
    let arguments = &*system.arguments;
    arguments.strip_prefix("-1, ").or_else(|| arguments.strip_prefix("4294967295, "))
}

/// An address as marks have it.
pub fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
