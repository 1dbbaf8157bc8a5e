//! The end proof: given to the program, denied to a library.

use crate::lab::Lab;

/// The marks behind the first one, calls left out, and the exit status of a run.
fn end(library: &str, program: &str) -> (Vec<String>, Option<i32>) {
    let run = Lab::new(library, program).trace();
    let mut marks = run.marks();
    assert_eq!(marks.remove(0), "begin 2");
    marks.retain(|mark| !mark.starts_with("call") && !mark.starts_with("done"));
    (marks.into_iter().map(String::from).collect(), run.status())
}

/// A program, with a library that does nothing of its own, ends with this proof and this status.
fn proven(program: &str, proof: &str, status: i32) {
    let (marks, seen) = end("", program);
    assert_eq!(marks, ["main", proof], "{program}");
    assert_eq!(seen, Some(status), "{program}");
}

/// A library that ends the process with status 0 in a program that would return 1: no proof.
fn denied(library: &str, program: &str, marks: &[&str]) {
    let (seen, status) = end(library, program);
    assert_eq!(seen, marks, "{library}");
    assert_eq!(status, Some(0), "{library}");
}

#[test]
#[ignore = "needs strace"]
fn main_returns() {
    proven("int main(void) { return 3; }", "end return 3", 3);
    proven("int main(void) { return 261; }", "end return 261", 5);
    proven("int main(void) { return -1; }", "end return -1", 255);
    proven("int main(void) { return INT32_MIN; }", "end return -2147483648", 0);
}

#[test]
#[ignore = "needs strace"]
fn main_gets_its_arguments() {
    let program = r#"int main(int argc, char **argv, char **envp) {
        return !(argc == 1 && strstr(argv[0], "program") && !argv[1] && envp == environ && getenv("PATH"));
    }"#;
    proven(program, "end return 0", 0);
}

#[test]
#[ignore = "needs strace"]
fn the_program_calls_a_function_that_ends_it() {
    for way in ["exit", "_exit", "_Exit", "quick_exit"] {
        proven(&format!("int main(void) {{ os_malloc(1); {way}(4); }}"), "end exit 4", 4);
    }
    proven("int main(void) { exit(-2); }", "end exit -2", 254);
}

#[test]
#[ignore = "needs strace"]
fn the_program_ends_itself_deep_down_or_elsewhere() {
    proven(
        "__attribute__((noinline)) static int deep(int n) { if (n == 0) exit(5); return deep(n - 1) + n; }
        int main(void) { return deep(20); }",
        "end exit 5",
        5,
    );
    proven(
        "static void *work(void *_) { os_malloc(1); exit(6); }
        int main(void) { pthread_t thread; pthread_create(&thread, NULL, work, NULL); for (;;) pause(); }",
        "end exit 6",
        6,
    );
    proven(
        "static void handler(int signal) { (void)signal; _exit(7); }
        int main(void) { signal(SIGUSR1, handler); raise(SIGUSR1); return 1; }",
        "end exit 7",
        7,
    );
}

#[test]
#[ignore = "needs strace"]
fn an_exit_handler_of_the_program_may_change_the_status() {
    let program = "static void last(void) { os_free(NULL); _exit(8); }
        int main(void) { atexit(last); return 0; }";
    assert_eq!(end("", program), (vec!["main".into(), "end return 0".into(), "end exit 8".into()], Some(8)));
}

#[test]
#[ignore = "needs strace"]
fn a_program_that_exits_before_main() {
    denied("", "__attribute__((constructor)) static void build(void) { exit(0); } int main(void) { return 1; }", &[]);
}

#[test]
#[ignore = "needs strace"]
fn a_library_that_exits_in_a_call() {
    let program = "int main(void) { os_malloc(1); return 1; }";
    for way in ["exit(0)", "_exit(0)", "_Exit(0)", "quick_exit(0)", "syscall(SYS_exit_group, 0)"] {
        denied(&format!("#define OWN_MALLOC\nvoid *os_malloc(size_t n) {{ {way}; return NULL; }}"), program, &["main"]);
    }
}

#[test]
#[ignore = "needs strace"]
fn a_library_that_exits_in_a_constructor() {
    let program = "int main(void) { return 1; }";
    denied("__attribute__((constructor)) static void build(void) { exit(0); }", program, &[]);
    denied(
        "int __libc_start_main(int (*)(void), int, char **, void *, void *, void *, void *);
        static int main_of_mine(void) { return 0; }
        __attribute__((constructor)) static void build(int argc, char **argv) {
            __libc_start_main(main_of_mine, argc, argv, 0, 0, 0, 0);
        }",
        program,
        &[],
    );
}

#[test]
#[ignore = "needs strace"]
fn a_library_that_exits_in_a_thread() {
    let program = "int main(void) { os_malloc(1); for (;;) pause(); }";
    denied(
        "static void *work(void *_) { usleep(20000); exit(0); }
        __attribute__((constructor)) static void start(void) {
            pthread_t thread;
            pthread_create(&thread, NULL, work, NULL);
        }",
        program,
        &["main"],
    );
    denied(
        "#define OWN_MALLOC
        void *os_malloc(size_t n) {
            pthread_t thread;
            pthread_create(&thread, NULL, (void *(*)(void *))exit, NULL);
            return NULL;
        }",
        program,
        &["main"],
    );
}

#[test]
#[ignore = "needs strace"]
fn a_library_that_exits_after_main() {
    let program = "int main(void) { os_malloc(1); return 1; }";
    let marks = ["main", "end return 1"];
    denied("__attribute__((destructor)) static void fini(void) { _exit(0); }", program, &marks);
    denied(
        "static void last(void) { _exit(0); }
        __attribute__((constructor)) static void build(void) { atexit(last); }",
        program,
        &marks,
    );
}

#[test]
#[ignore = "needs strace"]
fn a_library_that_exits_in_a_signal_handler() {
    denied(
        "static void handler(int signal) { (void)signal; _exit(0); }
        __attribute__((constructor)) static void build(void) { signal(SIGALRM, handler); alarm(1); }",
        "int main(void) { for (;;) pause(); }",
        &["main"],
    );
}

#[test]
#[ignore = "needs strace"]
fn a_program_that_exits_while_its_call_is_running() {
    denied(
        "#define OWN_MALLOC
        void *os_malloc(size_t n) { raise(SIGUSR1); return NULL; }",
        "static void handler(int signal) { (void)signal; _exit(0); }
        int main(void) { signal(SIGUSR1, handler); os_malloc(1); return 1; }",
        &["main"],
    );
}
