//! What the whole program asked of the system, numbered as refusals are.

use crate::label::{address, is_query, pointer};
use crate::spec::Refused;
use crate::window::Doing;

/// A call of the program since the probe's first mark that can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub call: Refused,
    /// As [`crate::run::Refusal::first`] counts.
    pub number: u32,
    /// The `os_*` call that it was made in, counted from 0; `None`: the program made it itself.
    pub inside: Option<usize>,
    /// It only asks where the break is.
    pub queries: bool,
}

/// All such calls, in order.
pub fn asked(steps: &[Doing<'_>]) -> Vec<Asked> {
    let mut found = Vec::new();
    let (mut breaks, mut mappings, mut began, mut now) = (0, 0, false, None);
    for step in steps {
        let (inside, system) = match *step {
            Doing::Begin => {
                began = true;
                continue;
            }
            Doing::System { call, system, .. } => (call, system),
            Doing::Enter(..) | Doing::Leave(..) | Doing::Signal(..) => continue,
        };
        let (call, count, queries) = match system.name {
            "brk" => {
                let before = now;
                now = address(system.reply).or(now);
                (Refused::Brk, &mut breaks, pointer(&system.arguments).is_none_or(|to| is_query(to, before)))
            }
            "mmap" => (Refused::Mmap, &mut mappings, false),
            _ => continue,
        };
        if began {
            *count += 1;
            found.push(Asked { call, number: *count, inside, queries });
        }
    }
    found
}
