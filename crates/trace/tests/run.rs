//! Real programs under every tracer that works here.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

mod compiled;
mod file;
mod support;
mod tracers;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use osmem_trace::model::{End, Function};
use osmem_trace::run::{Cancel, EndProof, Environment, Forgery, RunError, Stopped, Tracer};
use osmem_trace::{Observation, Strace, observe};
use support::{each, run, seen, spec};
use tracers::tracers;

const PLAIN: &str = "\
program: brk(HEAP) = HEAP
os_malloc(1000) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
program: brk(HEAP+0x22000) = HEAP+0x22000
os_malloc(200000) = MAP1+0x20
  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_realloc(MAP1+0x20, 300000) = MAP2+0x20
  mremap(MAP1, 200032, 300032, MREMAP_MAYMOVE) = MAP2
os_free(MAP2+0x20)
  madvise(MAP2, 4096, MADV_DONTNEED) = 0
  munmap(MAP2, 300032) = 0
os_free(MAP2+0x28)
os_calloc(3, 5) = NULL
  write(2, \"a \\\"b\\\" = ) \\n\", 11) = 11
os_malloc(1152921504606846976) = NULL
  mmap(NULL, 1152921504606846976, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -ENOMEM
exit 3
";

#[test]
fn a_plain_program_gives_its_trace_wherever_it_lies_and_runs() {
    for (aslr, cpu) in [(true, None), (true, Some(0)), (false, None), (false, Some(0)), (false, Some(100_000))] {
        let observation = run(&osmem_trace::Spec { aslr, cpu, ..spec("plain") }).unwrap();
        assert_eq!(observation.trace.to_string(), PLAIN);
        assert_eq!((observation.proof, observation.calls), (Some(EndProof::Return(259)), 7));
        assert_eq!((observation.began, observation.stopped), (true, None));
        assert!(observation.forged.is_empty() && observation.missing.is_empty());
        assert_eq!(observation.stderr, b"a \"b\" = ) \n");
    }
    for (name, observation) in each(&spec("plain")) {
        let Observation { raw, stderr, .. } = observation.unwrap();
        let raw = raw.to_string();
        assert_eq!(stderr, b"a \"b\" = ) \n", "{name}");
        assert!(raw.lines().next().unwrap().contains("begin 2 0x"), "{name}: {raw}");
        assert!(raw.ends_with("+++ exited with 3 +++\n"), "{name}: {raw}");
    }
}

#[test]
fn ends_of_all_kinds() {
    for (scenario, trace, proof) in [
        ("refused", "os_malloc(10) = NULL\n  brk(HEAP+0x20000) = HEAP\nexit 3\n", true),
        ("crash", "os_free(FOREIGN) = ?\n  --- SIGSEGV ---\nkilled by SIGSEGV\n", false),
        ("exit in a call", "os_malloc(10) = ?\n  exit_group(0) = ?\nexit 0\n", false),
        ("at exit", "os_free(NULL)\nexit 3\n", true),
        ("other status", "exit 1\n", false),
        ("silent", "exit 5\n", false),
    ] {
        let observation = seen(scenario);
        assert_eq!(observation.trace.to_string(), trace, "{scenario}");
        assert_eq!(observation.proof.is_some(), proof, "{scenario}");
        assert_eq!(observation.began, scenario != "silent");
    }
    let text = seen("abort").trace.to_string();
    assert!(text.contains("\n  tgkill(PID, PID, SIGABRT) = 0\n  --- SIGABRT ---\nkilled by SIGABRT\n"), "{text}");
    assert_eq!(seen("missing").missing, [Function::Calloc]);
}

#[test]
fn threads_are_seen_and_other_processes_are_not() {
    // In whatever order.
    for (name, observation) in each(&spec("threads")) {
        let observation = observation.unwrap();
        let calls: Vec<_> = observation.trace.calls().collect();
        assert_eq!((calls.len(), observation.forged.len()), (8, 0), "{name}");
        assert!(calls.iter().all(|call| call.events.len() == 1), "{name}: {}", observation.trace);
    }

    let observation = seen("fork");
    assert_eq!((observation.calls, observation.proof), (1, Some(EndProof::Return(259))));
    assert!(observation.forged.is_empty(), "{:?}", observation.forged);

    let observation = seen("closed");
    assert_eq!((observation.calls, observation.proof), (2, Some(EndProof::Return(259))));
}

#[test]
fn forged_marks_are_told() {
    for (scenario, why) in [
        ("other key", Forgery::Key),
        ("other instruction", Forgery::Origin),
        ("nonsense", Forgery::Unreadable),
        ("disorder", Forgery::Order),
    ] {
        let observation = seen(scenario);
        assert_eq!(observation.forged.iter().map(|forged| forged.why).collect::<Vec<_>>(), [why], "{scenario}");
        assert_eq!(observation.calls, 0);
    }
}

#[test]
fn a_program_that_becomes_another_proves_nothing_any_more() {
    for scenario in ["exec", "exec in a thread"] {
        let observation = seen(scenario);
        assert_eq!((observation.calls, observation.proof), (1, None), "{scenario}");
        assert_eq!(observation.trace.end, End::Exit(0));
    }
}

/// Whether a process runs that has `token` as an argument.
fn is_running(token: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| argument == token.as_bytes())
    })
}

