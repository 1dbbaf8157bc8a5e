//! The headers that a course of this assignment hands out, in a version of our own: for submissions that include them and do
//! not bring them along. This module owns the files and their places; it neither writes nor reads any folder.
//!
//! Everything lies in `utils/`, beside a submission's `src/`. With `-I. -Isrc -Iinclude -Iutils` that serves
//! `"../utils/osmem.h"`, `"utils/osmem.h"` and `"osmem.h"` from anywhere, and a header that the submission brings under the same
//! name comes first. Copies in the top folder would hide such headers of `src/` and `include/`, so there are none.

use std::fs;
use std::path::{Path, PathBuf};

use super::intake::Refusal;

/// Each file below `crates/cli/overlay`, by its path.
macro_rules! overlay {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../overlay/", $path)).as_slice())),+]
    };
}

const FILES: &[(&str, &[u8])] = overlay!["utils/block_meta.h", "utils/osmem.h", "utils/printf.c", "utils/printf.h"];

/// The files, in order of their paths, which are relative to the top folder of a submission. They fill gaps only: what the
/// submission brings in the same place stays. `utils/printf.c` is to be compiled with the sources that use its header; its
/// functions are weak, so that a printf of the submission's own under the same names does not clash with them.
pub fn files() -> Vec<(PathBuf, &'static [u8])> {
    FILES.iter().map(|(path, bytes)| (PathBuf::from(path), *bytes)).collect()
}

/// Writes those of the files into `folder` that are not there.
pub fn fill(folder: &Path) -> Result<(), Refusal> {
    for (path, bytes) in files() {
        let place = folder.join(path);
        let parent = place.parent().unwrap_or(folder);
        // The submission may have a file where a folder is wanted: then it does without.
        if place.exists() || (parent.exists() && !parent.is_dir()) {
            continue;
        }
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&place, bytes));
        written.map_err(|error| Refusal::InfraError(format!("cannot write {}: {error}", place.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
