//! `osmem fuzz` of libraries that are hostile or broken, and with arguments or surroundings that will not do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::bench::{Bench, FIRST_FIT, MAPS_ALL, malloc_body, osmem, output, processes_about};
use crate::fuzz::{fuzz, record};
use crate::support::built;

/// What is found in a library, which must be wrong; nothing of it is left running.
fn found(bench: &Bench, library: &Path, arguments: &[&str]) -> Value {
    let mut search = fuzz(bench, library, &["--seed", "1"]);
    if !arguments.contains(&"--timeout") {
        // Whatever else the machine does.
        search.args(["--timeout", "20"]);
    }
    let (code, record) = record(search.args(arguments));
    assert_eq!(code, Some(1), "{record}");
    assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
    assert_eq!(bench.names("seen"), Vec::<String>::new());
    record["finding"].clone()
}

#[test]
fn a_library_that_ends_hangs_or_talks_is_found_out() {
    let cases = [
        ("abort();", "crash", "SIGABRT: os_malloc("),
        ("*(volatile int *)0 = 1;", "crash", "SIGSEGV: os_malloc("),
        ("for (;;);", "timeout", "did not end within"),
        ("_exit(0);", "early-exit", ""),
        ("raise(SIGSTOP);", "own-system-call", ""),
        ("if (fork() == 0) for (;;);", "own-system-call", ""),
        ("write(7, \"op 3\", 4);", "own-system-call", ""),
        ("static char page[65536]; for (;;) write(2, page, sizeof page);", "timeout", "it wrote too much output"),
        ("return heap ? payload(heap) : NULL;", "overlap", "a new block overlaps memory in use"),
        ("mmap(NULL, 100, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);", "", ""),
    ];
    for (statement, cause, words) in cases {
        let bench = Bench::empty();
        let library = bench.third_malloc("libosmem.so", statement);
        // One that never ends costs that time again and again.
        let options = if statement.contains("for (;;)") || statement.contains("SIGSTOP") {
            &["--timeout", "0.2"][..]
        } else {
            &[]
        };
        let finding = found(&bench, &library, options);
        let told = finding.to_string();
        let causes: Vec<_> = finding["causes"].as_array().unwrap().iter().map(|cause| &cause["id"]).collect();
        assert!(cause.is_empty() || causes.contains(&&cause.into()), "{statement}: {causes:?}");
        assert!(told.contains(words), "{statement}: {told}");
        assert!(finding["calls"].as_u64().unwrap() <= 6, "{statement}: {told}");
    }
}

#[test]
fn each_of_several_mistakes_has_a_counterexample_of_its_own() {
    let bench = Bench::empty();
    let null_gives_null = ("    if (!p)\n        return os_malloc(size);", "    if (!p)\n        return NULL;");
    let library = bench.altered("libosmem.so", &[FIRST_FIT, null_gives_null]);
    let search = || fuzz(&bench, &library, &["--seed", "1", "--timeout", "20"]);
    let (code, record) = record(&mut search());
    assert_eq!(code, Some(1), "{record}");
    let findings: Vec<&Value> = [&record["finding"]].into_iter().chain(record["more"].as_array().unwrap()).collect();
    let cause = |finding: &&Value| finding["causes"][0]["id"].as_str().unwrap_or_default().to_owned();
    let mut causes: Vec<String> = findings.iter().map(cause).collect();
    causes.sort_unstable();
    assert_eq!(causes, ["first-fit", "realloc-null-wrong"], "{record:#}");
    assert!(findings.iter().all(|finding| finding["causes"].as_array().unwrap().len() == 1), "{record:#}");
    let names = bench.names("found");
    assert_eq!(names.iter().filter(|name| name.ends_with(".osmem")).count(), 2, "{names:?}");

    let (code, stdout, _) = output(&mut search());
    assert!(code == Some(1) && stdout.contains("shows another mistake in "), "{stdout}");
}

