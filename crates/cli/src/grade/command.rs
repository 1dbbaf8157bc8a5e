//! The commands that build a submission.

use std::path::{Path, PathBuf};

use super::intake::Recipe;
use super::{build, overlay};

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

/// Returns the command that compiles each C file below the folder that it runs in for its warnings, but for those in the folders `skip`.
pub fn warnings(skip: &[PathBuf]) -> String {
    let pruned = skip.iter().map(|folder| format!("-path {} -prune -o ", build::quoted(&Path::new(".").join(folder))));
    // With -fsyntax-only the compiler would not say all: some it finds when it optimises.
    let compile = format!("{COMPILE} -O1 -fPIC -S -o \"$TMPDIR/warnings.s\" \"$1\"");
    format!(
        "find . {}-type f -name '*.c' -exec sh -c {} sh {{}} \\;",
        pruned.collect::<String>(),
        build::quoted(Path::new(&compile))
    )
}

/// Returns whether a C file of the submission's own lies below a folder.
pub fn has_c(source: &Path) -> bool {
    let given: Vec<PathBuf> = overlay::files().into_iter().map(|(path, _)| source.join(path)).collect();
    let mut open = vec![source.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "c") && !given.contains(&path) {
                return true;
            }
        }
    }
    false
}
