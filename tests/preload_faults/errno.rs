//! errno after success.

use crate::run::{Programs, fine, preloaded};

#[test]
fn errno_under_contention_is_kept() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/errno.c", "errno", &[]);
    assert_eq!(fine(&mut preloaded(&program)), "");
    assert_eq!(fine(preloaded(&program).env("OSMEM_THREAD_CACHE", "0")), "");
}
