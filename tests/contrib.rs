//! The scripts of `contrib/`, run here with a stand-in for `osmem` and for the programs of the service they are made for.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const SCRIPTS: [&str; 4] =
    ["gradescope/setup.sh", "gradescope/run_autograder", "slurm/array.sbatch", "parallel/grade.sh"];

/// Notes its arguments, writes a report as `osmem grade` does, and says that the submission failed.
const OSMEM: &str = r#"#!/bin/bash
printf '%s\n' "$*" >> "$SEEN"
if [ -n "$BROKEN" ]; then exit 6; fi
while [ $# -gt 0 ]; do if [ "$1" = --out ]; then out=$2; fi; shift; done
mkdir -p "$out/submission" && echo '{"score": 7}' > "$out/submission/gradescope.json"
exit 1
"#;

/// Runs the command behind its options for each argument behind `:::`, one after another.
const PARALLEL: &str = r#"#!/bin/bash
while [ "$1" != bash ]; do shift; done
command=()
while [ "$1" != ::: ]; do command+=("$1"); shift; done
shift
for item in "$@"; do "${command[@]/#\{\}/$item}" || exit 1; done
"#;

fn contrib(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(name)
}

/// A place with spaces in its name, its stand-ins, and the class to grade.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "auto grader/submission", "auto grader/source/osmem/bin", "the class"] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        place.program("bin/osmem", OSMEM);
        place.program("bin/parallel", PARALLEL);
        place.program("bin/apt-get", "#!/bin/sh\necho \"apt-get $*\" >> \"$SEEN\"\n");
        place.program("auto grader/source/osmem/bin/osmem", OSMEM);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The exit code of a script, what it said on standard error, and with which arguments the stand-ins were called.
    fn run(&self, script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
        drop(fs::remove_file(self.path("seen")));
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(contrib(script))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("SEEN", self.path("seen"))
            .env("AUTOGRADER", self.path("auto grader"))
            .env("AUTOGRADER_SOURCE", self.path("auto grader/source"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let seen = fs::read_to_string(self.path("seen")).unwrap_or_default();
        let here = format!("{}/", self.folder.path().canonicalize().unwrap().display());
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), seen.replace(&here, ""))
    }
}

#[test]
fn every_script_is_sound() {
    for script in SCRIPTS {
        let path = contrib(script);
        assert!(fs::metadata(&path).unwrap().permissions().mode() & 0o111 == 0o111, "{script} is not executable");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#!/usr/bin/env bash\n") && text.contains("\nset -euo pipefail\n"), "{script}");
        assert!(Command::new("bash").arg("-n").arg(&path).status().unwrap().success(), "{script}");
    }
}

