//! Standard output as the reports use it: coloured where that is wanted, and calm when the reader has gone.

use std::env;
use std::io::{self, ErrorKind, Stdout, Write};
use std::path::Path;

/// The width of lines where there is no terminal to ask.
const WIDTH: usize = 100;

/// Standard output. Colours go where `NO_COLOR` is set or no terminal listens; a closed pipe swallows the rest silently,
/// so that `osmem check | head -1` ends with the exit code of the check.
pub struct Output {
    stream: anstream::AutoStream<Stdout>,
    closed: bool,
}

impl Output {
    /// Standard output of this process.
    pub fn stdout() -> Self {
        Self { stream: anstream::stdout(), closed: false }
    }

    fn attempt<T>(
        &mut self,
        silent: T,
        act: impl FnOnce(&mut anstream::AutoStream<Stdout>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.closed {
            return Ok(silent);
        }
        match act(&mut self.stream) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(silent)
            }
            result => result,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), Write::flush)
    }
}

/// How many characters fit into a line.
pub fn width() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0).max(60))
}

/// Returns how many columns a picture may take: those of the terminal, or the usual width.
pub fn columns() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0))
}

/// Returns whether the locale has characters beyond ASCII.
pub fn is_unicode() -> bool {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// `path` as people like to read it: relative to the current folder where it lies below.
pub fn shown(path: &Path) -> String {
    let here = env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    match below.as_deref() {
        // The current folder itself.
        Some(below) if below.as_os_str().is_empty() => ".".to_owned(),
        below => below.unwrap_or(path).display().to_string(),
    }
}
