//! The code of the program, the replayer and the probe: it may not become writable, and nothing may take its place.
//!
//! System calls about memory are checked before the system makes them. Files below `/proc` by which a process could write
//! where it may not are kept away by the sandbox.

use std::ops::Range;

use super::follow::Follower;
use super::kernel::Tid;
use crate::origin::{Module, Modules};

impl Follower<'_> {
    /// Returns the change that a call would make to that code.
    pub(super) fn tampering(&mut self, tid: Tid, name: &str, arguments: [u64; 6]) -> Option<&'static str> {
        let (what, ranges) = changed(name, arguments)?;
        // Until the probe is there, the loader may still be at work: it maps the probe before all other libraries.
        if self.code.is_empty() || !self.has_probe && !self.began {
            let modules = Modules::of(tid, None, self.job.library);
            self.has_probe = modules.file(&Module::Probe).is_some();
            self.code = modules.code(&[Module::Program, Module::Probe]);
        }
        let meets = |range: &Range<u64>| self.code.iter().any(|code| code.start < range.end && range.start < code.end);
        ranges.iter().any(meets).then_some(what)
    }
}

/// Range of addresses that a call may map anew or protect anew.
fn changed(name: &str, arguments: [u64; 6]) -> Option<(&'static str, [Range<u64>; 2])> {
    const WRITE: u64 = 2;
    const FIXED: u64 = 0x10;
    const REMAP_FIXED: u64 = 2;
    let [first, second, third, fourth, fifth, _] = arguments;
    let one = |what| Some((what, [first..first.saturating_add(second), 0..0]));
    match name {
        "mprotect" | "pkey_mprotect" if third & WRITE != 0 => one("mprotect of the program's own code"),
        "mmap" if fourth & FIXED != 0 => one("mmap over the program's own code"),
        "munmap" => one("munmap of the program's own code"),
        "remap_file_pages" => one("remap_file_pages of the program's own code"),
        "mremap" => {
            let to = if fourth & REMAP_FIXED == 0 { 0..0 } else { fifth..fifth.saturating_add(third) };
            Some(("mremap of the program's own code", [first..first.saturating_add(second), to]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_that_is_there_is_not_looked_at() {
        assert!(changed("mprotect", [0x1000, 0x1000, 1, 0, 0, 0]).is_none());
        assert!(changed("mmap", [0, 0x1000, 3, 0x22, 0, 0]).is_none());
        assert!(changed("madvise", [0x1000, 0x1000, 4, 0, 0, 0]).is_none());
    }

    #[test]
    fn what_changes_code_is_told_with_its_range() {
        for (name, arguments) in [
            ("mprotect", [0x1000, 0x1000, 7, 0, 0, 0]),
            ("pkey_mprotect", [0x1000, 0x1000, 2, 0, 0, 0]),
            ("mmap", [0x1000, 0x1000, 5, 0x32, 0, 0]),
            ("munmap", [0x1000, 0x1000, 0, 0, 0, 0]),
            ("mremap", [0x9000, 0x1000, 0x1000, 3, 0x1000, 0]),
        ] {
            let (what, ranges) = changed(name, arguments).unwrap();
            assert!(what.contains(name.trim_start_matches("pkey_")), "{what}");
            assert!(ranges.contains(&(0x1000..0x2000)), "{name}: {ranges:?}");
        }
    }
}
