//! A folder that goes away with its owner, however that ends.
//!
//! Beside the folder lies a lock file. The owner makes the file, locks it, and only then makes the folder. In the end the folder goes
//! first, then the file, then the lock. So every folder has a lock file at any time, and a file without a lock has no owner.
//!
//! Between making and locking, the file looks as if it had no owner. That does no harm: a lock counts only once its holder has seen that
//! the file is still there. Only such a holder removes anything. An owner that comes too late for its own file takes another name.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// The beginning of the names of folders and lock files.
const PREFIX: &str = "osmem-grade-";
/// The end of the name of a lock file.
const LOCK: &str = ".lock";

/// A folder and the lock that belongs to it. All of it goes away when this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: LockFile,
}

/// A lock file that need not be locked.
#[derive(Debug)]
struct LockFile {
    file: File,
    path: PathBuf,
}

impl Folder {
    /// Makes a folder in `top`, and removes those there whose owners are gone.
    pub fn make(top: &Path) -> io::Result<Self> {
        sweep(top);
        loop {
            // Another process may have swept the file away meanwhile.
            let Some(folder) = LockFile::make(top)?.claim()? else { continue };
            DirBuilder::new().mode(0o711).create(&folder.path)?;
            return Ok(folder);
        }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if is_own_folder(&self.path) {
            remove(&self.path);
        }
        // As long as anything is left, the file tells the next sweep of it.
        if !is_own_folder(&self.path) {
            let _ = fs::remove_file(&self.lock.path);
        }
    }
}

impl LockFile {
    fn make(top: &Path) -> io::Result<Self> {
        let (file, path) = tempfile::Builder::new().prefix(PREFIX).suffix(LOCK).tempfile_in(top)?.keep()?;
        Ok(Self { file, path })
    }

    fn open(path: &Path) -> io::Result<Self> {
        // The file may have become a link or a pipe meanwhile.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = File::options().read(true).write(true).custom_flags(flags.bits()).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Takes the folder of this lock file, made or not; `None` if another process has it or had it.
    fn claim(self) -> io::Result<Option<Folder>> {
        match self.file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        let held = self.file.metadata()?;
        let is_there = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            there => there.map(|there| (there.dev(), there.ino()) == (held.dev(), held.ino()))?,
        };
        Ok(is_there.then(|| Folder { path: self.path.with_extension(""), lock: self }))
    }
}

/// Removes folders whose owners are gone.
fn sweep(top: &Path) {
    let me = geteuid().as_raw();
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(LOCK));
        // A link is looked at itself, not followed.
        let mine = || entry.metadata().is_ok_and(|there| there.is_file() && there.uid() == me);
        if ours && mine() {
            // A file that cannot be claimed has an owner.
            drop(LockFile::open(&entry.path()).and_then(LockFile::claim));
        }
    }
}

/// Returns whether there is such a folder and it belongs to this user.
fn is_own_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| there.is_dir() && there.uid() == geteuid().as_raw())
}

/// Removes a folder in which anything may lie, however deep and whatever its permissions.
pub fn remove(folder: &Path) {
    if !quiet("rm", &["-rf"], folder) {
        quiet("chmod", &["-R", "u+rwx"], folder);
        quiet("rm", &["-rf"], folder);
    }
}

/// Gives a plain user the rights that root has anyhow: to read what a program of the same user has left in a folder. No link is followed.
pub fn open_up(folder: &Path) {
    if !geteuid().is_root() {
        quiet("chmod", &["-R", "u+rwX"], folder);
    }
}

/// Runs a program on a folder. Those of the system do not recurse, so that no depth can exhaust a stack of ours.
fn quiet(program: &str, options: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(options).arg("--").arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests;
