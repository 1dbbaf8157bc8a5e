//! Calls that are refused, by strace's own injection.
//!
//! strace counts the calls of each thread from its start on, whatever it is by then; wanted is the n-th after the probe's first mark. And
//! a break that is not moved is no error to the kernel, which answers with the break as it is: an error instead would be taken for an
//! address. So the program runs twice, at the same addresses: the first run tells how many calls come before that mark, and where
//! the break is by then; in the second one strace injects. Whether it did so where it should, the second log must show.

use crate::error::RunError;
use crate::label;
use crate::log::{Reply, Step, System, What};
use crate::mark::{Key, Mark, Writing};
use crate::spec::{Cancel, Refusal, Refused, Spec, Stopped};
use crate::strace::{Strace, started};
use crate::tracer::{Recording, Seen, Watch};
use crate::window;

/// strace counts no further.
const FURTHEST: usize = 65535;

/// What strace adds to a line.
const INJECTED: &[u8] = b" (INJECTED)\n";

/// What strace says on standard error about each injected answer that is an address.
const CLIPPED: &[u8] = b"strace: Injected return value ";

/// Runs a program whose calls are refused as `refusal` says. If it makes no such call, the run is that of the program by itself.
pub fn record(
    strace: &Strace,
    spec: &Spec,
    watch: Watch<'_>,
    refusal: Refusal,
    cancel: &Cancel,
) -> Result<Recording, RunError> {
    let Watch::Calls(key) = watch else {
        return Err(not_refused("they are counted from the probe's first mark, and this run has no probe"));
    };
    let fixed = Spec { aslr: false, ..spec.clone() };
    let (plain, starter) = strace.run(&fixed, watch, &[], cancel)?;
    if matches!(plain.stopped, Some(Stopped::Cancelled | Stopped::Starved)) {
        return Ok(plain);
    }
    let Some(plan) = Plan::of(&plain.steps()?, &starter, key, refusal)? else { return Ok(plain) };
    let (mut run, starter) = strace.run(&fixed, watch, &["-e".into(), plan.option()?], cancel)?;
    plan.verify(&run, &starter, key)?;
    if run.stderr.starts_with(CLIPPED) {
        let line = run.stderr.iter().position(|byte| *byte == b'\n').map_or(run.stderr.len(), |end| end + 1);
        run.stderr.drain(..line);
    }
    Ok(run)
}

fn not_refused(why: impl Into<String>) -> RunError {
    RunError::NotRefused { why: why.into() }
}

/// What strace is to do, and what has to be so for it to be right.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    refusal: Refusal,
    /// Calls of the first thread before the probe's first mark.
    before: usize,
    /// Where the break is when it is first refused.
    brk: Option<u64>,
}

/// The calls of a run that count.
struct Calls<'a> {
    /// The thread that a process begins with.
    first: u32,
    /// How many that thread makes before the probe's first mark.
    before: usize,
    /// Those of all threads of the process after it, by their places among all steps.
    after: Vec<(usize, &'a Step<'a>)>,
}

impl<'a> Calls<'a> {
    /// The calls of the steps; `None` where the probe makes no mark. `starter` is the log of what started the
    /// program: the same thread, before it became the program.
    fn of(steps: &'a [Step<'a>], starter: &[u8], key: &Key, call: Refused) -> Option<Self> {
        let begin = steps.iter().position(|step| is_begin(step, key))?;
        let first = steps.first()?.thread;
        let threads = window::threads(steps);
        let is_counted = |step: &Step<'_>| {
            matches!(&step.what, What::System(system) if system.name == call.name()) && threads.contains(&step.thread)
        };
        let is_end = |step: &Step<'_>| is_replacement(step) && threads.contains(&step.thread);
        let own = steps[..begin].iter().filter(|step| step.thread == first && is_counted(step)).count();
        let after = steps.iter().enumerate().skip(begin).take_while(|(_, step)| !is_end(step));
        Some(Self {
            first,
            before: own + started::count(starter, first, call.name()),
            after: after.filter(|(_, step)| is_counted(step)).collect(),
        })
    }

    /// The first call to be refused, with its place among all steps.
    fn first_refused(&self, refusal: Refusal) -> Option<(usize, &'a Step<'a>)> {
        self.after.get((refusal.first as usize).checked_sub(1)?).copied()
    }

    /// What strace cannot do: to count over several threads.
    fn require_one_thread(&self, refusal: Refusal) -> Result<(), RunError> {
        // Of those that come later, the log of the second run tells.
        if self.after.iter().take(refusal.first as usize).all(|(_, step)| step.thread == self.first) {
            return Ok(());
        }
        Err(not_refused(format!(
            "strace counts each thread by itself, and the program's other threads call {}, too",
            refusal.call.name()
        )))
    }
}

