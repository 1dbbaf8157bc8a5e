//! The library that a build has left behind. The build was the submission's: everything in its folder is in enemy hands.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::recipe::{LIBRARY, Recipe};
use super::refusal::{Refusal, shown};
use super::tree::{Barrier, entries, open_below, open_root, read_bounded, words};
use super::{MOST_BYTES, MOST_SEEN};
use crate::grade::course::Course;
use crate::grade::folder::open_up;

/// Where cargo puts what it has built.
const CARGO: &str = "target/release";

/// Copies the library that was built in `folder` to the new file `to`.
pub fn artifact(folder: &Path, course: &Course, recipe: &Recipe, to: &Path) -> Result<(), Refusal> {
    open_up(folder);
    let root = open_root(folder).map_err(|error| match error {
        // It could be read when the build began.
        Errno::EACCES | Errno::EPERM => Refusal::NoBuild("the build left a folder that may not be read".to_owned()),
        _ => Refusal::infra("read", folder, error),
    })?;
    let candidates = match (&course.build.library, recipe) {
        (_, Recipe::Prebuilt { file }) => vec![file.clone()],
        (_, Recipe::C { .. } | Recipe::Cxx { .. }) => vec![LIBRARY.into()],
        (Some(library), _) => vec![library.clone()],
        (None, Recipe::Course { .. }) => vec![LIBRARY.into()],
        (None, Recipe::Cargo) => vec![cargo(root.as_fd())?],
        (None, Recipe::Makefile { dir }) => {
            let mut candidates = vec![dir.join(LIBRARY)];
            for dir in ["", "src", "build"] {
                let candidate = Path::new(dir).join(LIBRARY);
                if !candidates.contains(&candidate) {
                    candidates.push(candidate);
                }
            }
            candidates
        }
    };
    for path in &candidates {
        match open_below(root.as_fd(), path, OFlag::empty()) {
            Ok(opened) => return copy(File::from(opened), path, to),
            Err(Barrier::Missing) => {}
            Err(Barrier::Link) => return Err(unusable(path, "is reached by a symbolic link")),
            // What opening a socket gives.
            Err(Barrier::System(Errno::ENXIO)) => return Err(unusable(path, "is a socket or a device")),
            Err(Barrier::System(Errno::EACCES | Errno::EPERM)) => return Err(unusable(path, "may not be read")),
            Err(Barrier::System(error)) => return Err(Refusal::infra("read", &folder.join(path), error)),
        }
    }
    let looked = candidates.iter().map(shown).collect::<Vec<_>>().join(", ");
    Err(Refusal::NoBuild(format!("the build left no library; looked for {looked}")))
}

/// Removes the library that was submitted beside its sources: what is graded must come from the build.
pub fn clear(folder: &Path, recipe: &Recipe, notes: &mut Vec<String>) -> Result<(), Refusal> {
    let library = folder.join(LIBRARY);
    if matches!(recipe, Recipe::Prebuilt { .. }) || !library.is_file() {
        return Ok(());
    }
    notes.push(format!("left out, what earlier builds made: {LIBRARY}"));
    fs::remove_file(&library).map_err(|error| Refusal::infra("remove", &library, error))
}

fn copy(file: File, path: &Path, to: &Path) -> Result<(), Refusal> {
    let failed = |error| Refusal::infra("read", path, error);
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(unusable(path, &format!("is {}", words(&meta))));
    }
    let large = || unusable(path, &format!("has more than {} MiB", MOST_BYTES >> 20));
    if meta.len() > MOST_BYTES {
        return Err(large());
    }
    let bytes = read_bounded(file, MOST_BYTES).map_err(failed)?.ok_or_else(large)?;
    if bytes.is_empty() {
        return Err(unusable(path, "is empty"));
    }
    File::create_new(to)
        .and_then(|mut copy| {
            copy.write_all(&bytes)?;
            copy.set_permissions(Permissions::from_mode(0o644))
        })
        .map_err(|error| Refusal::infra("write", to, error))
}

/// The one library that cargo has built.
fn cargo(root: BorrowedFd) -> Result<PathBuf, Refusal> {
    let dir = Path::new(CARGO);
    let opened = match open_below(root, dir, OFlag::O_DIRECTORY) {
        Ok(opened) => opened,
        Err(Barrier::Link) => return Err(unusable(dir, "is reached by a symbolic link")),
        Err(Barrier::Missing) => return Ok(dir.join(LIBRARY)),
        Err(Barrier::System(error)) => return Err(unusable(dir, &format!("cannot be read: {error}"))),
    };
    let failed = |error| Refusal::infra("read", dir, error);
    let mut libraries = Vec::new();
    for (number, entry) in entries(opened.as_fd()).map_err(failed)?.enumerate() {
        if number > MOST_SEEN {
            return Err(unusable(dir, &format!("has more than {MOST_SEEN} entries")));
        }
        let name = entry.map_err(failed)?.file_name();
        if name.as_bytes().starts_with(b"lib") && name.as_bytes().ends_with(b".so") {
            libraries.push(PathBuf::from(name));
        }
    }
    libraries.sort();
    match libraries.as_slice() {
        [] => Err(Refusal::NoBuild(format!(
            "cargo built no shared library in {CARGO}; Cargo.toml needs crate-type = [\"cdylib\"] under [lib]"
        ))),
        [only] => Ok(dir.join(only)),
        several if several.iter().any(|name| name == Path::new(LIBRARY)) => Ok(dir.join(LIBRARY)),
        several => Err(Refusal::NoBuild(format!(
            "cargo built more than one shared library in {CARGO}: {}; name the one to grade {LIBRARY}",
            super::bundle::listed(several)
        ))),
    }
}

fn unusable(path: &Path, why: &str) -> Refusal {
    Refusal::NoBuild(format!("what the build left cannot be used: {} {why}", shown(path)))
}
