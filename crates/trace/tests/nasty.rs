//! Programs that make it hard for a tracer, under the built-in one; where strace can tell as much, it must say the same.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

mod compiled;
mod tracers;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use compiled::{compiled, spec};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use osmem_trace::run::{Cancel, EndProof, Forgery, Limits, Module, RunError, Stopped};
use osmem_trace::{Builtin, Observation, Spec, Strace, Tracer, observe};
use tracers::tracers;

fn nasty(scenario: &str) -> Spec {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    spec(PROGRAM.get_or_init(|| compiled("nasty", "nasty.c", &[])), scenario)
}

fn seen_by(tracer: &dyn Tracer, spec: &Spec) -> Observation {
    observe(tracer, spec, &Cancel::new()).unwrap_or_else(|error| panic!("{:?}: {error}", spec.args))
}

fn seen(scenario: &str) -> Observation {
    seen_by(&Builtin::find().unwrap(), &nasty(scenario))
}

/// All that both tracers must agree on.
fn told(seen: &Observation) -> String {
    let forged: Vec<_> = seen.forged.iter().map(|forged| (forged.why, &forged.text)).collect();
    let Observation { trace, proof, began, calls, missing, stopped, refused, .. } = seen;
    format!("{trace}{proof:?} {began} {calls} {forged:?} {missing:?} {stopped:?} {refused:?}")
}

#[test]
#[ignore = "needs strace"]
fn both_tracers_see_the_same_of_programs_that_change_their_skin() {
    let builtin = Builtin::find().unwrap();
    let strace = Strace::find().unwrap();
    for scenario in [
        "many calls",
        "death by signal",
        "death between two marks",
        "fork",
        "fork in a call",
        "vfork",
        "shared memory",
        "thread",
        "thread in a call",
        "exec in a call",
        "spawn",
        "traces itself",
        "traced by a child",
        "own filter",
        "own filter that tells a tracer",
        "own filter that kills",
        "unreadable",
        "stopped and continued",
        "handler",
    ] {
        let one = seen_by(&builtin, &nasty(scenario));
        assert_eq!(told(&one), told(&seen_by(&strace, &nasty(scenario))), "{scenario}");
        assert!(one.began && one.calls > 0, "{scenario}");
    }
}

#[test]
#[ignore = "needs strace"]
fn both_tracers_write_every_call_alike() {
    let program = compiled("every-call", "program.c", &[]);
    // Addresses that the program asks for are told as distances.
    let spec = Spec { aslr: false, ..spec(&program, "every call") };
    let one = seen_by(&Builtin::find().unwrap(), &spec);
    assert_eq!(told(&one), told(&seen_by(&Strace::find().unwrap(), &spec)));
    let text = one.trace.to_string();
    for name in
        ["mprotect(", "msync(", "mremap(", "tgkill(PID, PID, 0)", "writev(...)", "--- SIGRT_2 ---", "clone3(...)"]
    {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn what_was_noted_last_is_not_lost() {
    // More notes than the ring holds, and no system call for long.
    let many = seen("many calls");
    assert_eq!((many.calls, many.proof), (5000 + 2 + 1021 + 2, Some(EndProof::Return(0))));

    let died = seen("death by signal");
    let text = "os_free(NULL)\nos_malloc(7) = ?\n  kill(PID, SIGKILL) = ?\nkilled by SIGKILL\n";
    assert!([text, &text.replace("= ?\nkilled", "= 0\nkilled")].contains(&&*died.trace.to_string()), "{}", died.trace);
    let died = seen("death by a child");
    assert_eq!(died.trace.to_string(), "os_free(NULL)\nos_malloc(7) = ?\nkilled by SIGKILL\n");
    let died = seen("death between two marks");
    assert_eq!(died.trace.to_string(), "os_free(NULL)\nkilled by SIGSEGV\n");
}

/// A run many times over, half of them on one processor: there a thread may have stopped again whenever the tracer looks, before all others.
fn again_and_again(scenario: &str, end: &str) {
    let tracer = Builtin::find().unwrap();
    let ours = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let first = (0..CpuSet::count()).find(|cpu| ours.is_set(*cpu).unwrap());
    for cpu in [None, first].repeat(25) {
        let seen = seen_by(&tracer, &Spec { cpu, ..nasty(scenario) });
        assert_eq!((seen.calls, seen.stopped, seen.proof), (1, None, None), "{scenario}: {}", seen.trace);
        assert_eq!(seen.trace.end.to_string(), end, "{scenario}");
        assert!(seen.forged.is_empty() && seen.refused.is_empty(), "{scenario}: {:?} {:?}", seen.forged, seen.refused);
    }
}

#[test]
fn who_is_killed_before_it_tells_of_its_child_leaves_nobody_behind() {
    again_and_again("killed while it forks", "killed by SIGKILL");
}

#[test]
fn threads_that_are_killed_at_any_stop_are_followed_to_their_end() {
    again_and_again("exec in a crowd", "exit 0");
    again_and_again("end in a crowd", "exit 5");
}

#[test]
fn limits_end_a_run_and_tell_where() {
    for scenario in ["loop in a call", "all signals blocked"] {
        let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
        let seen = seen_by(&Builtin::find().unwrap(), &Spec { limits, ..nasty(scenario) });
        assert_eq!(seen.stopped, Some(Stopped::Timeout), "{scenario}");
        assert!(seen.trace.to_string().ends_with("os_malloc(7) = ?\nkilled by SIGKILL\n"), "{}", seen.trace);
        assert!(seen.elapsed < Duration::from_secs(5), "{:?}", seen.elapsed);
    }
    // Without a single system call but those that a full ring makes.
    let limits = Limits { log: 1 << 20, ..Limits::default() };
    let endless = seen_by(&Builtin::find().unwrap(), &Spec { limits, ..nasty("endless calls") });
    assert_eq!(endless.stopped, Some(Stopped::LogLimit));
    assert!(
        endless.calls > 1000 && endless.elapsed < Duration::from_secs(8),
        "{} {:?}",
        endless.calls,
        endless.elapsed
    );

    let limits = Limits { memory: 64 << 20, ..Limits::default() };
    let greedy = seen_by(&Builtin::find().unwrap(), &Spec { limits, ..nasty("takes memory") });
    assert_eq!(greedy.stopped, Some(Stopped::MemoryLimit));
    assert!(greedy.elapsed < Duration::from_secs(8), "{:?}", greedy.elapsed);

    // A flag that someone else sets.
    let cancel = Cancel::new();
    let flag = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        flag.cancel();
    });
    let cut = observe(&Builtin::find().unwrap(), &nasty("loop in a call"), &cancel).unwrap();
    assert_eq!(cut.stopped, Some(Stopped::Cancelled));
}