#[test]
fn what_a_library_forges_or_does_before_the_first_call_can_be_replayed_too() {
    let forge =
        r#"const char mark[] = "0123456789abcdef end\nreturn 0 \033[31m */"; write(-1, mark, sizeof mark - 1);"#;
    let early = "__attribute__((constructor)) static void begin(void) { _exit(0); }\nvoid *os_malloc(size_t size)";
    for (name, told) in [("forge", "end\\nreturn 0 \\u{1b}[31m */"), ("early", "before the first os_* call")] {
        let bench = Bench::empty();
        let library = match name {
            "forge" => bench.third_malloc("libosmem.so", forge),
            _ => bench.reference("libosmem.so", "void *os_malloc(size_t size)", early),
        };
        let finding = found(&bench, &library, &[]);
        let sentence = finding["sentence"].as_str().unwrap();
        assert!(sentence.contains(told) && !sentence.contains(char::is_control), "{sentence}");
        assert!(finding["calls"].as_u64().unwrap() > 0, "{finding}");
        let script = bench.names("found").into_iter().find(|name| name.ends_with(".osmem")).unwrap();
        let text = fs::read_to_string(bench.path("found").join(&script)).unwrap();
        assert!(text.starts_with(&format!("# {sentence}\nb1 = ")), "{text}");
        let mut replay = osmem(&["replay"]);
        let (code, stdout, stderr) = output(replay.arg(bench.path("found").join(script)).arg("--lib").arg(library));
        assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
        assert!(stdout.contains(&format!("fail: {sentence}\n")), "{stdout}");
    }
}

#[test]
fn damage_is_found_and_its_cause_is_named() {
    let cases: [(&str, &str, &str, &[&str]); 6] = [
        ("memset(payload(b), 0, nmemb * size);", "(void)b;", "calloc-not-zeroed", &[]),
        ("return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;", "return n;", "misaligned", &[]),
        (
            "memcpy(payload(new), payload(b), b->size < n ? b->size : n);",
            "memcpy(payload(new), payload(b), 8);",
            "realloc-copies-too-little",
            &[],
        ),
        (
            "if (sbrk((intptr_t)bytes) != (void *)-1)",
            "(void)sbrk((intptr_t)bytes);",
            "refusal-unchecked",
            &["--profile", "robust"],
        ),
        // Some of its programs never end.
        ("new->size = rest - HEADER;", "new->size = rest;", "split-loses-header", &["--timeout", "0.5"]),
        ("b->size += HEADER + next->size;", "b->size += next->size;", "coalescing-loses-header", &[]),
    ];
    for (old, new, cause, options) in cases {
        let bench = Bench::empty();
        let library = bench.reference("libosmem.so", old, new);
        let finding = found(&bench, &library, options);
        let causes: Vec<_> = finding["causes"].as_array().unwrap().iter().map(|cause| &cause["id"]).collect();
        assert!(causes.contains(&&cause.into()), "{cause}: {causes:?}");
    }
}

#[test]
fn a_library_that_knows_nothing_of_the_contract_is_found_at_once() {
    let bench = Bench::empty();
    let finding = found(&bench, &bench.library("libosmem.so", MAPS_ALL), &[]);
    // It keeps no contents either, which is worse than where they come from.
    assert_eq!((&finding["calls"], &finding["causes"][0]["id"]), (&2.into(), &"maps-everything".into()));
    let damage = "os_realloc lost contents";
    assert_eq!(finding["damage"], damage);
    let sentence = finding["sentence"].as_str().unwrap();
    assert!(sentence.starts_with(&format!("{damage}; before that, os_malloc(8) breaks R3: ")), "{sentence}");
}

#[test]
fn the_command_line_of_fuzz_is_checked() {
    for (arguments, expected) in [
        (&["--runs", "0"][..], "--runs"),
        (&["--runs", "1000000001"], "--runs"),
        (&["--seconds", "0"], "between 0.1 and 86400"),
        (&["--seconds", "1e9"], "between 0.1 and 86400"),
        (&["--seconds", "nan"], "--seconds"),
        (&["--seconds", "1", "--runs", "1"], "--runs"),
        (&["--ops", "0"], "from 1 to 5000"),
        (&["--ops", "5001"], "from 1 to 5000"),
        (&["--seed", "-1"], "-1"),
        (&["--seed", "18446744073709551616"], "--seed"),
        (&["--jobs", "0"], "--jobs"),
        (&["--timeout", "0"], "--timeout"),
        (&["--profile", "all"], "robust"),
        (&["program"], "program"),
    ] {
        let (code, stdout, stderr) = output(osmem(&["fuzz"]).args(arguments));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    // The highest seed is one.
    osmem(&["fuzz", "--seed", "18446744073709551615", "--runs", "3", "--ops", "1"]).assert().code(0);
}

#[test]
fn a_library_that_cannot_be_used_is_named() {
    let bench = Bench::empty();
    let lacking = bench.library("lacking.so", "void *os_malloc(size_t n) { return NULL; }");
    let text = bench.write("text.so", "no library\n");
    for (path, expected) in [
        (bench.path("none.so"), "cannot read the library"),
        (bench.path("programs"), "libosmem.so"),
        (text, "text.so"),
        (lacking, "os_calloc"),
    ] {
        let (code, stdout, stderr) = output(&mut fuzz(&bench, &path, &["--runs", "1"]));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains(bench.path("").to_str().unwrap()), "{stderr}");
    }
}

