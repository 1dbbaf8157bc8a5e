//! The options of `osmem new`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
What it writes builds at once, and fails the battery until something is implemented.

Examples:
  osmem new hw2                a C project: osmem.c, osmem.h, block_meta.h, Makefile, README.md
  osmem new hw2 --rust         a cargo package without dependencies
  osmem new hw2 && cd hw2 && osmem check

Exit codes:
  0    all files are written
  2    DIR is not empty, no folder, or has an unusable name
  5    DIR cannot be written to";

/// `osmem new`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct NewArgs {
    /// The folder for it, which must be absent or empty
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// In C [default]
    #[arg(long, conflicts_with = "rust")]
    pub c: bool,
    /// In Rust
    #[arg(long)]
    pub rust: bool,
}
