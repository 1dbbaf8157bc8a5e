//! The files that a course puts over or under a submission.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};

/// The most files of an overlay.
const MOST_FILES: usize = 2_000;
/// The most bytes of an overlay.
const MOST_BYTES: u64 = 64 << 20;
/// The most folders within folders.
const DEEPEST: usize = 32;

/// The files of an overlay, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Each with the path that it gets in the submission.
    pub files: Vec<OverlayFile>,
}

/// A file of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    /// Relative to the overlay's folder, and to the submission's.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
}

impl Overlay {
    /// Reads every file below `folder`; the error says what is wrong and what would be right.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let failed = |path: &Path| {
            let path = shown(path);
            move |error: io::Error| format!("cannot read {path}: {error}")
        };
        if !fs::metadata(folder).map_err(failed(folder))?.is_dir() {
            return Err(format!("{} is not a folder", shown(folder)));
        }
        let mut files = Vec::new();
        let mut bytes = 0_u64;
        let mut folders = vec![(PathBuf::new(), 0)];
        while let Some((below, depth)) = folders.pop() {
            let here = folder.join(&below);
            if depth > DEEPEST {
                return Err(format!("{} lies more than {DEEPEST} folders deep", shown(&here)));
            }
            for entry in fs::read_dir(&here).map_err(failed(&here))? {
                let entry = entry.map_err(failed(&here))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(failed(&path))?;
                let below = below.join(entry.file_name());
                if kind.is_dir() {
                    folders.push((below, depth + 1));
                } else if kind.is_file() {
                    let file = read_file(&path, below, MOST_BYTES - bytes).map_err(failed(&path))?;
                    bytes += file.bytes.len() as u64;
                    files.push(file);
                } else {
                    return Err(format!("{} is neither a file nor a folder; put the file itself there", shown(&path)));
                }
                if files.len() > MOST_FILES || bytes >= MOST_BYTES {
                    return Err(format!("{} holds more than {MOST_FILES} files or 64 MiB", shown(folder)));
                }
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files })
    }

    /// Adds paths and bytes to a digest.
    pub fn add_to(&self, digest: &mut Sha256) {
        digest.update((self.files.len() as u64).to_le_bytes());
        for file in &self.files {
            for part in [file.path.as_os_str().as_encoded_bytes(), &file.bytes] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
            digest.update([u8::from(file.executable)]);
        }
    }
}

fn read_file(path: &Path, below: PathBuf, left: u64) -> io::Result<OverlayFile> {
    // What was a file a moment ago may be a link or a pipe now.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = fs::File::options().read(true).custom_flags(flags.bits()).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a file any more"));
    }
    let mut bytes = Vec::new();
    file.take(left).read_to_end(&mut bytes)?;
    Ok(OverlayFile { path: below, bytes, executable: meta.permissions().mode() & 0o111 != 0 })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}
