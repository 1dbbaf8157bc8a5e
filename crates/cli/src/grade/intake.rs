//! From a path on the command line to a folder that can be built: what was submitted, read, allowed, overlaid, recognised.
//!
//! A submission is an enemy: no link is followed, nothing but files and folders is taken, every reading is bounded, and what is doubtful
//! is refused, never repaired. What else lies in a folder is left out with a note; an archive that holds it was packed so, and is refused. What is taken is held in memory until all of it has been looked at.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::grade::course::Course;

mod archive;
mod artifact;
mod bundle;
mod digest;
mod find;
mod name;
mod recipe;
mod refusal;
mod tree;

pub use artifact::{artifact, clear};
pub use digest::digest;
pub use find::{Finds, Found, Shape, find};
pub use name::safe;
pub use recipe::{Recipe, recognise};
pub use refusal::{IntakeError, Refusal};

use bundle::{Bundle, listed};

/// The most files that are taken into a build.
pub const MOST_FILES: usize = 2_000;
/// The most bytes that are taken into a build; also of an archive, a file and a library.
pub const MOST_BYTES: u64 = 64 << 20;
/// The most files and folders that are looked at.
pub const MOST_SEEN: usize = 10_000;
/// The most entries of folders that are read, those that are never taken included.
pub const MOST_LISTED: usize = 200_000;
/// The most bytes that are read, those that are not taken included.
pub const MOST_READ: u64 = 128 << 20;
/// The most folders within folders.
pub const DEEPEST: usize = 32;

/// What was unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// What the instructor should know: files left out, files replaced, and the like.
    pub notes: Vec<String>,
}

/// Copies what was submitted into the empty folder `to`, as far as the course takes it, with the course's overlays;
/// the files in `under` fill what gaps are left.
pub fn unpack(found: &Found, course: &Course, under: &[(PathBuf, &[u8])], to: &Path) -> Result<Unpacked, Refusal> {
    let mut notes = Vec::new();
    let mut bundle = Bundle::default();
    match found.shape {
        Shape::Folder => tree::take(&found.path, course, &mut bundle, &mut notes)?,
        Shape::C | Shape::Library => {
            let path = PathBuf::from(match found.shape {
                Shape::C => format!("{}.c", found.name),
                _ => "libosmem.so".to_owned(),
            });
            bundle.file(path, tree::read_submitted(&found.path)?.into(), false)?;
        }
        Shape::Zip | Shape::Tar | Shape::TarGz | Shape::TarXz => {
            let bytes = tree::read_submitted(&found.path)?;
            archive::take(found.shape, &bytes, &mut bundle, &mut notes)?;
            for (what, paths) in bundle.sort_out(|path, _| remains(path)) {
                notes.push(format!("left out, {what}: {}", listed(&paths)));
            }
        }
    }
    for (what, paths) in bundle.sort_out(compiled) {
        notes.push(format!("left out, {what}: {}", listed(&paths)));
    }
    if let Some(files) = &course.files {
        let left_out = bundle.keep(|path| files.is_match(path));
        // A folder's files have been asked before they were read.
        if !left_out.is_empty() {
            notes.push(format!("the course does not take: {}", listed(&left_out)));
        }
    }
    for file in &course.under.files {
        bundle.under(&file.path, &file.bytes, file.executable);
    }
    for (path, bytes) in under {
        bundle.under(path, bytes, false);
    }
    let mut replaced = Vec::new();
    for file in &course.over.files {
        if bundle.over(&file.path, &file.bytes, file.executable) {
            replaced.push(file.path.clone());
        }
    }
    let bypasses = bypasses(course, &mut bundle);
    if !bypasses.is_empty() {
        notes.push(format!("left out, since the course says how to build: {}", listed(&bypasses)));
    }
    if !replaced.is_empty() {
        notes.push(format!("replaced by the course: {}", listed(&replaced)));
    }
    bundle.write(to)?;
    Ok(Unpacked { notes })
}

/// Drops what would be built by instead of what the course brings, and returns it.
fn bypasses(course: &Course, bundle: &mut Bundle<'_>) -> Vec<PathBuf> {
    let is_recipe = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        recipe::MAKEFILES.iter().any(|makefile| name == *makefile) || path == Path::new("Cargo.toml")
    };
    let own = |path: &Path| course.over.files.iter().any(|file| file.path == path);
    if !course.over.files.iter().any(|file| is_recipe(&file.path)) {
        return Vec::new();
    }
    let in_place = |path: &Path| ["", "src"].iter().any(|folder| path.parent() == Some(Path::new(folder)));
    bundle.keep(|path| own(path) || !in_place(path) || !is_recipe(path))
}

/// What a folder of no interest is called: version control, and what builds leave behind.
fn is_ballast(name: &[u8]) -> bool {
    [&b".git"[..], b"target", b"node_modules"].contains(&name)
}

/// What a file is, in the plural, that a crash or a build has left behind. Nothing of it comes into a build, where make would take it for
/// up to date. The library at the top stays: it may be all that there is.
fn remains(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.as_bytes();
    let is_numbered = |start: &[u8]| name.strip_prefix(start).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit));
    let ends = |ending: &&[u8]| name.ends_with(ending) && name.len() > ending.len();
    if name == b"core" || is_numbered(b"core.") || is_numbered(b"vgcore.") {
        return Some("core files");
    }
    let is_built = [&b".o"[..], b".so", b".a", b".d", b".lo", b".la", b".obj"].iter().any(ends)
        || name.windows(4).any(|part| part == b".so.");
    (is_built && path != Path::new(recipe::LIBRARY)).then_some("what earlier builds made")
}

/// Returns the kind, in the plural, of a file that a compiler, a linker or an archiver made, whatever its name says. What is graded is built here, from
/// sources. The library at the top stays: it may be all that there is.
fn compiled(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [&[u8]; 4] = [b"\x7fELF", b"!<arch>\n", b"!<thin>\n", b"BC\xc0\xde"];
    let is_compiled = BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning));
    (is_compiled && path != Path::new(recipe::LIBRARY)).then_some("compiled files")
}

/// What file managers leave behind.
fn is_litter(name: &[u8]) -> bool {
    name == b"__MACOSX" || name == b".DS_Store" || name.starts_with(b"._")
}

#[cfg(test)]
mod tests;
