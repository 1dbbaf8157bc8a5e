//! A system that gives little, or refuses a call.

use crate::run::{Programs, preloaded, run};

/// What a program ends with where there is nothing to test.
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
fn little_address_space_from_the_start_is_used_and_used_again() {
    starts_anew(&[&["as", "64"], &["as", "200"]], "starved");
}

#[test]
fn little_data_from_the_start_is_used_and_used_again() {
    starts_anew(&[&["data", "16"], &["data", "100"]], "starved");
}

/// The errors that filters give as a rule, and the one that the system gives.
const ERRORS: [&str; 3] = ["EPERM", "ENOSYS", "ENOMEM"];

/// Refuses `call` from the start of a program, or in the middle of it.
fn refuses(call: &str, moments: &[&str], refusals: &str) {
    let arguments: Vec<_> =
        moments.iter().flat_map(|moment| ERRORS.map(|error| [call, error, *moment, refusals])).collect();
    let arguments: Vec<_> = arguments.iter().map(|arguments| &arguments[..]).collect();
    starts_anew(&arguments, "refused");
}

/// What gives no memory can be done without.
#[test]
fn a_filter_on_advice_refuses_no_blocks() {
    refuses("madvise", &["start", "later"], "never");
}

#[test]
fn a_filter_on_moved_mappings_refuses_no_blocks() {
    refuses("mremap", &["start", "later"], "never");
}

#[test]
fn a_filter_on_the_break_refuses_no_blocks() {
    refuses("brk", &["start", "later"], "never");
}

/// The loader itself needs the others.
#[test]
fn a_filter_on_mappings_leaves_what_there_is() {
    refuses("mmap", &["later"], "sometimes");
}

#[test]
fn a_filter_on_access_leaves_what_there_is() {
    refuses("mprotect", &["later"], "sometimes");
}

#[test]
fn a_filter_on_the_end_of_mappings_leaves_what_there_is() {
    refuses("munmap", &["start", "later"], "sometimes");
}