#[test]
fn what_would_reach_the_tracer_or_get_out_of_its_sight_is_refused_and_told() {
    for (scenario, what) in [
        ("untraced", "clone with CLONE_UNTRACED"),
        ("untraced by clone3", "clone with CLONE_UNTRACED"),
        ("kill", "kill of the tracer"),
        ("kill all", "kill of the tracer"),
        ("kill a thread", "tgkill of the tracer"),
        ("pidfd", "pidfd_open of the tracer"),
        ("attach", "ptrace of the tracer"),
        #[cfg(target_arch = "x86_64")]
        ("32-bit call", "a system call of another architecture"),
        #[cfg(target_arch = "x86_64")]
        ("x32 call", "a system call of another architecture"),
    ] {
        assert_eq!(seen(scenario).refused, [what], "{scenario}");
    }
    // Whoever only asks whether we are there gets an answer.
    assert!(seen("asks for the tracer").refused.is_empty());
}

#[test]
fn whoever_writes_where_the_notes_lie_has_forged_them() {
    for scenario in ["wild write", "wild count", "ring gone"] {
        let seen = seen(scenario);
        let why: Vec<_> = seen.forged.iter().map(|forged| forged.why).collect();
        assert_eq!(why, [Forgery::Key], "{scenario}");
    }
}

/// Every tracer that works here tells at once that no probe gets into this program.
fn not_traceable(program: &Path, why: &str) {
    for tracer in tracers() {
        let error = observe(&*tracer, &spec(program, ""), &Cancel::new()).unwrap_err();
        assert!(matches!(error, RunError::NotTraceable { .. }) && error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_program_that_no_probe_gets_into_is_told_at_once() {
    not_traceable(&compiled("nasty-static", "nothing.c", &["-static", "-DMAIN"]), "statically");
}

#[test]
#[cfg(target_arch = "x86_64")]
#[ignore = "needs a C library for 32-bit programs"]
fn a_program_for_another_machine_is_told_at_once() {
    not_traceable(&compiled("nasty-32", "nothing.c", &["-m32", "-DMAIN"]), "another kind");
}

#[test]
fn it_is_known_whose_code_made_a_call() {
    let seen = seen("malloc in a call");
    let origins: Vec<_> = seen.origins.iter().map(|source| (&source.origin.module, source.origin.through)).collect();
    assert!(origins.contains(&(&Module::C, Some("malloc"))), "{origins:?}\n{}", seen.trace);
    assert!(origins.contains(&(&Module::C, None)), "{origins:?}");
    assert!(origins.contains(&(&Module::Program, None)), "{origins:?}");
    let text = seen.origins[0].origin.to_string();
    assert!(text.starts_with("the "), "{text}");
    assert!(seen.origins.iter().all(|source| !source.origin.stream), "{:?}", seen.origins);
}

#[test]
fn a_stream_that_needs_memory_is_known() {
    let seen = seen("stream in a call");
    let origin = &seen.origins[0].origin;
    let expected = "the C library, called by its malloc for a stream (printf, fopen)";
    assert_eq!((origin.stream, origin.to_string().as_str()), (true, expected));
}
