//! How results are shown: one file per format, all derived from the one [`Record`](crate::record::Record).
//! Colour, width and the terminal live here.

pub mod columns;
pub mod json;
pub mod output;
pub mod progress;
pub mod text;
