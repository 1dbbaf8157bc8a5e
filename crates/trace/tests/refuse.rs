//! System calls that are refused: the same with every tracer that works here.

mod compiled;
mod tracers;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use osmem_trace::run::{
    Cancel, EndProof, Finish, Limits, Refusal, Refused, RunError, Start, Started, Starter, Stopped,
};
use osmem_trace::{Observation, Spec, Strace, Tracer, observe};
use tracers::tracers;

/// The program, compiled once.
fn spec(scenario: &str) -> Spec {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    compiled::spec(PROGRAM.get_or_init(|| compiled::compiled("refused-program", "refused.c", &[])), scenario)
}

/// strace cannot tell what each thread asks for; the built-in tracer can.
fn counts_over_threads(tracer: &dyn Tracer) -> bool {
    !tracer.name().starts_with("strace")
}

fn refusal(call: Refused, first: u32, later: bool) -> Option<Refusal> {
    Some(Refusal { call, first, later })
}

fn run(tracer: &dyn Tracer, spec: &Spec) -> Result<Observation, RunError> {
    observe(tracer, spec, &Cancel::new())
}

fn seen(tracer: &dyn Tracer, scenario: &str, refuse: Option<Refusal>) -> Observation {
    run(tracer, &Spec { refuse, ..spec(scenario) })
        .unwrap_or_else(|error| panic!("{}, {scenario}, {refuse:?}: {error}", tracer.name()))
}

/// The trace of the program with these of the three moves of the break and the three mappings refused.
fn growing(breaks: [bool; 3], mappings: [bool; 3]) -> String {
    let mut text = String::new();
    let (mut top, mut mapping) = (0, 0);
    let place = |offset: u32| if offset == 0 { "HEAP".to_owned() } else { format!("HEAP+{offset:#x}") };
    for (no_break, no_mapping) in breaks.into_iter().zip(mappings) {
        let (from, to) = (place(top), place(top + 0x1000));
        if no_break {
            text += &format!("os_malloc(100) = NULL\n  brk({to}) = {from}\n");
        } else {
            text += &format!("os_malloc(100) = {}\n  brk({to}) = {to}\n", place(top + 0x20));
            top += 0x1000;
        }
        let map = "  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)";
        if no_mapping {
            text += &format!("os_malloc(200000) = NULL\n{map} = -ENOMEM\n");
        } else {
            mapping += 1;
            text += &format!("os_malloc(200000) = MAP{mapping}+0x20\n{map} = MAP{mapping}\n");
        }
    }
    text + "exit 0\n"
}

const NONE: [bool; 3] = [false; 3];

/// What each refusal comes to. The first `brk` of the program only asks where the break is, which is answered in any case.
fn cases() -> Vec<(Option<Refusal>, String)> {
    let (brk, mmap) = (Refused::Brk, Refused::Mmap);
    vec![
        (None, growing(NONE, NONE)),
        (refusal(brk, 1, false), growing(NONE, NONE)),
        (refusal(brk, 2, false), growing([true, false, false], NONE)),
        (refusal(brk, 3, false), growing([false, true, false], NONE)),
        (refusal(brk, 4, false), growing([false, false, true], NONE)),
        (refusal(brk, 5, false), growing(NONE, NONE)),
        (refusal(brk, 1, true), growing([true; 3], NONE)),
        (refusal(brk, 3, true), growing([false, true, true], NONE)),
        (refusal(brk, 5, true), growing(NONE, NONE)),
        (refusal(mmap, 1, false), growing(NONE, [true, false, false])),
        (refusal(mmap, 3, false), growing(NONE, [false, false, true])),
        (refusal(mmap, 4, false), growing(NONE, NONE)),
        (refusal(mmap, 1, true), growing(NONE, [true; 3])),
        (refusal(mmap, 2, true), growing(NONE, [false, true, true])),
    ]
}

#[test]
fn the_nth_call_is_refused_and_no_other() {
    for tracer in tracers() {
        for (refuse, trace) in cases() {
            let name = format!("{}, {refuse:?}", tracer.name());
            let observation = seen(&*tracer, "alone", refuse);
            assert_eq!(observation.trace.to_string(), trace, "{name}");
            assert_eq!((observation.proof, observation.began), (Some(EndProof::Return(0)), true), "{name}");
            assert!(observation.forged.is_empty() && observation.refused.is_empty(), "{name}");
            assert_eq!(
                String::from_utf8_lossy(&observation.stderr),
                "",
                "{name}: the tracer does not speak for the program"
            );
        }
    }
}