impl Plan {
    /// `None` if the program makes no call that is to be refused.
    fn of(steps: &[Step<'_>], starter: &[u8], key: &Key, refusal: Refusal) -> Result<Option<Self>, RunError> {
        let Some(calls) = Calls::of(steps, starter, key, refusal.call) else { return Ok(None) };
        let Some((at, _)) = calls.first_refused(refusal) else { return Ok(None) };
        calls.require_one_thread(refusal)?;
        let brk = match refusal.call {
            Refused::Mmap => None,
            Refused::Brk => Some(
                break_at(steps, at)
                    .ok_or_else(|| not_refused("where the break is before the first of all moves, no call has told"))?,
            ),
        };
        Ok(Some(Self { refusal, before: calls.before, brk }))
    }

    /// As an argument of strace's option `-e`.
    fn option(&self) -> Result<String, RunError> {
        let when = self.before + self.refusal.first as usize;
        if when > FURTHEST {
            return Err(not_refused(format!(
                "it would be call {when} of its thread, and strace counts up to {FURTHEST}"
            )));
        }
        let answer = match self.brk {
            Some(brk) => format!("retval={brk}"),
            None => "error=ENOMEM".into(),
        };
        let later = if self.refusal.later { "+" } else { "" };
        Ok(format!("inject={}:{answer}:when={when}{later}", self.refusal.call.name()))
    }

    /// Whether strace refused these calls and no others.
    fn verify(&self, run: &Recording, starter: &[u8], key: &Key) -> Result<(), RunError> {
        let name = self.refusal.call.name();
        let steps = run.steps()?;
        let Some(calls) = Calls::of(&steps, starter, key, self.refusal.call) else {
            return if run.stopped.is_some() { Ok(()) } else { Err(not_alike("the probe spoke once only")) };
        };
        if calls.before != self.before {
            let why =
                format!("{} calls of {name} came before the probe's first mark, then {}", self.before, calls.before);
            return Err(not_alike(&why));
        }
        let Some((at, _)) = calls.first_refused(self.refusal) else {
            return if run.stopped.is_some() {
                Ok(())
            } else {
                Err(not_alike(&format!("it called {name} less often")))
            };
        };
        calls.require_one_thread(self.refusal)?;
        if self.brk.is_some() && break_at(&steps, at) != self.brk {
            return Err(not_alike("the break was elsewhere; is the address space laid out at random in spite of all?"));
        }
        let due: Vec<&Step<'_>> = calls.after.iter().filter(|(place, _)| *place >= at).map(|(_, step)| *step).collect();
        let due = if self.refusal.later { &due[..] } else { &due[..1] };
        let injected = injected(run, starter);
        // A run that was stopped may have ended in a call that strace has answered and not yet written down.
        let all = injected.len() == due.len() || (run.stopped.is_some() && injected.len() + 1 == due.len());
        let ours = injected.iter().all(|thread| *thread == calls.first);
        if !all || !ours || !due.iter().all(|step| self.is_refused(step)) {
            return Err(not_refused(
                "strace refused other calls than it should, as where other threads or processes, which it counts each by itself, \
                 make such calls",
            ));
        }
        Ok(())
    }

    /// Whether the answer to a call is a refusal.
    fn is_refused(&self, step: &Step<'_>) -> bool {
        let What::System(System { reply, .. }) = &step.what else { return false };
        match (*reply, self.brk) {
            (Reply::Never, _) => true,
            (reply, Some(brk)) => label::address(reply) == Some(brk),
            (reply, None) => reply == Reply::Failed("ENOMEM"),
        }
    }
}

fn not_alike(what: &str) -> RunError {
    not_refused(format!("the program does not run twice alike: {what}"))
}

fn is_begin(step: &Step<'_>, key: &Key) -> bool {
    let What::System(system) = &step.what else { return false };
    let writing = Writing::of(system).filter(|writing| writing.has(key));
    matches!(writing.and_then(|writing| writing.read()), Some(Mark::Begin(_)))
}

/// Where the break is when the step at this place is made: as the last call has told, or this one tells if it only asks.
fn break_at(steps: &[Step<'_>], at: usize) -> Option<u64> {
    let threads = window::threads(steps);
    let told = |step: &Step<'_>| match &step.what {
        What::System(System { name: "brk", reply, .. }) if threads.contains(&step.thread) => label::address(*reply),
        _ => None,
    };
    let asks = matches!(&steps.get(at)?.what, What::System(system) if &*system.arguments == "NULL");
    // Each program that the process becomes has a break of its own.
    let start =
        steps[..at].iter().rposition(|step| is_replacement(step) && threads.contains(&step.thread)).unwrap_or(0);
    steps[start..at].iter().rev().find_map(told).or_else(|| told(steps.get(at)?).filter(|_| asks))
}

/// Whether a process becomes another program.
fn is_replacement(step: &Step<'_>) -> bool {
    matches!(&step.what, What::System(System { name: "execve" | "execveat", reply: Reply::Number(_), .. }))
}

/// The threads of the calls that strace answered itself, one by one.
fn injected(run: &Recording, starter: &[u8]) -> Vec<u32> {
    let Seen::Log(log) = &run.seen else { return Vec::new() };
    let lines = [starter, log].into_iter().flat_map(|log| log.split_inclusive(|byte| *byte == b'\n'));
    lines.filter(|line| line.ends_with(INJECTED)).filter_map(started::thread).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::meter::Spent;

    use super::*;
    use crate::log;

    /// What comes before the probe's first mark, and that mark.
    const START: &str = "\
7 execve(\"/program\", [], 0x1 /* 0 vars */) = 0
7 brk(NULL) = 0x1000
7 mmap(NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7000
7 [0001] write(-1, \"00000000000000ff begin 2 0x1000\", 31) = -1 EBADF (Bad file descriptor)
";

    fn refusal(call: Refused, first: u32, later: bool) -> Refusal {
        Refusal { call, first, later }
    }

    fn plan(rest: &str, starter: &str, refusal: Refusal) -> Result<Option<String>, String> {
        let log = format!("{START}{rest}");
        let plan = Plan::of(&log::read(log.as_bytes(), false).unwrap(), starter.as_bytes(), &Key::new(255), refusal);
        plan.and_then(|plan| plan.map(|plan| plan.option()).transpose()).map_err(|error| error.to_string())
    }

    #[test]
    fn strace_is_told_to_count_from_the_start_of_the_thread() {
        let rest =
            "7 brk(0x2000) = 0x2000\n7 brk(0x3000) = 0x3000\n7 mmap(NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0) = 0x8000\n";
        let found = |call, first, later| plan(rest, "", refusal(call, first, later)).unwrap();
        assert_eq!(found(Refused::Brk, 1, false).unwrap(), "inject=brk:retval=4096:when=2");
        assert_eq!(found(Refused::Brk, 2, true).unwrap(), "inject=brk:retval=8192:when=3+");
        assert_eq!(found(Refused::Mmap, 1, true).unwrap(), "inject=mmap:error=ENOMEM:when=2+");
        assert_eq!(
            [found(Refused::Brk, 3, true), found(Refused::Mmap, 2, false), found(Refused::Brk, 0, true)],
            [const { None }; 3]
        );
        let starter = "6 brk(NULL) = 0x1\n7 brk(NULL) = 0x1\n7 brk(NULL) = 0x1\n";
        let found = plan(rest, starter, refusal(Refused::Brk, 1, false)).unwrap();
        assert_eq!(found.unwrap(), "inject=brk:retval=4096:when=4");
    }

    #[test]
    fn what_strace_cannot_count_is_said() {
        let thread = "7 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 8\n8 brk(0x2000) = 0x2000\n7 brk(0x3000) = 0x3000\n";
        for first in [1, 2] {
            let error = plan(thread, "", refusal(Refused::Brk, first, false)).unwrap_err();
            assert!(error.contains("each thread by itself"), "{error}");
        }
        let starter = "7 brk(NULL) = 0x1\n".repeat(FURTHEST);
        let error = plan("7 brk(0x2000) = 0x2000\n", &starter, refusal(Refused::Brk, 1, false)).unwrap_err();
        assert!(error.contains("strace counts up to 65535"), "{error}");
        let replaced = "7 execve(\"/other\", [], 0x1 /* 0 vars */) = 0\n7 brk(0x2000) = 0x2000\n";
        assert_eq!(plan(replaced, "", refusal(Refused::Brk, 1, false)), Ok(None));
    }

    fn verified(rest: &str, refusal: Refusal, stopped: Option<Stopped>) -> Result<(), String> {
        let brk = (refusal.call == Refused::Brk).then_some(0x1000);
        let run = Recording {
            seen: Seen::Log(format!("{START}{rest}").into_bytes()),
            stdout: Vec::new(),
            stderr: Vec::new(),
            stopped,
            origins: Vec::new(),
            spent: Spent::default(),
            elapsed: Duration::ZERO,
        };
        Plan { refusal, before: 1, brk }.verify(&run, b"", &Key::new(255)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_second_log_must_show_these_refusals_and_no_others() {
        let (first, all) = (refusal(Refused::Brk, 1, false), refusal(Refused::Brk, 1, true));
        let (refused, granted) = ("7 brk(0x2000) = 0x1000 (INJECTED)\n", "7 brk(0x2000) = 0x2000\n");
        assert_eq!(verified(refused, first, None), Ok(()));
        assert_eq!(verified(&format!("{refused}{granted}"), first, None), Ok(()));
        assert_eq!(verified(&refused.repeat(2), all, None), Ok(()));
        for (rest, refusal, complaint) in [
            (granted.to_owned(), first, "other calls"),
            (refused.repeat(2), first, "other calls"),
            (format!("{refused}{granted}"), all, "other calls"),
            (format!("{granted}{refused}"), first, "other calls"),
            (refused.replace("0x1000", "0x1008"), first, "other calls"),
            (
                format!("{refused}9 mmap(NULL, 8) = -1 ENOMEM (Cannot allocate memory) (INJECTED)\n"),
                first,
                "other calls",
            ),
            (String::new(), first, "less often"),
        ] {
            let error = verified(&rest, refusal, None).unwrap_err();
            assert!(error.contains(complaint), "{rest}: {error}");
        }
        assert_eq!(verified("", first, Some(Stopped::Timeout)), Ok(()));
        let mapping = "7 mmap(NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0) = -1 ENOMEM (Cannot allocate memory) (INJECTED)\n";
        assert_eq!(verified(mapping, refusal(Refused::Mmap, 1, false), None), Ok(()));
    }
}
