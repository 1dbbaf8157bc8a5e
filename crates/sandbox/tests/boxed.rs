//! The box from inside: what a program in it can see and do, in both tiers.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use osmem_sandbox::policy::{Message, Reached};
use osmem_sandbox::{Limits, Policy, Tier, host, view};
use tempfile::TempDir;

/// The users of boxes where the test is run by root: one each, since ending a box ends all of its user's processes.
static NEXT_USER: AtomicU32 = AtomicU32::new(64_000);

struct Bench {
    folder: TempDir,
    policy: Policy,
}

struct Ran {
    stdout: String,
    message: Option<Message>,
    elapsed: Duration,
}

impl Bench {
    fn new(tier: Tier, script: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("osmem-boxed-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let user = nix::unistd::geteuid().is_root().then(|| NEXT_USER.fetch_add(1, Ordering::Relaxed));
        for name in ["work", "root", "secret"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        chown(folder.path().join("work"), user, user).unwrap();
        fs::write(folder.path().join("secret/file"), "secret").unwrap();
        let work = folder.path().join("work");
        let policy = Policy {
            tier,
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("TMPDIR".into(), work.clone().into())],
            folder: work.clone().into(),
            readable: view::system(),
            hidden: Vec::new(),
            writable: vec![work.into()],
            root: folder.path().join("root").into(),
            network: None,
            user,
            build: true,
            idle: None,
            filter: None,
            limits: Limits { cpu: 10, memory: 256 << 20, processes: 50, file: 8 << 20, open_files: 64, disk: 16 << 20 },
        };
        Self { folder, policy }
    }

    fn run(&self) -> Ran {
        let (line, theirs) = host::Line::open(&self.policy).unwrap();
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_osmem-box"));
        command.stdin(Stdio::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let child = command.spawn().unwrap();
        drop(command);
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Ran { stdout, message: line.message(), elapsed: start.elapsed() }
    }
}

/// In both tiers.
fn both(script: &str, check: impl Fn(Tier, &Bench, Ran)) {
    for tier in Tier::ALL {
        let bench = Bench::new(tier, script);
        let ran = bench.run();
        if let Some(Message::Failed(why)) = &ran.message {
            panic!("{tier}: no box here: {why}");
        }
        println!("{tier}: {:?} {}", ran.message, ran.stdout);
        check(tier, &bench, ran);
    }
}

/// The processes of the machine with these words in their command lines.
fn processes_that(words: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    // One that ends meanwhile has no command line.
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(words)).collect()
}

fn secret(bench: &Bench) -> &Path {
    bench.folder.path()
}

#[test]
fn a_program_runs_in_its_folder_as_its_own_user() {
    both("pwd; id -u; echo made > file; cat file", |_, bench, ran| {
        let user = bench.policy.user.unwrap_or_else(|| nix::unistd::getuid().as_raw());
        let work = bench.folder.path().join("work");
        assert_eq!(ran.stdout, format!("{}\n{user}\nmade\n", work.display()));
        assert_eq!(fs::read_to_string(work.join("file")).unwrap(), "made\n");
    });
}

#[test]
fn nothing_outside_can_be_read_or_written() {
    for tier in Tier::ALL {
        let mut bench = Bench::new(tier, "");
        let secret = secret(&bench).join("secret/file");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o666)).unwrap();
        fs::set_permissions(secret.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
        let secret = secret.display();
        let script = format!(
            "cat {secret}; echo x > {secret}; rm -rf {secret}; cat /etc/shadow /etc/hostname; ls /home /root /proc/1/root/; \
             echo x > /usr/x; cat /proc/1/environ; ls /var; echo done"
        );
        bench.policy.args[1] = format!("exec 2>/dev/null; {script}").into();
        let ran = bench.run();
        assert_eq!(ran.stdout, "done\n", "{tier}");
        assert_eq!(fs::read_to_string(bench.folder.path().join("secret/file")).unwrap(), "secret", "{tier}");
    }
}

#[test]
fn the_network_is_empty_and_can_be_shared() {
    let network = host::Network::new();
    assert_eq!(network.is_some(), nix::unistd::geteuid().is_root());
    let mut seen = Vec::new();
    for shared in [None, network.as_ref(), network.as_ref()] {
        let mut bench = Bench::new(Tier::Namespaces, "readlink /proc/self/ns/net; tail -n +3 /proc/net/dev");
        bench.policy.network = shared.map(|network| network.path().into());
        let ran = bench.run();
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{:?} {}", ran.message, ran.stdout);
        assert!(lines[1].trim_start().starts_with("lo:"), "{}", ran.stdout);
        seen.push(lines[0].to_owned());
    }
    seen.push(fs::read_link("/proc/self/ns/net").unwrap().display().to_string());
    assert_eq!(seen[1] == seen[2], network.is_some(), "{seen:?}");
    seen.remove(2);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3, "a box is in a network of others");
}

#[test]
fn a_daemon_does_not_outlive_the_box() {
    both("(setsid sh -c 'sleep 98765 & sleep 98765' &) ; sleep 0.1; echo over", |tier, _, ran| {
        assert_eq!(ran.stdout, "over\n");
        assert!(ran.elapsed < Duration::from_secs(5), "{tier}");
        assert_eq!(processes_that("sleep 98765"), Vec::<String>::new(), "{tier}");
    });
}

