//! What is announced, in which order, and what is not.

use std::collections::HashSet;

use crate::lab::{Lab, Line, Run};

#[test]
#[ignore = "needs strace"]
fn every_call_is_announced_with_its_arguments_and_its_result() {
    let run = Lab::new(
        "",
        r#"int main(void) {
            void *a = os_malloc(1000), *b = os_calloc(10, 20), *c = os_realloc(a, 1234567890), *d = os_realloc(NULL, 8);
            os_free(b);
            os_free(NULL);
            void *e = os_malloc(0), *f = os_malloc(SIZE_MAX), *g = os_calloc(SIZE_MAX, 0);
            dprintf(1, "%p %p %p %p %p %p %p", a, b, c, d, e, f, g);
            return 0;
        }"#,
    )
    .trace();
    let pointers: Vec<String> = run.stdout().split(' ').map(|p| p.replace("(nil)", "0x0")).collect();
    let [a, b, c, d, e, f, g] = pointers.as_slice() else { panic!("seven pointers: {pointers:?}") };
    assert_eq!(c, "0x0");
    let expected = [
        "begin 2",
        "main",
        "call os_malloc 1000",
        &format!("done {a}"),
        "call os_calloc 10 20",
        &format!("done {b}"),
        &format!("call os_realloc {a} 1234567890"),
        &format!("done {c}"),
        "call os_realloc 0x0 8",
        &format!("done {d}"),
        &format!("call os_free {b}"),
        "done",
        "call os_free 0x0",
        "done",
        "call os_malloc 0",
        &format!("done {e}"),
        "call os_malloc 18446744073709551615",
        &format!("done {f}"),
        "call os_calloc 18446744073709551615 0",
        &format!("done {g}"),
        "end return 0",
    ];
    assert_eq!(run.marks(), expected);
}

