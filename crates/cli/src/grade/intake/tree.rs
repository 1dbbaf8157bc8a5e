//! A folder that was submitted, looked at without following a link at any level: every step is an `openat` of one name.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use super::bundle::{Bundle, listed, too_large};
use super::refusal::{Refusal, shown};
use super::{DEEPEST, MOST_BYTES, MOST_FILES, MOST_LISTED, MOST_SEEN};
use crate::grade::course::Course;

/// Something in a folder.
#[derive(Debug)]
pub struct Item {
    /// Relative to the folder.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Its bytes, if it is a file.
    pub size: u64,
    /// Whether it may be executed.
    pub executable: bool,
}

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
}

/// Everything in a folder, sorted, but for version control, what builds and crashes leave behind, what file managers do, and what is
/// neither file nor folder.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
    path: PathBuf,
    /// Everything that counts.
    pub items: Vec<Item>,
    /// The folders that were not looked into.
    pub skipped: Vec<PathBuf>,
    /// What is never taken, by what it is, in the plural.
    pub left_out: BTreeMap<&'static str, Vec<PathBuf>>,
}

/// Why a path below a folder was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// There is nothing.
    Missing,
    /// It is a symbolic link, or one is on the way.
    Link,
    /// The system said no.
    System(Errno),
}

impl Item {
    /// Whether the course takes it.
    pub fn is_taken(&self, course: &Course) -> bool {
        course.files.as_ref().is_none_or(|files| files.is_match(&self.path))
    }
}

impl Tree {
    /// Lists what is below the folder `path`.
    pub fn list(path: &Path) -> Result<Self, Refusal> {
        let root = open_root(path).map_err(|error| Refusal::closed(path, error))?;
        let (items, skipped, left_out) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut tree = Self { root, path: path.to_owned(), items, skipped, left_out };
        let mut folders = vec![PathBuf::new()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            if folder.components().count() > DEEPEST {
                let message = format!("{} lies more than {DEEPEST} folders deep", shown(&folder));
                return Err(Refusal::Limit(message));
            }
            let failed = |error: io::Error| match folder.as_os_str().is_empty() {
                true => Refusal::closed(path, error),
                false => Refusal::unread(&folder, error),
            };
            let opened = tree.open(&folder, OFlag::O_DIRECTORY)?;
            for entry in entries(opened.as_fd()).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                seen += 1;
                if seen > MOST_LISTED || tree.items.len() >= MOST_SEEN {
                    let most = if seen > MOST_LISTED { MOST_LISTED } else { MOST_SEEN };
                    let message = format!("it holds more than {most} files and folders; leave out what is not needed");
                    return Err(Refusal::Limit(message));
                }
                let name = entry.file_name();
                if super::is_litter(name.as_bytes()) {
                    continue;
                }
                let meta = entry.metadata().map_err(failed)?;
                if let Some(what) = never_taken(&folder, &name, &meta) {
                    tree.left_out.entry(what).or_default().push(folder.join(&name));
                    continue;
                }
                let item = item(folder.join(&name), &meta);
                if item.kind == Kind::Folder && super::is_ballast(name.as_bytes()) {
                    tree.skipped.push(item.path);
                    continue;
                }
                if item.kind == Kind::Folder {
                    folders.push(item.path.clone());
                }
                tree.items.push(item);
            }
        }
        tree.items.sort_by(|one, other| one.path.cmp(&other.path));
        tree.skipped.sort();
        tree.left_out.values_mut().for_each(|paths| paths.sort());
        Ok(tree)
    }

    fn open(&self, below: &Path, flags: OFlag) -> Result<OwnedFd, Refusal> {
        open_below(self.root.as_fd(), below, flags).map_err(|barrier| match barrier {
            Barrier::Link => link(below),
            Barrier::Missing => Refusal::infra("read", &self.path.join(below), Errno::ENOENT),
            Barrier::System(error) if below.as_os_str().is_empty() => Refusal::closed(&self.path, error),
            Barrier::System(error) => Refusal::unread(below, error),
        })
    }

    /// Reads the file `item`, of which `left` bytes may be had.
    pub fn read(&self, item: &Item, left: u64) -> Result<Vec<u8>, Refusal> {
        let file = File::from(self.open(&item.path, OFlag::empty())?);
        let failed = |error| Refusal::infra("read", &self.path.join(&item.path), error);
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(special(&item.path, words(&meta)));
        }
        read_bounded(file, left).map_err(failed)?.ok_or_else(too_large)
    }
}

