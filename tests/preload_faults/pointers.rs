//! Pointers that are no blocks: the library reports them and reads no memory that is not its own.

use crate::run::{Programs, fine, preloaded, run};

/// Runs the program under a setting. It must get exactly the lines that it announces, one for each call.
fn passes_pointers(setting: &str) {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/pointers.c", "pointers", &[]);
    for cache in ["1", "0"] {
        let mut command = preloaded(&program);
        let ran = run(command.arg(setting).env("OSMEM_ON_MISUSE", setting).env("OSMEM_THREAD_CACHE", cache));
        assert!(ran.status.success(), "{command:?}: {}\n{}", ran.status, end_of(&ran.errors));
        let announced: usize = ran.out.trim_end().parse().unwrap();
        let wrong =
            ran.errors.lines().find(|line| !line.starts_with("osmem: free(") && !line.starts_with("osmem: realloc("));
        assert_eq!(wrong, None);
        assert_eq!(ran.errors.lines().count(), announced);
        assert!(announced > 0 || setting == "ignore", "pointers were passed");
    }
}

/// The last lines of a text.
fn end_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(3)..].join("\n")
}

#[test]
fn pointers_to_anywhere_under_report_are_reported() {
    passes_pointers("report");
}

#[test]
fn pointers_to_anywhere_under_ignore_are_ignored() {
    passes_pointers("ignore");
}

#[test]
fn a_pointer_to_anywhere_under_abort_aborts() {
    passes_pointers("abort");
}

/// An address may be looked at while the heap gives its memory back.
#[test]
fn a_look_at_memory_that_another_thread_gives_back_is_safe() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/looks.c", "looks", &[]);
    assert_eq!(fine(&mut preloaded(&program)), "");
}