#[test]
fn surroundings_that_will_not_do_are_named_with_the_remedy() {
    let bench = Bench::empty();
    let (code, stdout, stderr) =
        output(osmem(&["fuzz", "--runs", "1", "--tracer", "strace"]).env("PATH", bench.path("programs")));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("strace is not on the PATH") && stderr.contains("make deps"), "{stderr}");

    let (code, stdout, stderr) = output(osmem(&["fuzz", "--runs", "1"]).env("TMPDIR", bench.path("none")));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("TMPDIR"), "{stderr}");
}

#[test]
fn a_tracer_that_loses_its_log_is_no_fault_of_the_library() {
    let bench = Bench::empty();
    fs::create_dir_all(bench.path("bin")).unwrap();
    let script = "#!/bin/sh\ncase \"$1\" in -V|--version) echo 'strace -- version 6.1';; *) exit 1;; esac\n";
    let file = bench.write("bin/strace", script);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bench.path("bin").display());
    let library = bench.library("libosmem.so", &malloc_body("return NULL;"));
    let (code, stdout, stderr) = output(fuzz(&bench, &library, &["--runs", "1"]).env("PATH", path));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("strace"), "{stderr}");
}

#[test]
fn the_same_search_tells_the_same() {
    let bench = Bench::empty();
    // It damages memory: words and places of what is found are those of a process, which lies elsewhere each time.
    let taken = "split(b, size);\n    b->status = ALLOC;";
    let library = bench.reference("libosmem.so", taken, "split(b, size);\n    b->status = size > 400 ? FREE : ALLOC;");
    let findings: Vec<Value> = (0..3).map(|_| found(&bench, &library, &["--profile", "core"])).collect();
    assert!(findings[0]["damage"].is_string() && findings[0]["difference"].is_object(), "{}", findings[0]);
    assert_eq!(findings[0], findings[1]);
    assert_eq!(findings[0], findings[2]);
}

#[test]
fn what_goes_with_damage_is_told_too() {
    let bench = Bench::empty();
    // One mistake that shows early, and another that loses contents later.
    let source = fs::read_to_string(built().root.join("fixtures/submissions/reference/osmem.c")).unwrap();
    let copies = "b->size < n ? b->size : n);";
    assert_eq!((source.matches(copies).count(), source.matches(FIRST_FIT.0).count()), (1, 1));
    let source =
        source.replace(copies, "b->size > 3000 ? 8 : b->size < n ? b->size : n);").replace(FIRST_FIT.0, FIRST_FIT.1);
    let library = bench.compile("libosmem.so", &source, &["-shared", "-fPIC"]);
    let finding = found(&bench, &library, &["--profile", "core"]);
    assert_eq!(finding["damage"], "os_realloc lost contents", "{finding}");
    let also = finding["also"].as_str().unwrap();
    assert!(also.contains("breaks R5: it gave another block"), "{also}");
    let mut text = fuzz(&bench, &library, &["--seed", "1", "--profile", "core", "--timeout", "20"]);
    let (code, stdout, _) = output(&mut text);
    assert!(code == Some(1) && stdout.contains("  also    before it was shortened: "), "{stdout}");
}

#[test]
fn reading_too_far_is_told_as_that_and_only_where_it_shows() {
    let bench = Bench::empty();
    let copies = "memcpy(payload(new), payload(b), b->size < n ? b->size : n);";
    let library = bench.reference("libosmem.so", copies, "memcpy(payload(new), payload(b), n);");
    let finding = found(&bench, &library, &["--profile", "core"]);
    assert_eq!(finding["causes"][0]["id"], "realloc-reads-too-much", "{finding}");
    assert!(finding["damage"].as_str().unwrap().starts_with("SIGSEGV: os_realloc("), "{finding}");
    // Within the heap it does no harm.
    let script = bench.write("heap.osmem", "b1 = malloc 8\nb2 = malloc 8\nb1 = realloc b1 1000\n");
    let mut replay = osmem(&["replay", "--profile", "core", "--lib"]);
    let (code, stdout, _) = output(replay.arg(&library).arg(script));
    assert_eq!(code, Some(0), "{stdout}");
}
