//! The commands that build a submission.

use std::path::{Path, PathBuf};

use super::build;
use super::intake::Recipe;

/// How plain C files are compiled, up to their names.
pub const COMPILE: &str = "cc -std=gnu11 -Wall -Wextra -I. -Isrc -Iinclude -Iutils";

/// How plain C++ files are compiled, up to their names.
const COMPILE_CXX: &str = "c++ -std=gnu++17 -Wall -Wextra -I. -Isrc -Iinclude -Iutils";

/// How either is linked.
const SHARED: &str = "-O1 -g -shared -fPIC -pthread -Wl,-z,defs -o libosmem.so";

/// What builds a submission; nothing for one that is built already.
pub fn command(recipe: &Recipe) -> Option<String> {
    Some(match recipe {
        Recipe::Course { command } => command.clone(),
        Recipe::Cargo => "cargo build --release --offline --quiet".to_owned(),
        Recipe::Makefile { dir } if dir.as_os_str().is_empty() => {
            "UTILS_PATH=\"$PWD/utils\" make --no-print-directory".to_owned()
        }
        Recipe::Makefile { dir } => {
            format!("export UTILS_PATH=\"$PWD/utils\"; cd {} && make --no-print-directory", build::quoted(dir))
        }
        Recipe::C { files } => format!("{COMPILE} {SHARED} {}", with_printf(files).join(" ")),
        Recipe::Cxx { files, c } => {
            let c = with_printf(c).join(" ");
            let files: Vec<_> = files.iter().map(|file| build::quoted(file)).collect();
            format!(
                "n=0; for file in {c}; do n=$((n + 1)); {COMPILE} -O1 -g -fPIC -c -o \"$TMPDIR/$n.o\" \"$file\" || exit; done; \
                 {COMPILE_CXX} {SHARED} {} \"$TMPDIR\"/*.o",
                files.join(" ")
            )
        }
        Recipe::Prebuilt { .. } => return None,
    })
}

/// C files as words of a command, with the printf of the overlay.
fn with_printf(files: &[PathBuf]) -> Vec<String> {
    let mut files: Vec<_> = files.iter().map(|file| build::quoted(file)).collect();
    let printf = "utils/printf.c".to_owned();
    if !files.contains(&printf) {
        files.push(printf);
    }
    files
}

/// The C files of a submission, for its warnings.
pub fn c_files(source: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [source.to_owned(), source.join("src")] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
            if plain && path.extension().is_some_and(|ending| ending == "c") {
                files.extend(path.strip_prefix(source).ok().map(PathBuf::from));
            }
        }
    }
    files.sort();
    files
}