/// Takes from the folder `path` what the course takes.
pub fn take(path: &Path, course: &Course, bundle: &mut Bundle, notes: &mut Vec<String>) -> Result<(), Refusal> {
    let tree = Tree::list(path)?;
    let taken = |item: &&Item| item.is_taken(course);
    let all = || tree.items.iter().filter(|item| item.kind == Kind::File);
    let (count, size) = all().filter(taken).fold((0, 0_u64), |(n, size), item| (n + 1, size.saturating_add(item.size)));
    if count > MOST_FILES {
        let message =
            format!("it holds {count} files, and at most {MOST_FILES} are taken; leave out what is not needed");
        return Err(Refusal::Limit(message));
    }
    if size > MOST_BYTES {
        let what = format!("and at most {} are taken", MOST_BYTES >> 20);
        return Err(too_much(size, &what, all().filter(taken)));
    }
    for item in tree.items.iter().filter(|item| item.kind == Kind::Folder) {
        bundle.folder(item.path.clone())?;
    }
    for item in all().filter(taken) {
        let bytes = tree.read(item, bundle.left())?;
        bundle.file(item.path.clone(), bytes.into(), item.executable)?;
    }
    let left_out: Vec<PathBuf> = all().filter(|item| !taken(item)).map(|item| item.path.clone()).collect();
    if !left_out.is_empty() {
        notes.push(format!("the course does not take: {}", listed(&left_out)));
    }
    if !tree.skipped.is_empty() {
        notes.push(format!("not looked into: {}", listed(&tree.skipped)));
    }
    notes.extend(tree.left_out.iter().map(|(what, paths)| format!("left out, {what}: {}", listed(paths))));
    Ok(())
}

/// How many of the largest files a message names.
const NAMED: usize = 3;

/// The refusal of files that have `size` bytes together.
pub fn too_much<'a>(size: u64, limit: &str, files: impl Iterator<Item = &'a Item>) -> Refusal {
    let mut files: Vec<&Item> = files.collect();
    files.sort_by_key(|item| Reverse(item.size));
    let named = files.iter().take(NAMED).map(|item| format!("{} ({} MiB)", shown(&item.path), item.size >> 20));
    let named = named.collect::<Vec<_>>().join(", ");
    Refusal::Limit(format!("it holds {} MiB, {limit}; the largest: {named}; leave out what is not needed", size >> 20))
}

/// Reads a submission that is one file.
pub fn read_submitted(path: &Path) -> Result<Vec<u8>, Refusal> {
    let failed = |error: io::Error| Refusal::closed(path, error);
    let file = match open(path, OFlag::O_RDONLY | CAREFUL, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::ELOOP) => return Err(link(path)),
        Err(error) => return Err(failed(error.into())),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(special(path, words(&meta)));
    }
    let most = MOST_BYTES >> 20;
    let large = || {
        let size = meta.len() >> 20;
        Refusal::Limit(format!("{} has {size} MiB, and at most {most} are taken", shown(path)))
    };
    if meta.len() > MOST_BYTES {
        return Err(large());
    }
    read_bounded(file, MOST_BYTES).map_err(failed)?.ok_or_else(large)
}

/// Reads a file to its end; none if there are more than `left` bytes.
pub fn read_bounded(file: impl Read, left: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(left.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= left).then_some(bytes))
}

/// Never through a link, never waiting for the other end of a pipe, never a terminal of ours.
const CAREFUL: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// Opens a folder that must not be a link.
pub fn open_root(path: &Path) -> nix::Result<OwnedFd> {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | CAREFUL, Mode::empty())
}

/// Opens for reading what is at `below`, one name at a time.
pub fn open_below(root: BorrowedFd, below: &Path, flags: OFlag) -> Result<OwnedFd, Barrier> {
    let mut here =
        openat(root, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | CAREFUL, Mode::empty()).map_err(Barrier::System)?;
    let mut parts = below.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { return Err(Barrier::Missing) };
        let way = if parts.peek().is_some() { OFlag::O_PATH | OFlag::O_DIRECTORY } else { OFlag::O_RDONLY | flags };
        here = openat(here.as_fd(), name, way | CAREFUL, Mode::empty()).map_err(|error| match error {
            Errno::ENOENT => Barrier::Missing,
            Errno::ELOOP => Barrier::Link,
            Errno::ENOTDIR => match fstatat(here.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(stat) if stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFLNK.bits() => Barrier::Link,
                _ => Barrier::Missing,
            },
            error => Barrier::System(error),
        })?;
    }
    Ok(here)
}

/// What is in an open folder.
pub fn entries(folder: BorrowedFd) -> io::Result<fs::ReadDir> {
    // The folder itself, wherever its path leads by now.
    fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))
}

/// What never comes into a build: what is neither file nor folder, what a crash leaves behind, and what an earlier build does.
fn never_taken(folder: &Path, name: &OsStr, meta: &Metadata) -> Option<&'static str> {
    let kind = meta.file_type();
    match () {
        () if kind.is_dir() => None,
        () if kind.is_symlink() => Some("symbolic links"),
        () if kind.is_fifo() => Some("named pipes"),
        () if kind.is_socket() => Some("sockets"),
        () if !kind.is_file() => Some("devices"),
        () => super::remains(&folder.join(name)),
    }
}

fn item(path: PathBuf, meta: &Metadata) -> Item {
    let kind = if meta.is_dir() { Kind::Folder } else { Kind::File };
    let executable = meta.permissions().mode() & 0o111 != 0;
    Item { path, kind, size: if kind == Kind::File { meta.len() } else { 0 }, executable }
}

/// What something that is no regular file is.
pub fn words(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "a device"
    }
}

fn special(path: &Path, what: &str) -> Refusal {
    Refusal::Forbidden(format!("{} is {what}; only files and folders can be submitted", shown(path)))
}

fn link(path: &Path) -> Refusal {
    special(path, "a symbolic link")
}