#[test]
fn what_does_not_end_is_ended_with_all_that_it_started() {
    for scenario in ["loop", "sleep", "stop", "daemon"] {
        let token = format!("token-{scenario}-{}", std::process::id());
        let mut spec = spec(scenario);
        spec.args.push(token.clone().into());
        spec.limits.time = Duration::from_secs(1);
        let start = Instant::now();
        let observation = run(&spec).unwrap();
        assert_eq!(observation.stopped, Some(Stopped::Timeout), "{scenario}");
        assert!(start.elapsed() < Duration::from_secs(8) * u32::try_from(tracers().len()).unwrap(), "{scenario}");
        // The daemon's parent had ended well before.
        let expected = if scenario == "daemon" { End::Exit(3) } else { End::Killed("SIGKILL".into()) };
        assert_eq!(observation.trace.end, expected, "{scenario}");
        assert!(!is_running(&token), "{scenario}");
    }
}

#[test]
fn floods_are_stopped_and_only_their_end_is_kept() {
    let mut flood = spec("flood");
    flood.limits.output = 1 << 20;
    flood.limits.tail = 1000;
    for (name, observation) in each(&flood) {
        let observation = observation.unwrap();
        assert_eq!((observation.stopped, observation.stdout.len()), (Some(Stopped::OutputLimit), 1000), "{name}");
    }

    let mut flood = spec("log flood");
    flood.limits.log = 1 << 20;
    for (name, observation) in each(&flood) {
        let observation = observation.unwrap();
        assert_eq!(observation.stopped, Some(Stopped::LogLimit), "{name}");
        assert_eq!(observation.trace.end, End::Killed("SIGKILL".into()), "{name}");
        assert!(observation.raw.to_string().len() <= 2 << 20, "{name}");
    }

    // Too long a log of a program that has already ended.
    let mut short = spec("plain");
    short.limits.log = 1000;
    for (name, observation) in each(&short) {
        assert_eq!(observation.unwrap().stopped, Some(Stopped::LogLimit), "{name}");
    }
}

#[test]
fn a_run_is_cancelled_from_another_thread() {
    let token = format!("token-cancel-{}", std::process::id());
    let mut spec = spec("sleep");
    spec.args.push(token.clone().into());
    for tracer in tracers() {
        let cancel = Cancel::new();
        let start = Instant::now();
        let observation = thread::scope(|scope| {
            let run = scope.spawn(|| observe(&*tracer, &spec, &cancel));
            thread::sleep(Duration::from_millis(300));
            cancel.cancel();
            run.join().unwrap().unwrap()
        });
        assert_eq!(observation.stopped, Some(Stopped::Cancelled), "{tracer:?}");
        assert!(start.elapsed() < Duration::from_secs(8), "{tracer:?}");
        assert!(!is_running(&token), "{tracer:?}");
        // What is cancelled before it starts ends too.
        assert_eq!(observe(&*tracer, &spec, &cancel).unwrap().stopped, Some(Stopped::Cancelled), "{tracer:?}");
    }
}

