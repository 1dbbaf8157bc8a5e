//! The built-in tracer where the system does not let it do all that it would like to.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

use std::collections::BTreeMap;
use std::thread;

use osmem_trace::builtin::BuiltinError;
use osmem_trace::run::{Cancel, Watch};
use osmem_trace::{Builtin, Spec, Tracer};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Does something on a thread where this system call, with this first argument if one is given, fails in this way.
fn without<T: Send + 'static>(
    call: libc::c_long,
    first: Option<u64>,
    errno: i32,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let condition = |value| {
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .unwrap()
    };
    let arch = if cfg!(target_arch = "x86_64") { TargetArch::x86_64 } else { TargetArch::aarch64 };
    let rules: BTreeMap<i64, Vec<SeccompRule>> = [(call, first.into_iter().map(condition).collect())].into();
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let filter: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).unwrap().try_into().unwrap();
    let thread = thread::spawn(move || {
        // It holds for this thread, and for those that it makes.
        seccompiler::apply_filter(&filter).unwrap();
        work()
    });
    thread.join().unwrap()
}

#[test]
fn a_system_that_forbids_to_trace_is_told_with_the_remedy() {
    let error = without(libc::SYS_ptrace, None, libc::EPERM, Builtin::find).unwrap_err();
    assert!(matches!(error, BuiltinError::NotPermitted { .. }), "{error}");
    assert!(error.to_string().contains("ptrace_scope") && error.to_string().contains("SYS_PTRACE"), "{error}");
}

#[test]
fn an_old_system_is_told() {
    const GET_SYSCALL_INFO: u64 = 0x420e;
    let error = without(libc::SYS_ptrace, Some(GET_SYSCALL_INFO), libc::EIO, Builtin::find).unwrap_err();
    assert!(matches!(error, BuiltinError::Unfit { .. }) && error.to_string().contains("Linux 5.3"), "{error}");
}

#[test]
fn without_filters_every_call_stops_and_the_steps_are_the_same() {
    const SET_SECCOMP: u64 = 22;
    let recorded = || {
        let tracer = Builtin::find().unwrap();
        let spec = Spec {
            args: vec!["-c".into(), "/bin/true; exit 7".into()],
            aslr: false,
            ..Spec::new("/bin/sh", "/nothing")
        };
        let recording = tracer.record(&spec, Watch::Marks(None), &Cancel::new()).unwrap();
        let names: Vec<String> = recording.steps().unwrap().iter().map(|step| format!("{:?}", step.what)).collect();
        let names = names.into_iter().map(|what| what.chars().filter(|letter| !letter.is_ascii_digit()).collect());
        (tracer.is_filtered(), names.collect::<Vec<String>>())
    };
    let (filtered, steps) = recorded();
    let (unfiltered, slowly) = without(libc::SYS_prctl, Some(SET_SECCOMP), libc::EINVAL, recorded);
    assert_eq!((filtered, unfiltered), (true, false));
    assert!(steps.iter().any(|step| step.contains("Exited()")) && steps.len() > 5, "{steps:?}");
    assert_eq!(steps, slowly);
}
