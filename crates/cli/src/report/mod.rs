//! How results are shown: one file per format, all derived from the one [`Record`](crate::record::Record).
//! Colour, width and the terminal live here.

pub mod brief;
pub mod columns;
pub mod compare;
pub mod fuzz;
pub mod json;
pub mod judge;
pub mod output;
pub mod progress;
pub mod replay;
pub mod stats;
pub mod text;
