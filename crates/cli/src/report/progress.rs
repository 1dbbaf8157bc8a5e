//! The progress bar, on standard error and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `length` steps; it hides itself where standard error is no terminal.
pub fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// A line that tells how far an open-ended search has come.
pub fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar
}
