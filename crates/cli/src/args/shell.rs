//! The options of the commands that write what a shell and `man` read: `completions`, `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
`make install` puts the completions of bash, fish and zsh in their usual places.

Examples:
  osmem completions bash > ~/.local/share/bash-completion/completions/osmem
  osmem completions fish > ~/.config/fish/completions/osmem.fish
  osmem completions zsh > \"${fpath[1]}/_osmem\"
  source <(osmem completions bash)         for this shell only

Exit codes:
  0    printed
  2    no such shell";

const MAN_EXAMPLES: &str = "\
`make install` puts the pages into share/man/man1.

Examples:
  osmem man ~/.local/share/man/man1        then: man osmem-check
  osmem man pages && man pages/osmem-check.1

Exit codes:
  0    all pages are written
  5    DIR cannot be written to";

/// `osmem completions`.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `osmem man`.
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// The folder for the pages, which is made if it is absent
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
