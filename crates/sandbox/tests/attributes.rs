//! Attributes of files: a build changes those of its own, and of no others, as whichever user it runs.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use osmem_sandbox::policy::{Message, Reached};
use osmem_sandbox::{Limits, Policy, Tier, host, view};
use tempfile::TempDir;

/// A plain user.
const PLAIN: u32 = 65_534;

/// A box of a plain user's, beside a file of the same user's.
struct Bench {
    folder: TempDir,
    tier: Tier,
}

impl Bench {
    fn new(tier: Tier) -> Self {
        let folder = tempfile::Builder::new().prefix("osmem-boxed-").tempdir().unwrap();
        let bench = Self { folder, tier };
        for name in ["work", "root", "shared"] {
            fs::create_dir(bench.path(name)).unwrap();
        }
        fs::write(bench.path("shared/file"), "shared").unwrap();
        fs::write(bench.path("work/file"), "own").unwrap();
        fs::copy(env!("CARGO_BIN_EXE_osmem-box"), bench.path("osmem-box")).unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attributes.c");
        let mut cc = Command::new("cc");
        assert!(cc.args(["-w", "-o"]).arg(bench.path("work/try")).arg(source).status().unwrap().success());
        for name in ["", "work", "root", "shared", "shared/file", "work/file", "work/try", "osmem-box"] {
            let path = bench.path(name);
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            if nix::unistd::geteuid().is_root() {
                chown(&path, Some(PLAIN), Some(PLAIN)).unwrap();
            }
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script to its end; what it printed.
    fn run(&self, build: bool, script: &str) -> String {
        let (printed, message) = self.ran(build, script);
        assert_eq!(message, None, "{printed}");
        printed
    }

    /// Runs a script.
    fn ran(&self, build: bool, script: &str) -> (String, Option<Message>) {
        let work = self.path("work");
        let policy = Policy {
            tier: self.tier,
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            folder: work.clone().into(),
            readable: view::system().into_iter().chain([self.path("shared").into()]).collect(),
            hidden: Vec::new(),
            writable: vec![work.into()],
            root: self.path("root").into(),
            network: None,
            user: None,
            build,
            idle: None,
            filter: None,
            limits: Limits { cpu: 10, memory: 256 << 20, processes: 50, file: 8 << 20, open_files: 64, disk: 16 << 20 },
        };
        let (line, theirs) = host::Line::open(&policy).unwrap();
        let mut command = Command::new(self.path("osmem-box"));
        command.stdin(Stdio::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        if nix::unistd::geteuid().is_root() {
            command.uid(PLAIN).gid(PLAIN);
        }
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        drop(command);
        let printed = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&printed).into_owned(), line.message())
    }

    fn shared(&self) -> [(u32, i64, u32); 2] {
        let of = |it: Metadata| (it.mode(), it.mtime(), it.uid());
        ["shared", "shared/file"].map(|name| of(fs::metadata(self.path(name)).unwrap()))
    }
}

#[test]
fn no_attribute_of_a_file_that_others_need_can_be_changed() {
    for tier in Tier::ALL {
        let bench = Bench::new(tier);
        let before = bench.shared();
        for build in [true, false] {
            let shared = bench.path("shared/file");
            let worked =
                bench.run(build, &format!("./try {0}; ln {0} mine; mv {0} mine; ./try mine/../{0}", shared.display()));
            assert!(!worked.contains("syscall(") && !worked.contains("attr"), "{tier}, a build {build}: {worked}");
            assert_eq!(bench.shared(), before, "{tier}, a build {build}");
        }
    }
}

#[test]
fn requests_that_harm_by_a_descriptor_that_reads_are_refused() {
    for tier in Tier::ALL {
        for (build, file) in [(true, "shared"), (false, "shared"), (true, "work"), (false, "work")] {
            let bench = Bench::new(tier);
            let worked = bench.run(build, &format!("./try {}/file own", bench.path(file).display()));
            for never in ["ioctl", "fcntl", "socketpair", "xattr", "syscall(463", "syscall(469", "syscall(600"] {
                assert!(!worked.contains(never), "{tier}, a build {build}, {file}: {worked}");
            }
        }
    }
}

#[test]
fn a_build_changes_modes_and_times_of_its_own_files() {
    for tier in Tier::ALL {
        let bench = Bench::new(tier);
        let path = bench.path("work/file");
        let worked = bench.run(true, &format!("./try {} own", path.display()));
        for way in
            ["SYS_fchmod, file", "AT_FDCWD, path, mode)", "above, name", "\"link\"", "AT_SYMLINK_NOFOLLOW", "times"]
        {
            assert!(worked.contains(way), "{tier}: {way}: {worked}");
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640, "{tier}");
        fs::set_permissions(bench.path("work"), Permissions::from_mode(0o755)).unwrap();
        let script = "set -e; printf '#!/bin/sh\necho ran' > helper; chmod +x helper; ./helper; touch -d @1000 file; mkdir in; \
                      cd in; chmod 700 ../file; install -m 750 ../file copy; cp -p ../file kept; chmod u+s copy; stat -c %a-%Y copy kept";
        let printed = bench.run(true, script);
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[0], "ran", "{tier}: {printed}");
        assert!(lines[1].starts_with(if tier == Tier::Landlock { "750-" } else { "4750-" }), "{tier}: {printed}");
        assert_eq!(lines[2], "700-1000", "{tier}: {printed}");
    }
}

#[test]
fn what_lies_in_a_folder_without_rights_counts() {
    for tier in Tier::ALL {
        for rights in ["300", "u-r"] {
            let bench = Bench::new(tier);
            let script = format!(
                "mkdir -p in/deeper; for n in 1 2 3 4; do head -c 7000000 /dev/urandom > in/deeper/$n; \
                 chmod {rights} in/deeper; done; chmod {rights} in; sleep 20"
            );
            let (printed, message) = bench.ran(true, &script);
            assert_eq!(message, Some(Message::Limit(Reached::Disk)), "{tier}: {rights}: {printed}");
        }
    }
}
