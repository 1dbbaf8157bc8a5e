//! Which files are let through where namespaces are forbidden.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use crate::policy::Policy;
use crate::view;

/// The newest version that is made use of; older kernels give less.
const NEWEST: ABI = ABI::V6;

/// What this system's Landlock keeps in besides opening, making and removing files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Signals to processes outside.
    pub signals: bool,
    /// `truncate`.
    pub truncation: bool,
}

/// What Landlock gives here; `None` without it.
pub fn available() -> Option<Kept> {
    let supports = |abi: ABI| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let ruleset = ruleset.handle_access(AccessFs::from_all(abi));
        let ruleset = match abi {
            ABI::V6 => ruleset.and_then(|ruleset| ruleset.scope(Scope::from_all(abi))),
            _ => ruleset,
        };
        ruleset.and_then(Ruleset::create).is_ok()
    };
    supports(ABI::V1).then(|| Kept { signals: supports(ABI::V6), truncation: supports(ABI::V3) })
}

/// Returns the parts of `path` that are let in, so that no hidden path is: all of it, or its other entries one by one. The folders above
/// what is hidden can then be passed through, but not listed.
fn without(path: &Path, hidden: &[&Path]) -> Vec<PathBuf> {
    let (mut shown, mut open) = (Vec::new(), vec![path.to_owned()]);
    while let Some(path) = open.pop() {
        if hidden.contains(&&*path) {
            continue;
        }
        if !hidden.iter().any(|hidden| hidden.starts_with(&path)) {
            shown.push(path);
            continue;
        }
        let entries = fs::read_dir(&path).into_iter().flatten().flatten();
        // What a link leads to is let in, or not, where it lies.
        let plain = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
        open.extend(plain.map(|entry| entry.path()));
    }
    shown
}

/// Keeps this process to what `policy` lets in, for ever.
pub fn confine(policy: &Policy) -> io::Result<()> {
    let failed = |error: landlock::RulesetError| io::Error::other(error.to_string());
    let all = AccessFs::from_all(NEWEST);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(failed)?;
    let reading = AccessFs::from_read(NEWEST);
    let [null, other @ ..] = view::DEVICES;
    let mut rules: Vec<(OsString, BitFlags<AccessFs>)> = vec![(null.into(), reading | AccessFs::WriteFile)];
    rules.extend(other.map(|device| (device.into(), BitFlags::from(AccessFs::ReadFile))));
    let hidden: Vec<&Path> = policy.hidden.iter().map(Path::new).collect();
    for path in &policy.readable {
        let shown = without(Path::new(path), &hidden);
        rules.extend(shown.into_iter().map(|path| (path.into_os_string(), reading)));
    }
    rules.extend(policy.writable.iter().map(|path| (path.clone(), all)));
    for (path, access) in rules {
        let Ok(descriptor) = PathFd::new(OsStr::new(&path)) else { continue };
        let access = if Path::new(&path).is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
        ruleset = ruleset.add_rule(PathBeneath::new(descriptor, access)).map_err(failed)?;
    }
    let status = ruleset.restrict_self().map_err(failed)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err(io::Error::other("Landlock is not enforced")),
        _ => Ok(()),
    }
}