#[test]
fn too_much_memory_and_too_much_disk_end_the_box() {
    both("exec tail /dev/zero", |tier, _, ran| {
        assert_eq!(ran.message, Some(Message::Limit(Reached::Memory)), "{tier}");
    });
    both(
        "for i in 1 2 3 4 5 6 7 8; do head -c 7000000 /dev/zero > $i; done; sleep 1; echo survived",
        |tier, _, ran| {
            assert_eq!(ran.message, Some(Message::Limit(Reached::Disk)), "{tier}");
            assert_eq!(ran.stdout, "", "{tier}");
        },
    );
}

#[test]
fn processes_files_and_descriptors_are_limited() {
    both("head -c 9000000 /dev/zero > big; ls -l big | cut -d' ' -f5", |tier, _, ran| {
        assert_eq!(ran.stdout.trim(), (8 << 20).to_string(), "{tier}");
    });
    both("ulimit -n; ulimit -c", |_, _, ran| assert_eq!(ran.stdout, "64\n0\n"));
}

#[test]
fn the_compiler_works() {
    let script = "printf 'int f(void) { return 1; }' > a.c; cc -shared -fPIC -o a.so a.c && test -s a.so && echo built";
    both(script, |tier, _, ran| assert_eq!(ran.stdout, "built\n", "{tier}"));
}

#[test]
fn the_box_ends_with_whoever_made_it() {
    for tier in Tier::ALL {
        let bench = Bench::new(tier, "sleep 87654");
        let (line, theirs) = host::Line::open(&bench.policy).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_osmem-box"));
        let mut child = command.stdin(Stdio::from(theirs)).spawn().unwrap();
        drop(command);
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{tier}");
        drop(line);
        let start = Instant::now();
        child.wait().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{tier}");
        assert_eq!(processes_that("sleep 87654"), Vec::<String>::new(), "{tier}");
    }
}

#[test]
fn what_is_hidden_is_not_shown_and_all_beside_it_is() {
    for tier in Tier::ALL {
        let mut bench = Bench::new(tier, "");
        let shown = bench.folder.path().join("shown");
        fs::create_dir_all(shown.join("deep/kit")).unwrap();
        fs::create_dir_all(shown.join("deep/beside")).unwrap();
        for name in ["library", "plain", "deep/kit/file", "deep/beside/file"] {
            fs::write(shown.join(name), format!("this is {name}\n")).unwrap();
        }
        std::os::unix::fs::symlink("library", shown.join("link")).unwrap();
        bench.policy.readable.push(shown.clone().into());
        bench.policy.hidden =
            vec![shown.join("library").into(), shown.join("deep/kit").into(), shown.join("none").into()];
        let script = "cat library plain link deep/kit/file deep/beside/file; ls deep/kit; echo x > plain";
        bench.policy.args =
            vec!["-c".into(), format!("cd '{}' && {{ {script}; }} 2>/dev/null; true", shown.display()).into()];
        let ran = bench.run();
        assert_eq!((ran.stdout.as_str(), &ran.message), ("this is plain\nthis is deep/beside/file\n", &None), "{tier}");
    }
}

#[test]
fn a_program_that_is_not_there_is_told() {
    for tier in Tier::ALL {
        let mut bench = Bench::new(tier, "");
        bench.policy.program = "/nowhere".into();
        let Some(Message::Failed(why)) = bench.run().message else { panic!("{tier}") };
        assert!(why.starts_with("starting the program"), "{why}");
    }
}

#[test]
fn a_filter_of_the_tracer_s_comes_into_force_in_every_tier() {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    // No folder can be made; what the box itself refuses stays refused.
    let mkdir = [libc::SYS_mkdirat, MKDIR].map(|call| u32::try_from(call).unwrap());
    let filter = vec![
        (LOAD, 0, 0, 0),
        (EQUAL, 2, 0, mkdir[0]),
        (EQUAL, 1, 0, mkdir[1]),
        (RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        (RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EXDEV).unwrap()),
    ];
    for tier in [Tier::Namespaces, Tier::Landlock, Tier::None] {
        let mut bench = Bench::new(tier, "mkdir made 2>&1; unshare -U true 2>/dev/null && echo unshared; echo over");
        bench.policy.filter = Some(filter.clone());
        let ran = bench.run();
        assert!(ran.stdout.contains("ross-device link"), "{tier}: {:?} {}", ran.message, ran.stdout);
        assert!(ran.stdout.ends_with("over\n"), "{tier}: {:?} {}", ran.message, ran.stdout);
        assert!(tier == Tier::None || !ran.stdout.contains("unshared"), "{tier}: {}", ran.stdout);
    }
}

#[cfg(target_arch = "x86_64")]
const MKDIR: libc::c_long = libc::SYS_mkdir;
#[cfg(not(target_arch = "x86_64"))]
const MKDIR: libc::c_long = libc::SYS_mkdirat;

#[test]
fn a_filter_that_is_none_is_told() {
    for tier in [Tier::Namespaces, Tier::Landlock, Tier::None] {
        for filter in [Vec::new(), vec![(0xffff, 0, 0, 0)]] {
            let mut bench = Bench::new(tier, "echo ran");
            bench.policy.filter = Some(filter);
            let ran = bench.run();
            let Some(Message::Failed(why)) = ran.message else { panic!("{tier}: {:?} {}", ran.message, ran.stdout) };
            assert!(why.starts_with("setting the tracer's filter of system calls: "), "{tier}: {why}");
            assert_eq!(ran.stdout, "", "{tier}");
        }
    }
}
