//! Files to be executed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes `text` to `path`, with these permissions.
///
/// Another process does it: a child that another test is just starting would hold a file open that we write ourselves, and the
/// kernel executes no file that is open for writing.
pub fn write(path: &Path, text: &str, mode: &str) -> PathBuf {
    let script = "printf %s \"$1\" > \"$0\" && chmod \"$2\" \"$0\"";
    let status = Command::new("sh").arg("-c").arg(script).arg(path).args([text, mode]).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot write {}", path.display());
    path.into()
}
