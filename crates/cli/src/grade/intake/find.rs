//! Which submissions the paths on the command line name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::name::safe;
use super::refusal::{IntakeError, shown};

/// A submission that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Unique among those found together; printable and safe as the name of a folder.
    pub name: String,
    /// Where it is: absolute, without links.
    pub path: PathBuf,
    /// How it was submitted.
    pub shape: Shape,
}

/// How something was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A folder.
    Folder,
    /// A C file by itself.
    C,
    /// A library that is built already.
    Library,
    /// A zip archive.
    Zip,
    /// A tar archive.
    Tar,
    /// A tar archive, gzipped.
    TarGz,
    /// A tar archive, compressed with xz.
    TarXz,
}

/// What the paths name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finds {
    /// In the order of the paths; those of a class are sorted by name.
    pub found: Vec<Found>,
    /// What lies in a class and is no submission, in a sentence each.
    pub ignored: Vec<String>,
}

/// Endings and what they stand for; the case of archives' endings does not matter.
const ENDINGS: [(&str, Shape); 8] = [
    (".tar.gz", Shape::TarGz),
    (".tgz", Shape::TarGz),
    (".tar.xz", Shape::TarXz),
    (".txz", Shape::TarXz),
    (".tar", Shape::Tar),
    (".zip", Shape::Zip),
    (".so", Shape::Library),
    (".c", Shape::C),
];

/// Finds what `paths` name: each is a submission, or with `batch` a folder of submissions.
pub fn find(paths: &[PathBuf], batch: bool) -> Result<Finds, IntakeError> {
    let mut finds = Finds::default();
    for path in paths {
        let failed = |source| IntakeError::Read { path: path.clone(), source };
        let real = fs::canonicalize(path).map_err(failed)?;
        let meta = fs::metadata(&real).map_err(failed)?;
        if batch {
            if !meta.is_dir() {
                return Err(IntakeError::NoFolder { path: path.clone() });
            }
            class(path, &real, &mut finds).map_err(failed)?.map_or(Ok(()), Err)?;
        } else {
            let name = real.file_name().ok_or_else(|| IntakeError::NoName { path: path.clone() })?;
            let (name, shape) = shape(name, meta.is_dir(), meta.is_file())
                .ok_or_else(|| IntakeError::NoSubmission { path: path.clone() })?;
            finds.found.push(Found { name, path: real, shape });
        }
    }
    let mut names: BTreeMap<&str, &Path> = BTreeMap::new();
    for found in &finds.found {
        if let Some(first) = names.insert(&found.name, &found.path) {
            let (name, first, second) = (found.name.clone(), first.to_owned(), found.path.clone());
            return Err(IntakeError::SameName { name, first, second });
        }
    }
    Ok(finds)
}

/// Adds the submissions in the class `folder`.
fn class(given: &Path, folder: &Path, finds: &mut Finds) -> io::Result<Option<IntakeError>> {
    let (mut found, mut ignored) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path, kind) = (entry.file_name(), entry.path(), entry.file_type()?);
        if name.as_bytes().starts_with(b".") || super::is_litter(name.as_bytes()) {
            continue;
        }
        match shape(&name, kind.is_dir(), kind.is_file()) {
            Some((name, shape)) => found.push(Found { name, path, shape }),
            None if kind.is_symlink() => ignored.push(format!("{} is a symbolic link", shown(&path))),
            None => ignored.push(format!("{} is no submission", shown(&path))),
        }
    }
    found.sort_by(|one, other| (&one.name, &one.path).cmp(&(&other.name, &other.path)));
    ignored.sort();
    if found.is_empty() {
        return Ok(Some(IntakeError::Empty { path: given.to_owned(), ignored }));
    }
    finds.found.extend(found);
    finds.ignored.extend(ignored);
    Ok(None)
}

/// The name and shape of what is called `name`, if it can be a submission.
fn shape(name: &OsStr, folder: bool, file: bool) -> Option<(String, Shape)> {
    if folder {
        return Some((safe(name), Shape::Folder));
    }
    let bytes = name.as_bytes();
    ENDINGS.iter().filter(|_| file).find_map(|(ending, shape)| {
        let (stem, end) = bytes.split_at_checked(bytes.len().checked_sub(ending.len())?)?;
        // `.C` and `.SO` are no endings that a compiler or loader knows.
        let same = match shape {
            Shape::C | Shape::Library => end == ending.as_bytes(),
            _ => end.eq_ignore_ascii_case(ending.as_bytes()),
        };
        (same && !stem.is_empty()).then(|| (safe(&OsString::from_vec(stem.to_owned())), *shape))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(finds: &Finds) -> Vec<&str> {
        finds.found.iter().map(|found| found.name.as_str()).collect()
    }

    #[test]
    fn a_class_is_sorted_and_says_what_it_ignores() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["zed.c", "bob.TAR.GZ", "carl.tgz", "dora.so", "readme.txt", ".c", ".hidden.zip"] {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at("alice.zip")).unwrap();
        fs::create_dir(at("__MACOSX")).unwrap();
        symlink("alice.zip", at("eve")).unwrap();
        let finds = find(&[folder.path().to_owned()], true).unwrap();
        assert_eq!(names(&finds), ["alice.zip", "bob", "carl", "dora", "zed"]);
        assert_eq!(finds.found[0].shape, Shape::Folder);
        assert_eq!(finds.found[1].shape, Shape::TarGz);
        assert_eq!(finds.ignored.len(), 2);
        assert!(finds.ignored[0].ends_with("eve is a symbolic link"));
    }

    #[test]
    fn paths_resolve_to_their_real_names() {
        let folder = tempfile::tempdir().unwrap();
        let alice = folder.path().join("alice");
        fs::create_dir_all(alice.join("src")).unwrap();
        for path in [alice.join(""), alice.join("."), alice.join("src/.."), alice.join("src/../.")] {
            assert_eq!(names(&find(&[path], false).unwrap()), ["alice"]);
        }
        assert!(matches!(find(&["/".into()], false), Err(IntakeError::NoName { .. })));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let error = |paths: &[PathBuf], batch| find(paths, batch).unwrap_err().to_string();
        assert!(error(&[at("none\n")], false).contains("none\\n: No such file"));
        assert!(error(&[folder.path().to_owned()], true).contains("holds no submission"));
        symlink("loop", at("loop")).unwrap();
        assert!(error(&[at("loop")], false).contains("loop: Too many levels of symbolic links"));
        fs::write(at("a.txt"), "").unwrap();
        assert!(error(&[at("a.txt")], false).contains("is no submission; give a folder"));
        assert!(error(&[at("a.txt")], true).contains("is no folder"));
        assert!(error(&[folder.path().to_owned()], true).contains("a.txt is no submission"));
        fs::write(at("a.c"), "").unwrap();
        fs::create_dir(at("a")).unwrap();
        let message = error(&[folder.path().to_owned()], true);
        assert!(message.contains("/a and ") && message.contains("/a.c are both named \"a\""), "{message}");
        assert!(error(&[at("a"), at("a/")], false).contains("both named \"a\""));
    }
}
