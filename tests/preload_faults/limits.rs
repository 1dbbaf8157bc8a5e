//! A system that gives little memory, or refuses a call.

use crate::run::{Programs, preloaded, run};

/// The exit code of a program that finds nothing to test.
const UNTESTED: i32 = 77;

fn starts_anew(arguments: &[&[&str]], source: &str) {
    let programs = Programs::new();
    let program = programs.compile(&format!("preload_faults/{source}.c"), source, &[]);
    let mut wrong = Vec::new();
    for arguments in arguments {
        for cache in ["1", "0"] {
            let ran = run(preloaded(&program).args(*arguments).env("OSMEM_THREAD_CACHE", cache));
            if ran.status.code() == Some(UNTESTED) {
                eprintln!("not tested: this process may set no filters");
            } else if !ran.status.success() || ran.out != "fine\n" || !ran.errors.is_empty() {
                wrong.push(format!("{arguments:?}, cache {cache}: {}\n{}{}", ran.status, ran.out, ran.errors));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_small_address_space_from_the_start_is_used_twice() {
    starts_anew(&[&["as", "16"], &["as", "64"], &["as", "200"]], "starved");
}

#[test]
fn a_small_data_limit_from_the_start_is_used_twice() {
    starts_anew(&[&["data", "4"], &["data", "16"], &["data", "100"]], "starved");
}

/// The usual errors of filters, and the usual error of the system.
const ERRORS: [&str; 3] = ["EPERM", "ENOSYS", "ENOMEM"];

/// Refuses `call` from the start of a program, or in the middle of it.
fn refuses(call: &str, moments: &[&str], refusals: &str) {
    let arguments: Vec<_> =
        moments.iter().flat_map(|moment| ERRORS.map(|error| [call, error, *moment, refusals])).collect();
    let arguments: Vec<_> = arguments.iter().map(|arguments| &arguments[..]).collect();
    starts_anew(&arguments, "refused");
}

/// The call gives no memory, so the heap does without it.
#[test]
fn malloc_under_a_filter_on_madvise_succeeds() {
    refuses("madvise", &["start", "later"], "never");
}

#[test]
fn malloc_under_a_filter_on_mremap_succeeds() {
    refuses("mremap", &["start", "later"], "never");
}

#[test]
fn malloc_under_a_filter_on_brk_succeeds() {
    refuses("brk", &["start", "later"], "never");
}

/// The loader itself needs this call at the start.
#[test]
fn malloc_under_a_filter_on_mmap_uses_free_blocks() {
    refuses("mmap", &["later"], "sometimes");
}

#[test]
fn malloc_under_a_filter_on_mprotect_uses_free_blocks() {
    refuses("mprotect", &["later"], "sometimes");
}

#[test]
fn malloc_under_a_filter_on_munmap_uses_free_blocks() {
    refuses("munmap", &["start", "later"], "sometimes");
}
