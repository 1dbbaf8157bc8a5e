//! The files of a submission, in memory, and the rules by which they come together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::refusal::{Refusal, shown};
use super::{MOST_BYTES, MOST_FILES};

/// The most paths that a note spells out.
const MOST_LISTED: usize = 10;

/// Files and folders by their paths, all relative and plain: neither `.` nor `..` is in any of them.
#[derive(Debug, Default)]
pub struct Bundle<'a> {
    entries: BTreeMap<PathBuf, Entry<'a>>,
    files: usize,
    bytes: u64,
}

#[derive(Debug)]
enum Entry<'a> {
    /// `named`: there was an entry for it, not just one for something in it.
    Folder {
        named: bool,
    },
    File {
        bytes: Cow<'a, [u8]>,
        executable: bool,
    },
}

impl<'a> Bundle<'a> {
    /// The bytes that may still be added.
    pub fn left(&self) -> u64 {
        MOST_BYTES.saturating_sub(self.bytes)
    }

    /// Adds a file that was submitted.
    pub fn file(&mut self, path: PathBuf, bytes: Cow<'a, [u8]>, executable: bool) -> Result<(), Refusal> {
        self.parents(&path)?;
        match self.entries.get(&path) {
            Some(Entry::File { .. }) => return Err(twice(&path)),
            Some(Entry::Folder { .. }) => return Err(both(&path)),
            None => {}
        }
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.files > MOST_FILES {
            return Err(Refusal::Limit(format!("it holds more than {MOST_FILES} files; leave out what is not needed")));
        }
        if self.bytes > MOST_BYTES {
            return Err(too_large());
        }
        self.entries.insert(path, Entry::File { bytes, executable });
        Ok(())
    }

    /// Adds a folder that was submitted.
    pub fn folder(&mut self, path: PathBuf) -> Result<(), Refusal> {
        self.parents(&path)?;
        match self.entries.insert(path.clone(), Entry::Folder { named: true }) {
            None | Some(Entry::Folder { named: false }) => Ok(()),
            Some(Entry::Folder { named: true }) => Err(twice(&path)),
            Some(Entry::File { .. }) => Err(both(&path)),
        }
    }

    /// Adds the folders above `path`.
    fn parents(&mut self, path: &Path) -> Result<(), Refusal> {
        for parent in above(path) {
            match self.entries.get(parent) {
                Some(Entry::Folder { .. }) => {}
                Some(Entry::File { .. }) => return Err(both(parent)),
                None => drop(self.entries.insert(parent.to_owned(), Entry::Folder { named: false })),
            }
        }
        Ok(())
    }

    /// Takes off the folder that everything is in, if there is just one and no file beside it.
    pub fn strip(&mut self) {
        let mut top = self.entries.iter().filter(|(path, _)| path.components().count() == 1);
        let (Some((folder, Entry::Folder { .. })), None) = (top.next(), top.next()) else { return };
        let folder = folder.clone();
        self.entries = std::mem::take(&mut self.entries)
            .into_iter()
            .filter_map(|(path, entry)| Some((path.strip_prefix(&folder).ok()?.to_owned(), entry)))
            .filter(|(path, _)| !path.as_os_str().is_empty())
            .collect();
    }

    /// Drops every file that is not to be kept, and says which.
    pub fn keep(&mut self, keep: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let mut dropped = Vec::new();
        self.entries.retain(|path, entry| {
            let stays = matches!(entry, Entry::Folder { .. }) || keep(path);
            if !stays {
                dropped.push(path.clone());
            }
            stays
        });
        dropped
    }

    /// Drops every file that has a name for what it is; all of them, by that name.
    pub fn sort_out(
        &mut self,
        what: impl Fn(&Path, &[u8]) -> Option<&'static str>,
    ) -> BTreeMap<&'static str, Vec<PathBuf>> {
        let mut dropped: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
        self.entries.retain(|path, entry| {
            let what = if let Entry::File { bytes, .. } = entry { what(path, bytes) } else { None };
            if let Some(what) = what {
                dropped.entry(what).or_default().push(path.clone());
            }
            what.is_none()
        });
        dropped
    }

    /// Adds a file where nothing is in its way.
    pub fn under(&mut self, path: &Path, bytes: &'a [u8], executable: bool) {
        if !self.entries.contains_key(path) && self.parents(path).is_ok() {
            self.entries.insert(path.to_owned(), Entry::File { bytes: bytes.into(), executable });
        }
    }

    /// Adds a file in place of whatever is in its way; says whether something was.
    pub fn over(&mut self, path: &Path, bytes: &'a [u8], executable: bool) -> bool {
        let before = self.entries.len();
        for parent in above(path) {
            if matches!(self.entries.get(parent), Some(Entry::File { .. })) {
                self.entries.remove(parent);
            }
        }
        self.entries.retain(|other, _| !other.starts_with(path));
        let replaced = self.entries.len() < before;
        // No file is left above it.
        let _ = self.parents(path);
        self.entries.insert(path.to_owned(), Entry::File { bytes: bytes.into(), executable });
        replaced
    }

    /// Writes everything below the folder `to`, in which nothing may be in the way.
    pub fn write(&self, to: &Path) -> Result<(), Refusal> {
        for (path, entry) in &self.entries {
            let path = to.join(path);
            match entry {
                Entry::Folder { .. } => DirBuilder::new().mode(0o755).create(&path),
                Entry::File { bytes, executable } => File::create_new(&path).and_then(|mut file| {
                    file.write_all(bytes)?;
                    fs::set_permissions(&path, Permissions::from_mode(if *executable { 0o755 } else { 0o644 }))
                }),
            }
            .map_err(|error| Refusal::unwritten(&path, error))?;
        }
        Ok(())
    }

    /// The paths of all files, in their order.
    #[cfg(test)]
    pub fn paths(&self) -> Vec<String> {
        let files = self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::File { .. }));
        files.map(|(path, _)| path.to_string_lossy().into_owned()).collect()
    }
}

/// The folders above a path, the outermost first.
fn above(path: &Path) -> Vec<&Path> {
    let mut parents: Vec<&Path> = path.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
    parents.reverse();
    parents
}

fn twice(path: &Path) -> Refusal {
    Refusal::Forbidden(format!("it holds {} twice; pack it anew", shown(path)))
}

fn both(path: &Path) -> Refusal {
    Refusal::Forbidden(format!("it holds {} as a file and as a folder; pack it anew", shown(path)))
}

/// More bytes than are taken.
pub fn too_large() -> Refusal {
    Refusal::Limit(format!("it holds more than {} MiB; leave out what is not needed", MOST_BYTES >> 20))
}

/// Paths for a note.
pub fn listed(paths: &[PathBuf]) -> String {
    let mut text = paths.iter().take(MOST_LISTED).map(shown).collect::<Vec<_>>().join(", ");
    if paths.len() > MOST_LISTED {
        text.push_str(&format!(" and {} more", paths.len() - MOST_LISTED));
    }
    text
}
