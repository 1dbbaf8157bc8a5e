//! The installed command as somebody who is not root and does not own it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::installed::Installed;
use crate::record::whole_pass;
use crate::support::built;

/// The user that root becomes.
const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// The installed command, run by a plain user: by the one who runs the tests, or by another where that is root.
pub fn osmem(installed: &Installed) -> Command {
    let osmem = installed.path("bin/osmem");
    if !nix::unistd::geteuid().is_root() {
        return Command::new(osmem);
    }
    let mut command = Command::new("setpriv");
    command.args(NOBODY).arg(osmem);
    command
}

#[test]
fn a_plain_user_may_check_what_is_installed() {
    whole_pass(osmem(&Installed::new()).args(["check", "--own", "--tracer", "builtin"]));
}

#[test]
#[ignore = "needs strace"]
fn a_plain_user_may_check_under_strace_what_is_installed() {
    let installed = Installed::new();
    for tracer in ["strace", "both"] {
        whole_pass(osmem(&installed).args(["check", "--own", "--tracer", tracer]));
    }
}

#[test]
fn a_folder_that_a_plain_user_cannot_read_is_an_infra_error() {
    let installed = Installed::new();
    let class = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| class.path().join(name);
    let allow = |name: &str, mode| fs::set_permissions(path(name), Permissions::from_mode(mode)).expect("it is ours");
    for name in ["", "class", "class/ann", "class/bob", "results"] {
        fs::create_dir_all(path(name)).expect("the folder is ours");
        allow(name, 0o777);
    }
    let right = built().root.join("fixtures/submissions/reference/osmem.c");
    for name in ["class/ann/osmem.c", "class/bob/osmem.c"] {
        fs::copy(&right, path(name)).expect("the folder is ours");
    }
    allow("class/bob", 0o000);
    let course = "[battery]\ntests = [\"malloc-zero\"]\n[random]\nprograms = 0\n";
    fs::write(path("osmem.toml"), course).expect("the folder is ours");

    let mut grade = osmem(&installed);
    grade.args(["grade", "--course", "osmem.toml", "--batch", "class", "--out", "results/out"]);
    let output = grade.current_dir(class.path()).output().expect("the command starts");
    allow("class/bob", 0o755);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let bob = record(&path("results/out/bob"));
    assert!(bob["outcome"] == "infra-error" && bob["score"].is_null(), "{bob:#}");
    assert_eq!(record(&path("results/out/ann"))["outcome"], "pass");
}

fn record(folder: &Path) -> serde_json::Value {
    let bytes = fs::read(folder.join("record.json")).expect("a record");
    serde_json::from_slice(&bytes).expect("JSON")
}
