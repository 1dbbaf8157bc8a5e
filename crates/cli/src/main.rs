//! The command `osmem` with the allocator that Rust programs get by default.

use std::process::ExitCode;

fn main() -> ExitCode {
    osmem_cli::main()
}
