//! Pointers that are no blocks: they are said, and nothing is read that is not there.

use crate::run::{Programs, fine, preloaded, run};

/// Runs the program under a setting; it must say as many lines as it announces, each about one call.
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
fn pointers_to_anywhere_are_reported_where_that_is_set() {
    passes_pointers("report");
}

#[test]
fn pointers_to_anywhere_are_ignored_where_that_is_set() {
    passes_pointers("ignore");
}

#[test]
fn a_pointer_to_anywhere_ends_the_process_by_an_abort() {
    passes_pointers("abort");
}

/// A stranger's pointer may be looked at while the heap gives memory back.
#[test]
fn a_look_reads_nothing_that_another_thread_gives_back() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/looks.c", "looks", &[]);
    assert_eq!(fine(&mut preloaded(&program)), "");
}