#[test]
#[ignore = "needs shellcheck"]
fn shellcheck_finds_nothing_in_a_script() {
    for script in SCRIPTS {
        let output = Command::new("shellcheck").arg(contrib(script)).output().expect("shellcheck (make deps-full)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn everything_in_contrib_is_explained() {
    let readme = fs::read_to_string(contrib("README.md")).unwrap();
    for folder in fs::read_dir(contrib("")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(contrib("")).unwrap().to_str().unwrap();
            assert!(readme.contains(&format!("`{name}`")), "contrib/README.md does not explain {name}");
        }
    }
}

#[test]
fn gradescope_gets_the_report_of_a_failed_submission() {
    let place = Place::new();
    let results = place.path("auto grader/results/results.json");
    let (code, stderr, seen) = place.run("gradescope/run_autograder", &[], &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(seen, "grade --out auto grader/results/out --force --name submission auto grader/submission\n");
    assert_eq!(fs::read_to_string(&results).unwrap(), "{\"score\": 7}\n");

    fs::write(place.path("auto grader/source/osmem.toml"), "").unwrap();
    let variables = [("OSMEM_NAME", "ann"), ("OSMEM_OPTIONS", "--box landlock")];
    let (code, _, seen) = place.run("gradescope/run_autograder", &[], &variables);
    assert_eq!(code, Some(0));
    assert_eq!(
        seen,
        "grade --out auto grader/results/out --force --name ann --course auto grader/source/osmem.toml --box landlock auto grader/submission\n"
    );
}

#[test]
fn gradescope_gets_what_is_known_so_far() {
    let place = Place::new();
    // Of the report that the script publishes, it sees its own early one in place while it still runs.
    let slow = "#!/bin/sh
out=$3
mkdir -p \"$out/submission\"
echo early > \"$out/submission/gradescope.json\"
for i in 1 2 3 4 5 6 7 8 9 10; do
  grep -q early \"$out/../results.json\" 2>/dev/null && echo published >> \"$SEEN\" && break
  sleep 0.5
done
echo late > \"$out/submission/gradescope.json\"
";
    place.program("auto grader/source/osmem/bin/osmem", slow);
    let (code, stderr, seen) = place.run("gradescope/run_autograder", &[], &[("OSMEM_PUBLISH_SECONDS", "0.1")]);
    assert_eq!((code, stderr.as_str(), seen.as_str()), (Some(0), "", "published\n"));
    assert_eq!(fs::read_to_string(place.path("auto grader/results/results.json")).unwrap(), "late\n");
}

#[test]
fn gradescope_never_gets_an_old_report() {
    let place = Place::new();
    assert_eq!(place.run("gradescope/run_autograder", &[], &[]).0, Some(0));
    let (code, stderr, _) = place.run("gradescope/run_autograder", &[], &[("BROKEN", "yes")]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("ended with 6 and wrote 0 reports"), "{stderr}");
    assert!(!place.path("auto grader/results/results.json").exists());
    let (code, stderr, seen) = place.run("gradescope/run_autograder", &[], &[("OSMEM_COURSE", "none.toml")]);
    assert_eq!((code, seen.as_str()), (Some(5), ""));
    assert!(stderr.contains("none.toml does not exist"), "{stderr}");
}

#[test]
fn gradescope_is_set_up_or_says_what_is_missing() {
    let place = Place::new();
    let ready = [("OSMEM", "true")];
    let (code, stderr, _) = place.run("gradescope/setup.sh", &[], &ready);
    // Not a path: the one in the zip is named by its path.
    assert_eq!((code, stderr.contains("error: true is missing")), (Some(1), true), "{stderr}");
    place.program("auto grader/source/osmem/bin/osmem", "#!/bin/sh\necho \"osmem $*\" >> \"$SEEN\"\n");
    let (code, stderr, seen) = place.run("gradescope/setup.sh", &[], &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(seen.starts_with("apt-get update") && seen.ends_with("osmem --version\n"), "{seen}");
    assert!(["strace", "gcc", "make"].iter().all(|package| seen.contains(package)), "{seen}");
}

#[test]
fn a_slurm_task_grades_its_part() {
    let place = Place::new();
    let task = [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "16"), ("SLURM_CPUS_PER_TASK", "4")];
    let (code, stderr, seen) = place.run("slurm/array.sbatch", &[], &task);
    assert_eq!((code, seen.as_str()), (Some(1), ""));
    assert!(stderr.contains("name the folder of the submissions"), "{stderr}");
    let named = [("SUBMISSIONS", "the class"), ("RESULTS", "the results"), ("COURSE", "osmem.toml")];
    let (code, stderr, seen) = place.run("slurm/array.sbatch", &[], &[&task[..], &named].concat());
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        seen,
        "grade --batch the class --partition slice:3/16 -j 4 --resume --out the results/shard-3 --course osmem.toml\n"
    );
    let broken = [&task[..], &named, &[("BROKEN", "yes")]].concat();
    assert_ne!(place.run("slurm/array.sbatch", &[], &broken).0, Some(0));
}

#[test]
fn parallel_grades_every_part_and_merges_them() {
    let place = Place::new();
    let (code, stderr, seen) =
        place.run("parallel/grade.sh", &["the class", "the results", "2"], &[("PARALLEL_OPTIONS", "--jobs 2")]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        seen,
        "grade --batch the class --partition slice:1/2 --out the results/shard-1 -j 1 --resume\n\
         grade --batch the class --partition slice:2/2 --out the results/shard-2 -j 1 --resume\n\
         merge the results/shard-1 the results/shard-2 --out the results/all\n"
    );
    let (code, _, seen) = place.run("parallel/grade.sh", &["the class", "the results"], &[("BROKEN", "yes")]);
    assert!(code != Some(0) && !seen.contains("merge"), "{code:?}: {seen}");
    let (code, stderr, _) = place.run("parallel/grade.sh", &["the class"], &[]);
    assert_eq!((code, stderr.as_str()), (Some(2), "usage: grade.sh SUBMISSIONS RESULTS [SHARDS]\n"));
}
