//! An strace that is missing, forbidden or broken: scripts that play one.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

mod file;

use std::path::Path;

use osmem_trace::run::{Cancel, Environment, RunError, Tracer, Watch};
use osmem_trace::strace::StraceError;
use osmem_trace::{Spec, Strace, observe};

/// An strace of version 6.1 that does what `script` says, `$log` being where it shall write.
fn play(folder: &Path, script: &str) -> Strace {
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = -V ]; then echo 'strace -- version 6.1'; exit; fi\n\
         for word; do [ \"$last\" = -o ] && log=$word; last=$word; done\n{script}\n"
    );
    Strace::at(file::write(&folder.join("strace"), &text, "755")).unwrap()
}

fn run(script: &str) -> Result<(), RunError> {
    let folder = tempfile::tempdir().unwrap();
    let spec = Spec { environment: Environment::Inherited, ..Spec::new("/bin/true", "/bin/true") };
    let strace = play(folder.path(), script);
    let observed = observe(&strace, &spec, &Cancel::new()).map(|_| ());
    let recorded = strace.record(&spec, Watch::Marks(None), &Cancel::new()).map(|_| ());
    // Both ways of running a program are of one mind, but for lines that only one of them reads.
    let kind = |result: &Result<(), RunError>| result.as_ref().map_err(std::mem::discriminant).copied();
    if !matches!(observed, Err(RunError::Log(_))) {
        assert_eq!(kind(&observed), kind(&recorded), "{observed:?}, {recorded:?}");
    }
    observed
}

const WHOLE: &str = "1 execve(\"/bin/true\", [\"true\"], 0x7f /* 1 var */) = 0\\n1 +++ exited with 0 +++\\n";

#[test]
fn a_whole_log_is_taken() {
    run(&format!("printf '{WHOLE}' > $log")).unwrap();
}

#[test]
#[ignore = "needs strace"]
fn tracing_that_is_forbidden_is_told() {
    // An strace that is traced itself may not trace.
    let real = Strace::find().unwrap().path;
    let real = real.display();
    let error = run(&format!("exec {real} -f -q -o /dev/null strace \"$@\"")).unwrap_err();
    assert!(matches!(error, RunError::Strace(StraceError::NotPermitted { .. })), "{error}");
    assert!(error.to_string().contains("SYS_PTRACE"), "{error}");
}

#[test]
fn an_strace_that_fails_is_told_with_its_words() {
    let error = run("echo 'strace: out of luck' >&2; exit 1").unwrap_err();
    assert_eq!(error.to_string(), "strace failed: out of luck");
    let error = run("exit 7").unwrap_err();
    assert!(matches!(&error, RunError::StraceFailed { message } if message.contains('7')), "{error}");
}

#[test]
fn a_log_that_is_not_whole_or_not_understood_is_no_verdict() {
    let error =
        run(&format!("printf '{WHOLE}' > $log; echo \"strace: $log: No space left on device\" >&2")).unwrap_err();
    assert!(matches!(&error, RunError::LogIncomplete { why } if why.contains("No space left")), "{error}");

    let error = run(&format!("printf '{WHOLE}' | head -c 70 > $log")).unwrap_err();
    assert!(matches!(error, RunError::LogIncomplete { .. }), "{error}");

    let error = run(&format!("printf '{WHOLE}' | head -n 1 > $log")).unwrap_err();
    assert!(matches!(error, RunError::LogIncomplete { .. }), "{error}");

    let error = run(&format!("printf '{WHOLE}1 something new\\n' > $log")).unwrap_err();
    assert!(matches!(&error, RunError::Log(error) if error.line == 3), "{error}");
}

#[test]
fn an_strace_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strace");
    let at = |text: &str| Strace::at(file::write(&path, &format!("#!/bin/sh\n{text}\n"), "755"));
    assert!(matches!(at("echo 'strace -- version 4.26'"), Err(StraceError::TooOld { found, .. }) if found.minor == 26));
    assert!(matches!(at("echo hello"), Err(StraceError::Strange { .. })));
    assert!(matches!(at("exit 1"), Err(StraceError::Strange { .. })));
    assert!(matches!(Strace::at(folder.path().join("nothing")), Err(StraceError::Strange { .. })));
    let found = at("echo 'strace -- version 5.0'").unwrap();
    assert_eq!((found.path, found.version.to_string().as_str()), (path.canonicalize().unwrap(), "5.0"));
}