#[test]
#[ignore = "needs strace"]
fn the_window_opens_before_every_constructor() {
    let run = Lab::new(
        "__attribute__((constructor(101))) static void build(void) { os_malloc(1); }",
        "static void early(void) { os_malloc(2); }
        __attribute__((section(\".preinit_array\"), used)) static void (*first)(void) = early;
        __attribute__((constructor)) static void build(void) { os_malloc(3); }
        int main(void) { os_malloc(4); return 0; }",
    )
    .trace();
    let mut marks = run.marks();
    marks.retain(|mark| !mark.starts_with("done 0x"));
    let expected = [
        "begin 2",
        "call os_malloc 2",
        "call os_malloc 1",
        "call os_malloc 3",
        "main",
        "call os_malloc 4",
        "end return 0",
    ];
    assert_eq!(marks, expected);
}

#[test]
#[ignore = "needs strace"]
fn what_an_allocator_calls_within_is_not_announced() {
    let run = Lab::new("", "int main(void) { os_realloc(os_calloc(2, 3), 9); return 0; }").trace();
    let calls: Vec<_> = run.marks().into_iter().filter(|mark| mark.starts_with("call")).collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(run.marks().iter().filter(|mark| mark.starts_with("done")).count(), 2);
}

/// Two threads of the program and one of the library, at the same time.
fn threads() -> Run {
    Lab::new(
        "static void *work(void *_) { for (int i = 0; i < 50; i++) os_free(os_malloc(7)); return _; }
        static pthread_t thread;
        __attribute__((constructor)) static void start(void) { pthread_create(&thread, NULL, work, NULL); }
        __attribute__((destructor)) static void join(void) { pthread_join(thread, NULL); }",
        "static void *work(void *_) { for (int i = 0; i < 50; i++) os_realloc(os_calloc(1, 5), 6); return _; }
        int main(void) {
            pthread_t a, b;
            pthread_create(&a, NULL, work, NULL);
            pthread_create(&b, NULL, work, NULL);
            pthread_join(a, NULL);
            pthread_join(b, NULL);
            return 0;
        }",
    )
    .trace()
}

/// The threads of a run, by their numbers.
fn workers(run: &Run) -> HashSet<u32> {
    run.lines.iter().map(|line| line.thread).collect()
}

#[test]
#[ignore = "needs strace"]
fn each_thread_has_outermost_calls_of_its_own() {
    let run = threads();
    let mut calls = Vec::new();
    for thread in workers(&run) {
        let marks = run.lines.iter().filter(|line| line.thread == thread).filter_map(|line| line.mark.as_deref());
        let marks: Vec<_> = marks.filter(|mark| mark.starts_with("call") || mark.starts_with("done")).collect();
        for pair in marks.chunks(2) {
            assert!(pair[0].starts_with("call") && pair[1].starts_with("done"), "{pair:?}");
        }
        calls.push(marks.len() / 2);
    }
    calls.sort_unstable();
    assert_eq!(calls, [0, 100, 100, 100]);
}

#[test]
#[ignore = "needs strace"]
fn all_marks_come_from_one_instruction() {
    let pointers: HashSet<String> =
        threads().lines.into_iter().filter(|line| line.mark.is_some()).map(|line| line.pointer).collect();
    assert_eq!(pointers.len(), 1, "{pointers:?}");
}

#[test]
#[ignore = "needs strace"]
fn the_caller_sees_the_allocators_errno_and_only_that() {
    let run = Lab::new(
        "#define OWN_MALLOC
        void *os_malloc(size_t n) { if (n == 13) errno = ENOMEM; return NULL; }",
        "int main(void) {
            errno = EXDEV;
            os_malloc(1), os_calloc(1, 1), os_realloc(NULL, 1), os_free(NULL);
            if (errno != EXDEV) return 1;
            os_malloc(13);
            return errno != ENOMEM;
        }",
    )
    .trace();
    assert_eq!(run.status(), Some(0));
}

#[test]
#[ignore = "needs strace"]
fn between_the_marks_stands_nothing_of_the_probes() {
    let run = Lab::new(
        "",
        "int main(void) {
            for (int i = 0; i < 100; i++) os_free(os_realloc(os_calloc(i, 3), i));
            exit(0);
        }",
    )
    .trace();
    let window = run.lines.iter().skip_while(|line| line.mark.as_deref() != Some("begin 2"));
    let strangers: Vec<_> = window.filter(|line| line.mark.is_none()).map(|line| line.text.as_str()).collect();
    assert_eq!(strangers.len(), 2, "{strangers:?}");
    assert!(strangers[0].starts_with("exit_group(0)"));
    assert_eq!(strangers[1], "+++ exited with 0 +++");
}

#[test]
#[ignore = "needs strace"]
fn a_first_call_in_a_new_thread_causes_no_system_call() {
    let run = threads();
    let of_call = |line: &Line| line.mark.as_deref().is_some_and(|mark| mark.starts_with("call"));
    for thread in workers(&run) {
        let lines =
            run.lines.iter().filter(|line| line.thread == thread && !line.text.starts_with("<... write resumed"));
        let lines: Vec<_> = lines.collect();
        for pair in lines.windows(2).filter(|pair| of_call(pair[0])) {
            assert!(pair[1].mark.as_deref().is_some_and(|mark| mark.starts_with("done")), "{pair:?}");
        }
    }
}

#[test]
#[ignore = "needs strace"]
fn a_forked_child_goes_on_and_an_executed_program_is_silent() {
    let run = Lab::new(
        "",
        r#"int main(int argc, char **argv) {
            os_malloc(argc > 1 ? 3 : 1);
            if (argc == 1 && fork() == 0) {
                os_malloc(2);
                execl(argv[0], argv[0], "again", NULL);
            }
            wait(NULL);
            return 0;
        }"#,
    )
    .trace();
    let parent = run.lines[0].thread;
    let of = |own: bool| -> Vec<&str> {
        let lines = run.lines.iter().filter(|line| (line.thread == parent) == own);
        lines.filter_map(|line| line.mark.as_deref()).filter(|mark| !mark.starts_with("done")).collect()
    };
    assert_eq!(of(true), ["begin 2", "main", "call os_malloc 1", "end return 0"]);
    assert_eq!(of(false), ["call os_malloc 2"]);
    assert_eq!(run.writes_nowhere(), run.marks().len());
}

#[test]
#[ignore = "needs strace"]
fn a_call_that_the_library_lacks_ends_the_run_with_127() {
    let lab = Lab::new("#define NO_CALLOC", "int main(void) { os_malloc(1); os_calloc(1, 1); return 0; }");
    let run = lab.trace();
    assert_eq!(run.marks().last(), Some(&"missing os_calloc"));
    let window = run.lines.iter().skip_while(|line| line.mark.as_deref() != Some("begin 2"));
    assert!(window.filter(|line| line.text.contains("brk(")).count() == 0, "the loader allocated inside the window");
    assert_eq!(run.status(), Some(127));
    assert!(crate::lab::text(&run.output.stderr).contains("the allocator has no function os_calloc"));
    assert_eq!(lab.run_alone(&[], &[]).status.code(), Some(127));
}
