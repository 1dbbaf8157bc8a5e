//! The command `osmem` on this project's own allocator: the proof that it carries a Rust program of some size. The command's
//! own tests are run on it (`make own`).

use std::process::ExitCode;

/// Everything that the command, the standard library and the other packages in it allocate.
#[global_allocator]
static ALLOCATOR: osmem::Osmem = osmem::Osmem;

fn main() -> ExitCode {
    osmem_cli::main()
}
