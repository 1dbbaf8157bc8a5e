//! The programs as text, and through the C compiler.

use std::fs;
use std::path::Path;
use std::process::Command;

use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::Machine;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::text;
use super::*;

fn expected(ops: &[Op]) -> Vec<Done> {
    let mut machine = Machine::new(Model::contract(Params::CONTRACT, HEAP));
    ops.iter().map(|op| machine.step(*op)).collect()
}

fn cc(dir: &Path, arguments: &[&str]) {
    let mut cc = Command::new("cc");
    let output =
        cc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]).args(arguments).current_dir(dir).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const SCRIPT: &str = "\
b1 = malloc 1000
b1 = malloc 0
b2 = calloc 10 5000000000
free b1+16
free b1-16
b3 = realloc stack 8
move break 4096
move break -9
move break -9
refuse break
b4 = malloc 200000
b5 = malloc 131000
refuse mappings
b4 = realloc b4 300000
refuse nothing
b1 = realloc b1 9223372036854775808
free b1-9223372036854775808
free b5
free b1
";

const PROGRAM: &str = "\
/* A script.
 *
 * Second / * line */
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

void *os_malloc(size_t size);
void *os_calloc(size_t nmemb, size_t size);
void *os_realloc(void *ptr, size_t size);
void os_free(void *ptr);

/* volatile: no compiler takes a call away, or warns of a pointer that is used after it was freed */
static char *volatile b1, *volatile b2, *volatile b4;

/* A soft limit of 0: RLIMIT_DATA refuses upward moves of the break, RLIMIT_AS new mappings. */
static struct rlimit before;

static void refuse(int resource)
{
    getrlimit(resource, &before);
    struct rlimit limit = before;
    limit.rlim_cur = 0;
    setrlimit(resource, &limit);
}

static void allow_again(int resource)
{
    setrlimit(resource, &before);
}

int main(void)
{
    long on_stack = 0; /* no block of anybody's */

    b1 = os_malloc(1000);                  /* HEAP+0x20 */
    os_malloc(0);                          /* NULL * / x */
    b2 = os_calloc(10, 5000000000UL);
    os_free(b1 + 16);
    os_free(b1 - 16);
    os_realloc(&on_stack, 8);
    sbrk(4096);                            /* the program itself moves the break */
    sbrk(-4096);                           /* the program undoes its move */
    /* the program has no move of the break that it could undo here */
    refuse(RLIMIT_DATA);                   /* from here on the break cannot be moved up */
    b4 = os_malloc(200000);
    os_malloc(131000);
    allow_again(RLIMIT_DATA);              /* nothing is refused any more */
    refuse(RLIMIT_AS);                     /* from here on there are no new mappings */
    os_realloc(b4, 300000);
    allow_again(RLIMIT_AS);                /* nothing is refused any more */
    os_realloc(b1, 9223372036854775808UL);
    os_free(b1 - 9223372036854775807 - 1);
    os_free(NULL);
    os_free(b1);
    return 0;
}
";

#[test]
fn a_program_reads_well_and_compiles() {
    let ops = text::parse("s", SCRIPT.as_bytes()).unwrap();
    let steps = [Some("HEAP+0x20".to_owned()), Some("NULL */\nx".to_owned())];
    let done = expected(&ops);
    let comments = Comments { about: "A script.\n\nSecond /* line\n", steps: &steps, expected: &done };
    let program = c_program(&ops, &comments);
    assert_eq!(program, PROGRAM);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("program.c"), &program).unwrap();
    cc(dir.path(), &["-c", "program.c"]);
}

#[test]
fn the_break_moves_down_while_no_move_up_is_granted() {
    let ops = text::parse("s", &b"move break 64\nrefuse break\nmove break -64\nb1 = malloc 8\n"[..]).unwrap();
    let program = c_program(&ops, &Comments { expected: &expected(&ops), ..Comments::default() });
    let statements: Vec<_> = program.lines().filter_map(|line| line.strip_prefix("    ")?.split(';').next()).collect();
    let end = ["sbrk(64)", "refuse(RLIMIT_DATA)", "allow_again(RLIMIT_DATA)", "sbrk(-64)", "refuse(RLIMIT_DATA)"];
    assert!(statements.windows(end.len()).any(|some| some == end), "{program}");
}

#[test]
fn comments_too_long_for_the_line_stand_above() {
    let ops = [Op::Malloc { slot: 1, size: 8 }];
    let steps = [Some("x".repeat(100))];
    let program = c_program(&ops, &Comments { steps: &steps, ..Comments::default() });
    assert!(
        program.contains(&format!("    /* {} */\n    b1 = os_malloc(8);\n", steps[0].as_ref().unwrap())),
        "{program}"
    );
}

/// Blocks from an array, and a protocol of the calls on standard output.
const STUB: &str = r#"
#include <stddef.h>
#include <stdio.h>
static _Alignas(8) char room[1 << 20];
static size_t used;
static void *take(size_t size) { void *block = room + used; used += size; return size ? block : NULL; }
static long at(char *pointer) { return pointer >= room && pointer < room + sizeof room ? pointer - room : -1; }
void *os_malloc(size_t size) { printf("malloc %zu\n", size); return take(size); }
void *os_calloc(size_t nmemb, size_t size) { printf("calloc %zu %zu\n", nmemb, size); return take(nmemb * size); }
void *os_realloc(void *ptr, size_t size) { printf("realloc %ld %zu\n", ptr ? at(ptr) : 0, size); return take(size); }
void os_free(void *ptr) { printf("free %s%ld\n", ptr ? "" : "NULL ", at(ptr)); }
"#;

#[test]
fn a_program_runs() {
    let script = "\
b1 = malloc 800
b2 = calloc 10 20
b2 = malloc 0
b1 = realloc b1 2000
free b1+16
free b2
free NULL
free stack
move break 4096
move break -4096
refuse break
refuse mappings
refuse nothing
realloc b1 0
";
    let ops = text::parse("s", script.as_bytes()).unwrap();
    let done = expected(&ops);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("program.c"), c_program(&ops, &Comments { expected: &done, ..Comments::default() }))
        .unwrap();
    fs::write(dir.path().join("stub.c"), STUB).unwrap();
    cc(dir.path(), &["-o", "program", "program.c", "stub.c"]);
    let output = Command::new(dir.path().join("program")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let calls = "malloc 800\ncalloc 10 20\nmalloc 0\nrealloc 0 2000\nfree 1016\nfree 800\nfree NULL -1\nfree -1\nrealloc 1000 0\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), calls);
}

#[test]
fn a_comment_holds_neither_its_end_nor_a_trigraph() {
    assert_eq!(comment_text("*/ /* */"), "* / / * * /");
    for marks in 2..9 {
        let text = comment_text(&format!("*{}/", "?".repeat(marks)));
        assert!(!text.contains("??") && text.matches('?').count() == marks, "{text}");
    }
}

proptest! {
    // Each case is a run of the compiler.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn programs_like_chance_compile_without_warnings(
        ops in vec(super::super::rust::sample::op(), 0..60),
        note in "\\PC{0,60}|[*/ \\n?\\\\]{0,9}",
        known in any::<bool>(),
    ) {
        let done = if known { expected(&ops) } else { Vec::new() };
        let steps = vec![Some(note.clone()); ops.len()];
        let program = c_program(&ops, &Comments { about: &note, steps: &steps, expected: &done });
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("program.c"), program).unwrap();
        cc(dir.path(), &["-c", "program.c"]);
    }
}
