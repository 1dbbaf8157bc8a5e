//! A folder for what a command leaves behind, which no other command writes to at the same time.
//!
//! The command holds a lock on the folder itself until it ends. Where another one holds it, the next free name is taken: `traces-2`,
//! `traces-3` and so on.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The most names that are tried; beyond them the first one is shared.
const MOST: usize = 256;

/// A folder that is claimed when it is first written to.
#[derive(Debug)]
pub struct Claim {
    wanted: PathBuf,
    claimed: OnceLock<(PathBuf, Option<File>)>,
}

impl Claim {
    /// A claim to `wanted`, or to what stands in for it.
    pub fn new(wanted: PathBuf) -> Self {
        Self { wanted, claimed: OnceLock::new() }
    }

    /// Returns the folder to write to. Where none can be made or locked it is the wanted one, and writing to it tells why.
    pub fn to_write(&self) -> &Path {
        &self.claimed.get_or_init(|| claimed(&self.wanted)).0
    }

    /// Returns the folder where earlier commands may have left something; `None` if there is none.
    pub fn to_clear(&self) -> Option<&Path> {
        (self.claimed.get().is_some() || self.wanted.is_dir()).then(|| self.to_write())
    }
}

/// The first folder of these names that nobody holds, and the lock on it.
fn claimed(wanted: &Path) -> (PathBuf, Option<File>) {
    for number in 1..=MOST {
        let folder = numbered(wanted, number);
        if fs::create_dir_all(&folder).is_err() {
            break;
        }
        let Ok(opened) = File::open(&folder) else { break };
        if opened.try_lock().is_ok() {
            return (folder, Some(opened));
        }
    }
    (wanted.to_owned(), None)
}

fn numbered(wanted: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return wanted.to_owned();
    }
    // `traces/` and `traces` are the same folder.
    let mut name: OsString = wanted.components().collect::<PathBuf>().into_os_string();
    name.push(format!("-{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_has_a_folder_of_its_own_as_long_as_it_lives() {
        let root = tempfile::tempdir().unwrap();
        let wanted = root.path().join("traces/");
        let first = Claim::new(wanted.clone());
        assert_eq!(first.to_clear(), None);
        assert_eq!(first.to_write(), root.path().join("traces"));
        let second = Claim::new(wanted.clone());
        assert_eq!(second.to_clear(), Some(&*root.path().join("traces-2")));
        assert_eq!(second.to_write(), root.path().join("traces-2"));
        drop(first);
        assert_eq!(Claim::new(wanted).to_write(), root.path().join("traces"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_as_it_was_wanted() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(Claim::new(file.join("traces")).to_write(), file.join("traces"));
    }
}
