//! Files of this project that are installed among the system's own: a build must not hand them in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use osmem_sandbox::view;

/// Folders below a prefix in which things of this project may lie.
const FOLDERS: [&str; 9] = ["bin", "sbin", "lib", "lib32", "lib64", "libexec", "include", "share", "src"];
/// Prefixes of installations.
const PREFIXES: [&str; 3] = ["/usr", "/usr/local", "/"];
/// Where systems keep each package in a folder of its own.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

/// Files and folders of this project that boxes would show, without links on the way.
pub fn installed() -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let below = |prefix: &str| FOLDERS.map(|folder| Path::new(prefix).join(folder));
    for folder in PREFIXES.into_iter().flat_map(below) {
        look(&folder, &mut found);
        // Libraries also lie one level deeper, by architecture; so do pkg-config files and documents.
        for below in folders(&folder) {
            if folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"lib")) {
                look(&below, &mut found);
            }
        }
        look(&folder.join("doc"), &mut found);
    }
    STORES.iter().for_each(|store| look(Path::new(store), &mut found));
    let own = std::env::current_exe().and_then(fs::canonicalize);
    // Wherever this very command lies, with all that belongs to it.
    found.extend(
        own.ok().and_then(|own| own.parent().map(Path::to_owned)).filter(|own| is_shown(own) && !is_common(own)),
    );
    found.into_iter().collect()
}

/// Takes what is called after this project in a folder.
fn look(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let of_store =
            STORES.iter().any(|store| folder == Path::new(store)) && name.windows(5).any(|part| part == b"osmem");
        if of_store || name.starts_with(b"osmem") || name.starts_with(b"libosmem") {
            // Both the link and what it leads to.
            found.extend(fs::canonicalize(entry.path()).ok().filter(|real| is_shown(real)));
            found.extend(fs::canonicalize(folder).ok().map(|folder| folder.join(entry.file_name())));
        }
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Whether boxes show a path.
fn is_shown(path: &Path) -> bool {
    view::system().iter().any(|shown| path.starts_with(shown))
}

/// Whether other programs lie in a folder, too.
fn is_common(folder: &Path) -> bool {
    PREFIXES.iter().any(|prefix| FOLDERS.iter().any(|name| folder == Path::new(prefix).join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bears_the_name_is_found_with_its_links() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in ["libosmem.so.1", "libosmem.a", "libother.so"] {
            fs::write(root.join(name), "").unwrap();
        }
        fs::create_dir(root.join("osmem")).unwrap();
        std::os::unix::fs::symlink("libosmem.so.1", root.join("libosmem.so")).unwrap();
        let mut found = BTreeSet::new();
        look(&root, &mut found);
        let names: Vec<_> = found.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["libosmem.a", "libosmem.so", "libosmem.so.1", "osmem"]);
    }
}