#[test]
fn what_could_be_refused_is_told_as_it_is_numbered() {
    for tracer in tracers() {
        let told = |scenario: &str| {
            let asked = seen(&*tracer, scenario, None).asked;
            let told = asked.iter().map(|asked| (asked.call.name(), asked.number, asked.inside, asked.queries));
            told.collect::<Vec<_>>()
        };
        let in_calls = |breaks: u32, mappings: u32| {
            let calls = (0..3).flat_map(|turn| [("brk", breaks + turn), ("mmap", mappings + turn)]);
            calls.enumerate().map(|(call, (name, number))| (name, number, Some(call), false)).collect::<Vec<_>>()
        };
        // The first call of sbrk asks where the break is.
        let expected = [vec![("brk", 1, Some(0), true)], in_calls(2, 1)].concat();
        assert_eq!(told("alone"), expected, "{}", tracer.name());
        let own = vec![("mmap", 1, None, false), ("brk", 1, None, true), ("brk", 2, None, false)];
        let expected = [own, in_calls(3, 2), vec![("mmap", 5, None, false)]].concat();
        assert_eq!(told("own"), expected, "{}", tracer.name());
    }
}

#[test]
fn a_program_that_is_stopped_or_says_nothing_is_what_it_is_without() {
    for tracer in tracers() {
        let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
        for call in [Refused::Brk, Refused::Mmap] {
            let refuse = refusal(call, 1, true);
            let observation = run(&*tracer, &Spec { refuse, limits, ..spec("loop") }).unwrap();
            assert_eq!(observation.stopped, Some(Stopped::Timeout), "{}", tracer.name());
            assert!(!seen(&*tracer, "silent", refuse).began, "{}", tracer.name());
        }
    }
}

#[test]
fn threads_are_counted_together_or_not_at_all() {
    for tracer in tracers() {
        for later in [false, true] {
            let refuse = refusal(Refused::Mmap, 5, later);
            let observed = run(&*tracer, &Spec { refuse, ..spec("thread") });
            if !counts_over_threads(&*tracer) {
                let error = observed.unwrap_err();
                assert!(matches!(&error, RunError::NotRefused { why } if why.contains("threads")), "{error}");
            }
        }
        // What another process does is not the program's.
        let refuse = refusal(Refused::Mmap, 2, false);
        let observation = run(&*tracer, &Spec { refuse, ..spec("child") });
        match observation {
            Ok(observation) => assert_eq!(observation.trace.to_string(), growing(NONE, [false, true, false])),
            Err(error) => {
                assert!(!counts_over_threads(&*tracer), "{error}");
                assert!(matches!(&error, RunError::NotRefused { why } if why.contains("processes")), "{error}");
            }
        }
    }
}

/// Starts the program by a process that makes system calls of its own.
#[derive(Debug)]
struct Detour(tempfile::TempDir);

impl Starter for Detour {
    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn start(&self, program: &Start<'_>) -> io::Result<Started> {
        let mut command: Vec<OsString> = vec!["/usr/bin/env".into()];
        for (name, value) in &program.variables {
            let mut setting = OsString::from(name);
            setting.push("=");
            setting.push(value);
            command.push(setting);
        }
        let idle = program.idle.map_or("none", Refused::name);
        command.extend([program.program.into(), "start".into(), idle.into(), program.program.into()]);
        command.extend(program.args.iter().cloned());
        let (stop, finish) = (Box::new(|| {}), Box::new(|| Finish::Ran));
        Ok(Started { command, input: File::open("/dev/null")?.into(), stop, finish })
    }
}

#[test]
#[ignore = "needs strace"]
fn what_a_starter_did_is_not_counted() {
    // Of the built-in tracer a starter has to set a filter, which this one cannot.
    let strace = Strace::find().unwrap();
    let starter: Arc<dyn Starter> = Arc::new(Detour(tempfile::tempdir().unwrap()));
    for (refuse, trace) in cases() {
        let spec = Spec { refuse, starter: Some(Arc::clone(&starter)), ..spec("alone") };
        let observation = run(&strace, &spec).unwrap_or_else(|error| panic!("{refuse:?}: {error}"));
        assert_eq!(observation.trace.to_string(), trace, "{refuse:?}");
    }
}
