//! Sequences of `os_*` calls in binary form, for the replayer that runs them and the command that judges them.
//!
//! The command writes a file of [`FileHeader`], [`Sequence`]s and [`Op`]s and reads it again after the run; the program
//! `osmem-replayer` maps the file and writes the results into the same records, so that they survive any crash. [`check`] has
//! the exit statuses of failed checks. [`pattern()`] and [`Line`] are what the replayer shares with the test programs.
//!
//! Nothing here asks for memory or needs the standard library, and all of it is safe code.
//! The modules, bottom first: `record`, `op`, `sequence`, `header`, `examine`; `check`, `line` and `pattern` stand alone.
#![no_std]

pub mod check;
mod examine;
mod header;
mod line;
mod op;
mod pattern;
mod record;
mod sequence;

pub use examine::examine;
pub use header::{FileHeader, MAGIC, VERSION, file_length};
pub use line::Line;
pub use op::{Kind, Op, Pointer, Refusal};
pub use pattern::pattern;
pub use sequence::{NO_SLOT, Sequence, State};
