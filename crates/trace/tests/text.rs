//! The text of a trace and back.

mod values;

use osmem_trace::Trace;
use proptest::prelude::*;

const EXAMPLE: &str = "\
os_malloc(1000) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
program: brk(HEAP+0x21000) = HEAP+0x21000
os_realloc(HEAP+0x20, 200000) = MAP1+0x20
  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_calloc(10, 400) = NULL
  brk(HEAP+0x22000) = HEAP+0x21000
  mremap(MAP1, 200032, 300032, MREMAP_MAYMOVE) = -ENOMEM
  write(2, \"out of memory) = \", 17) = 17
os_free(MAP1+0x20)
  munmap(MAP1, 200032) = 0
  tgkill(PID, PID, SIGABRT) = 0
  clone3({flags=CLONE_VM}, 88) = PID
os_free(FOREIGN) = ?
  --- SIGSEGV ---
killed by SIGSEGV
";

#[test]
fn the_example_is_read_and_written_as_it_is() {
    let trace: Trace = EXAMPLE.parse().unwrap();
    assert_eq!(trace.to_string(), EXAMPLE);
    assert_eq!(trace.calls().count(), 5);
}

#[test]
fn comments_do_not_count() {
    let commented =
        format!("# a test: what it shows\n{}# the end\n", EXAMPLE.replace("os_calloc", "# here\nos_calloc"));
    assert_eq!(commented.parse::<Trace>().unwrap(), EXAMPLE.parse().unwrap());
}

#[test]
fn nonsense_is_named_by_its_line() {
    for (text, line, problem) in [
        ("", 1, "stops without an end line"),
        ("# only a comment\n", 2, "stops without an end line"),
        ("os_malloc(1) = NULL\n", 2, "stops without an end line"),
        ("exit 0\nexit 0\n", 2, "nothing may follow"),
        ("exit 256\n", 1, "no line of a trace"),
        ("exit 00\n", 1, "must be written `exit 0`"),
        ("\nexit 0\n", 1, "no line of a trace"),
        ("killed by 9\n", 1, "no line of a trace"),
        ("  brk(HEAP) = HEAP\nexit 0\n", 1, "must stand below a call"),
        ("program: brk(HEAP) = HEAP\n  brk(HEAP) = HEAP\nexit 0\n", 2, "must stand below a call"),
        ("program: mmap(HEAP) = HEAP\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(1, 2) = NULL\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(-1) = NULL\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(1)\nexit 0\n", 1, "no line of a trace"),
        ("os_free(NULL) = NULL\nexit 0\n", 1, "no line of a trace"),
        ("os_alloc(1) = NULL\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(1) = HEAP+32\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(1) = HEAP+0x020\nexit 0\n", 1, "must be written `os_malloc(1) = HEAP+0x20`"),
        ("os_malloc(1) = HEAP+0x0\nexit 0\n", 1, "must be written `os_malloc(1) = HEAP`"),
        ("os_malloc(+1) = NULL\nexit 0\n", 1, "must be written `os_malloc(1) = NULL`"),
        ("os_malloc(1) = MAP0\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(1) = 0x55\nexit 0\n", 1, "no line of a trace"),
        ("os_malloc(1) = NULL\n  munmap(MAP1) = 0\nexit 0\n", 2, "no line of a trace"),
        ("os_malloc(1) = NULL\n  mmap(NULL, x, P, M, -1, 0) = MAP1\nexit 0\n", 2, "no line of a trace"),
        ("os_malloc(1) = NULL\n  --- KILL ---\nexit 0\n", 2, "no line of a trace"),
        ("os_malloc(1) = NULL\n  shell command(1) = 0\nexit 0\n", 2, "no line of a trace"),
        ("os_malloc(1) = NULL \nexit 0\n", 1, "no line of a trace"),
    ] {
        let error = text.parse::<Trace>().expect_err(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
        assert!(error.problem.contains(problem), "{text:?}: {error}");
    }
}

proptest! {
    #[test]
    fn any_trace_comes_back_from_its_text(trace in values::trace()) {
        let text = trace.to_string();
        prop_assert_eq!(text.parse::<Trace>().expect(&text), trace);
    }

    #[test]
    fn what_is_accepted_is_written_the_same(trace in values::trace(), at in any::<prop::sample::Index>(), with in "[ -~\n]{0,3}") {
        let mut text = trace.to_string();
        let at = at.index(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
            text.replace_range(at..at + 1, &with);
        }
        if let Ok(trace) = text.parse::<Trace>() {
            let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            let written = trace.to_string();
            prop_assert_eq!(written.lines().collect::<Vec<_>>(), without_comments);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = text.parse::<Trace>();
    }
}
