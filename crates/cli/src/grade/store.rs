//! The results folder: written file by file, each at once, so that an interrupted run leaves whole files only.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::record::{Submission, VERSION};
use super::report;
use crate::error::Error;

/// The record of a submission, in the folder of its name. It is written last: where it is, the others are.
const RECORD: &str = "record.json";

/// The records of the whole class, a line each.
const CLASS: &str = "results.jsonl";

/// A results folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    may_hold_results: bool,
    /// The lock on the folder, once it is made.
    held: Option<File>,
}

impl Store {
    /// Opens `folder`, which is made when there is something to keep. One that holds results already is refused unless they are to be
    /// used or replaced.
    pub fn open(folder: &Path, may_hold_results: bool) -> Result<Self, Error> {
        let store = Self { folder: folder.to_owned(), may_hold_results, held: None };
        store.require_room()?;
        Ok(store)
    }

    fn require_room(&self) -> Result<(), Error> {
        let taken = match fs::read_dir(&self.folder) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(Error::Save { path: self.folder.clone(), source }),
        };
        if taken && !self.may_hold_results {
            return Err(Error::ResultsThere(self.folder.clone()));
        }
        Ok(())
    }

    /// Makes the folder, and keeps other processes from writing there: each would remove the drafts of the other.
    pub fn make(&mut self) -> Result<(), Error> {
        fs::create_dir_all(&self.folder).map_err(|source| Error::Save { path: self.folder.clone(), source })?;
        // Some file systems have no locks for folders. Results can be written there all the same.
        if let Ok(folder) = File::open(&self.folder) {
            if matches!(folder.try_lock(), Err(TryLockError::WouldBlock)) {
                return Err(Error::ResultsBusy(self.folder.clone()));
            }
            self.held = Some(folder);
        }
        // Another process may have come and gone since the folder was opened.
        self.require_room()
    }

    /// The whole record of this name, if there is one.
    pub fn record(&self, name: &str) -> Option<Submission> {
        let text = fs::read(self.folder.join(name).join(RECORD)).ok()?;
        let record: Submission = serde_json::from_slice(&text).ok()?;
        (record.version == VERSION && record.name == name).then_some(record)
    }

    /// The records of a whole class as it was graded last; `None` if that never came to an end.
    pub fn class(&self) -> Option<Vec<Submission>> {
        let text = fs::read_to_string(self.folder.join(CLASS)).ok()?;
        text.lines().map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Writes all files of a submission.
    pub fn keep(&self, record: &Submission) -> Result<(), Error> {
        let folder = self.folder.join(&record.name);
        fs::create_dir_all(&folder).map_err(|source| Error::Save { path: folder.clone(), source })?;
        let files = report::files(record);
        // An earlier record may have had more of them.
        for stale in report::mistakes::DRAWINGS.iter().filter(|name| files.iter().all(|(other, _)| other != *name)) {
            let path = folder.join(stale);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(Error::Save { path, source }),
                _ => {}
            }
        }
        let (last, first): (Vec<_>, Vec<_>) = files.into_iter().partition(|(name, _)| *name == RECORD);
        first.into_iter().chain(last).try_for_each(|(name, bytes)| write(&folder.join(name), &bytes))
    }

    /// Begins a submission anew: an earlier record of it goes first, for from now on its other files are not what it tells.
    /// Until [`Store::keep`] writes the whole, there is this one file.
    pub fn begin(&self, name: &str, file: &str, bytes: &[u8]) -> Result<(), Error> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|source| Error::Save { path: folder.clone(), source })?;
        let record = folder.join(RECORD);
        match fs::remove_file(&record) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Save { path: record, source });
            }
            _ => {}
        }
        sweep(&folder);
        write(&folder.join(file), bytes)
    }

    /// Writes the files of the whole class.
    pub fn keep_class(&self, records: &[Submission]) -> Result<(), Error> {
        sweep(&self.folder);
        report::class_files(records).into_iter().try_for_each(|(name, bytes)| write(&self.folder.join(name), &bytes))
    }
}

/// What a file is called while it is written, up to its number.
const DRAFT: &str = ".draft-";

/// Removes what a grader that was killed has left half-written.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(DRAFT.as_bytes()) {
            // Where it cannot be removed it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let attempt = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut draft = tempfile::Builder::new()
            .prefix(DRAFT)
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)?;
        draft.write_all(bytes)?;
        draft.persist(path)?;
        Ok(())
    };
    attempt().map_err(|source| Error::Save { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_writes_results() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("results");
        let [mut first, mut second, mut third] = [false, false, true].map(|force| Store::open(&folder, force).unwrap());
        first.make().unwrap();
        assert!(matches!(second.make(), Err(Error::ResultsBusy(_))));
        assert!(matches!(third.make(), Err(Error::ResultsBusy(_))));
        first.begin("ann", "file", b"bytes").unwrap();
        drop(first);
        // It was empty when the second was opened.
        assert!(matches!(second.make(), Err(Error::ResultsThere(_))));
        drop(second);
        third.make().unwrap();
    }
}