#[test]
fn the_environment_is_pinned_or_inherited_and_the_folder_of_the_run_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("a folder").join("student's.so");
    fs::create_dir(library.parent().unwrap()).unwrap();
    fs::copy(&spec("").probe, &library).unwrap();
    // By each tracer.
    let lines = |environment| {
        let lines = |(_, run): (String, Result<Observation, RunError>)| {
            String::from_utf8(run.unwrap().stdout).unwrap().lines().map(String::from).collect::<Vec<_>>()
        };
        each(&osmem_trace::Spec { environment, library: Some(library.clone()), ..spec("environment") })
            .into_iter()
            .map(lines)
    };
    for (pinned, inherited) in lines(Environment::Pinned).zip(lines(Environment::Inherited)) {
        let value = |name: &str| pinned.iter().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap();
        let mut names: Vec<_> = pinned.iter().map(|line| line.split('=').next().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["GLIBC_TUNABLES", "LC_ALL", "LD_LIBRARY_PATH", "LD_PRELOAD", "OSMEM_PROBE_KEY"]);
        let (folders, beside) = value("LD_LIBRARY_PATH").split_once(':').unwrap();
        assert_eq!(beside, library.canonicalize().unwrap().parent().unwrap().to_str().unwrap());
        assert!(folders.starts_with('/') && !PathBuf::from(folders).exists(), "{folders}");

        let has = |start: &str| inherited.iter().any(|line| line.starts_with(start));
        assert!(inherited.len() > pinned.len() && has("PATH="), "{inherited:?}");
        assert!(inherited.contains(&"LD_PRELOAD=libosmem_probe.so".into()), "{inherited:?}");
        let key = |lines: &[String]| lines.iter().find(|line| line.starts_with("OSMEM_PROBE_KEY=")).cloned().unwrap();
        assert_ne!(key(&pinned), key(&inherited), "each run has a key of its own");
    }
}

#[test]
fn the_callers_thread_keeps_its_place() {
    const ADDR_NO_RANDOMIZE: u32 = 0x004_0000;
    let before = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let placed = |tracer: &dyn Tracer, aslr, cpu| {
        let spec = osmem_trace::Spec { aslr, cpu, ..spec("placement") };
        let text = String::from_utf8(observe(tracer, &spec, &Cancel::new()).unwrap().stdout).unwrap();
        let (cpus, persona) = text.trim().split_once(" cpus, personality ").unwrap();
        (cpus.parse::<usize>().unwrap(), u32::from_str_radix(persona, 16).unwrap() & ADDR_NO_RANDOMIZE != 0)
    };
    let first = (0..CpuSet::count()).find(|cpu| before.is_set(*cpu).unwrap());
    let all = (0..CpuSet::count()).filter(|cpu| before.is_set(*cpu).unwrap()).count();
    for tracer in tracers() {
        assert_eq!(placed(&*tracer, false, first), (1, true), "{tracer:?}");
        let after = sched_getaffinity(Pid::from_raw(0)).unwrap();
        assert!((0..CpuSet::count()).all(|cpu| before.is_set(cpu) == after.is_set(cpu)), "{tracer:?}");
        assert_eq!(placed(&*tracer, true, None), (all, false), "{tracer:?}");
    }
}

#[test]
fn a_program_that_cannot_run_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| file::write(&folder.path().join(name), text, mode);
    for (program, expected) in [
        (folder.path().join("nothing"), "nothing does not exist"),
        (PathBuf::from("no-such-program-anywhere"), "no-such-program-anywhere does not exist on the PATH"),
        (folder.path().into(), "cannot be executed: it is a folder"),
        (file("text", "x", "644"), "text cannot be executed: its permissions forbid it"),
        (file("junk", "x", "755"), "junk cannot be executed: the system does not know its format"),
        (file("script", "#!/no/such/shell\n", "755"), "the interpreter or loader that it names does not exist"),
    ] {
        let error = run(&osmem_trace::Spec { program, ..spec("plain") }).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let found = run(&osmem_trace::Spec { program: "true".into(), args: Vec::new(), ..spec("") }).unwrap();
    assert_eq!((found.trace.end, found.began), (End::Exit(0), false));
}

#[test]
fn a_probe_or_library_that_is_not_there_is_named() {
    let nowhere = PathBuf::from("/nowhere/lib.so");
    let no_probe = run(&osmem_trace::Spec { probe: nowhere.clone(), ..spec("plain") }).unwrap_err();
    let no_library = run(&osmem_trace::Spec { library: Some(nowhere.clone()), ..spec("plain") }).unwrap_err();
    for error in [no_probe, no_library] {
        assert!(matches!(&error, RunError::Library { path, .. } if *path == nowhere), "{error}");
    }
    let error = run(&spec("version")).unwrap_err();
    assert!(matches!(&error, RunError::ProbeVersion { found } if found == "99"), "{error}");
}

#[test]
#[ignore = "needs strace"]
fn a_program_that_kills_strace_gives_an_error_and_leaves_nothing() {
    let token = format!("token-kill-{}", std::process::id());
    let mut spec = spec("kill strace");
    spec.args.push(token.clone().into());
    // The built-in tracer is no process that could be killed: it is this one.
    let error = observe(&Strace::find().unwrap(), &spec, &Cancel::new()).unwrap_err();
    assert!(matches!(&error, RunError::LogIncomplete { why } if why.contains("SIGKILL")), "{error}");
    assert!(!is_running(&token));
}
