//! The command where `make install` puts it, and the command run from anywhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::record::whole_pass;
use crate::support::built;

/// What `make install` installs, in a folder that everybody may read and that has a space in its name.
pub struct Installed {
    folder: TempDir,
}

impl Installed {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("the folder is ours");
        let made = folder.path().join("made");
        let output = Command::new("make")
            .current_dir(&built().root)
            // `make test` runs this test, and leaves word for every make below it.
            .env_remove("MAKEFLAGS")
            .args(["install", "DESTDIR="])
            .args([&format!("OUT={}", built().dir.display()), &format!("PREFIX={}", made.display())])
            .output()
            .expect("make");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(made, folder.path().join("some where")).expect("a new name");
        Installed { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("some where").join(name)
    }
}

#[test]
fn the_installed_command_checks_the_installed_library() {
    let installed = Installed::new();
    let record = whole_pass(Command::new(installed.path("bin/osmem")).args(["check", "--own"]).current_dir("/"));
    assert_eq!(Path::new(record.library()), installed.path("lib/libosmem.so"));
}

#[test]
fn shells_and_man_find_the_command_where_they_look() {
    let installed = Installed::new();
    let places = [
        ("share/bash-completion/completions/osmem", "complete -F _osmem"),
        ("share/fish/vendor_completions.d/osmem.fish", "complete -c osmem"),
        ("share/zsh/site-functions/_osmem", "#compdef osmem"),
        ("share/man/man1/osmem.1", ".SH NAME"),
        ("share/man/man1/osmem-check.1", "osmem check \\-\\-watch"),
    ];
    for (place, expected) in places {
        let text = fs::read_to_string(installed.path(place)).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(text.contains(expected), "{place} lacks {expected}");
    }
}

#[test]
fn the_current_folder_does_not_matter() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let mut check = Command::new(&built().osmem);
    check.args(["check", "--own"]).current_dir(&elsewhere);
    if !built().dir.starts_with(&built().root) {
        // Nothing is found above a build output that lies elsewhere.
        check.arg("--fixtures").arg(built().root.join("fixtures"));
    }
    let record = whole_pass(&mut check);
    assert_eq!(Path::new(record.library()), built().library);
    assert_eq!(fs::read_dir(&elsewhere).expect("the folder").count(), 0, "something was left behind");
}

#[test]
fn the_battery_is_whole() {
    let record = whole_pass(Command::new(&built().osmem).arg("check"));
    assert!(record.tests() >= 66, "{} tests", record.tests());
    assert_eq!(record.core(), (100, 100));
}
