//! Test programs as text. Whether they compile and do what they say is for the battery to show.

use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::Machine;
use osmem_oracle::run::Call;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::text;
use super::*;

fn expected(ops: &[Op]) -> Vec<Done> {
    let mut machine = Machine::new(Model::contract(Params::CONTRACT, HEAP));
    ops.iter().map(|op| machine.step(*op)).collect()
}

fn program(script: &str) -> Result<String, RustError> {
    let ops = text::parse("s", script.as_bytes()).unwrap();
    test_program(&ops, &expected(&ops), "R1: what it shows.")
}

/// The statements of the program for a script.
fn body(script: &str) -> String {
    let program = program(script).unwrap();
    let (_, body) = program.split_once("scenario!(|| {\n").unwrap();
    body.strip_suffix("});\n").unwrap().to_owned()
}

#[test]
fn a_program_looks_like_those_of_the_battery() {
    let script = "\
b1 = malloc 1000
b2 = calloc 10 20
b1 = realloc b1 20000
b3 = realloc NULL 100
realloc b1 0
b1 = malloc 0
free NULL
free stack
free b2
";
    let expected = "\
//! R1: what it shows.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    NULL, calloc, free, free_ignored, malloc, malloc_gives_null, realloc, realloc_null, realloc_zero, scenario,
    stack_place,
};

scenario!(|| {
    let b1 = malloc(1000);
    let b2 = calloc(10, 20);
    let b1 = realloc(b1, 20_000);
    let _b3 = realloc_null(100);
    realloc_zero(b1);
    malloc_gives_null(0);
    free_ignored(NULL);
    free_ignored(stack_place());
    free(b2);
});
";
    assert_eq!(program(script).unwrap(), expected);
    let empty = "//! A sequence of calls.\n#![cfg_attr(not(test), no_main)]\n\nuse test_programs::scenario;\n\nscenario!(|| {});\n";
    assert_eq!(test_program(&[], &[], " ").unwrap(), empty);
}

#[test]
fn misuse_goes_by_places_and_addresses() {
    let script = "\
b1 = malloc 1000
b2 = malloc 100
free b1+16
free b1
free b1
realloc b1+8 500
b3 = malloc 1000
free b1
realloc b2-1032 7
free b2-1032
";
    // The third block lies where the first one lay; the pointer below the second one leads there.
    let expected = "    let b1 = malloc(1000);
    let _b2 = malloc(100);
    free_ignored(b1.place().plus(16));
    let place1 = b1.place();
    free(b1);
    free_ignored(place1);
    realloc_gives_null(place1.plus(8), 500);
    let b3 = malloc(1000);
    free(b3);
";
    let ops: Vec<&str> = script.lines().take(8).collect();
    assert_eq!(body(&ops.join("\n")), expected);
    assert_eq!(program(script), Err(RustError::Below { step: 9 }));
    let below = "b1 = malloc 1000\nb2 = malloc 100\nfree b2-1032\n";
    assert_eq!(body(below), "    let b1 = malloc(1000);\n    let _b2 = malloc(100);\n    free(b1);\n");
}

#[test]
fn blocks_whose_slot_is_taken_keep_a_name_of_their_own() {
    let script =
        "b1 = malloc 100\nfree b1\nb2 = malloc 100\nb2 = malloc 200\nfree b1\nfree b2\nb2 = malloc 8\nb2 = malloc 9\n";
    let expected = "    let b1 = malloc(100);
    free(b1);
    let b2 = malloc(100);
    let b2_2 = malloc(200);
    free(b2);
    free(b2_2);
    let _b2 = malloc(8);
    let _b2_2 = malloc(9);
";
    assert_eq!(body(script), expected);
}

#[test]
fn refusals_are_closures_that_give_back_what_lives_on() {
    let script = "\
b1 = malloc 1000
b2 = malloc 100
b3 = malloc 100
refuse break
b1 = realloc b1 130000
b4 = malloc 130000
free b3
b5 = malloc 8
refuse mappings
b6 = malloc 200000
refuse break
b4 = malloc 9
free b3
refuse break
refuse mappings
b2 = realloc b2 200000
b7 = malloc 100
refuse nothing
free b1
free b3
b1 = malloc 18446744073709551615
b1 = malloc 18446744073709551600
";
    // b5 lies where b3 lay: the next free of b3 is one of b5.
    let expected = "    let b1 = malloc(1000);
    let b2 = malloc(100);
    let b3 = malloc(100);
    let (b1, b5) = while_refused(Refused::Break, || {
        let b1 = realloc_fails(b1, 130_000);
        malloc_gives_null(130_000);
        free(b3);
        let b5 = malloc(8);
        (b1, b5)
    });
    while_refused(Refused::Mapping, || malloc_gives_null(200_000));
    let (_b4, place1) = while_refused(Refused::Break, || {
        let b4 = malloc(9);
        let place1 = b5.place();
        free(b5);
        (b4, place1)
    });
    let (_b2, _b7) = while_refused(Refused::Mapping, || {
        let b2 = realloc_fails(b2, 200_000);
        let b7 = malloc(100);
        (b2, b7)
    });
    free(b1);
    free_ignored(place1);
    malloc_gives_null(usize::MAX);
    malloc_gives_null(usize::MAX - 15);
";
    assert_eq!(body(script), expected);
    let one = "b1 = malloc 8\nrefuse mappings\nb1 = realloc b1 200000\nrefuse nothing\nrefuse break\nfree NULL\nb2 = malloc 9\n";
    let expected = "    let b1 = malloc(8);
    let _b1 = while_refused(Refused::Mapping, || realloc_fails(b1, 200_000));
    let _b2 = while_refused(Refused::Break, || {
        free_ignored(NULL);
        malloc(9)
    });
";
    assert_eq!(body(one), expected);
}

#[test]
fn a_place_that_is_needed_later_leaves_its_closure() {
    let script = "b1 = malloc 200000\nrefuse break\nfree b1\nrefuse nothing\nfree b1+8\nfree b1\n";
    let expected = "    let b1 = malloc(200_000);
    let place1 = while_refused(Refused::Break, || {
        let place1 = b1.place();
        free(b1);
        place1
    });
    free_ignored(place1.plus(8));
    free_ignored(place1);
";
    assert_eq!(body(script), expected);
}

#[test]
fn moves_of_the_break_are_kept_and_undone() {
    let script = "\
move break 4096
move break 24
move break -1
move break 8
b1 = malloc 100
move break -8
refuse break
move break 4096
move break -4096
";
    let expected = "    let foreign1 = foreign_break(4096);
    let foreign2 = foreign_break(24);
    foreign2.undo();
    let _foreign3 = foreign_break(8);
    let _b1 = malloc(100);
";
    // The last move is refused, and the first one no longer ends at the break.
    assert_eq!(body(script), expected.replace("foreign1", "_foreign1"));
}

#[test]
fn what_cannot_be_said_is_refused_with_its_step() {
    let error = |script: &str| program(script).unwrap_err().to_string();
    let cases = [
        (
            "b1 = malloc 8\nfree b1-8",
            "step 2 passes an address below a block; test programs can only name one at or above it",
        ),
        (
            "b1 = malloc 200000\nfree b1\nb2 = malloc 200000\nfree b1",
            "step 4 passes an address where the kernel may have put another mapping; name one inside a mapping, \
             and a freed one before the next is made",
        ),
        (
            "b1 = malloc 200000\nfree b1\nb2 = malloc 200000\nfree b2\nfree b1",
            "step 5 passes an address where the kernel may have put another mapping; name one inside a mapping, \
             and a freed one before the next is made",
        ),
        (
            "b1 = malloc 200000\nfree b1+200000",
            "step 2 passes an address where the kernel may have put another mapping; name one inside a mapping, \
             and a freed one before the next is made",
        ),
        (
            "b1 = malloc 2000000000",
            "step 1 asks for 2000000000 bytes, and test programs fill every block; ask for 1073741824 at most",
        ),
        (
            "b1 = malloc 100000000000",
            "step 1 maps 100000000032 bytes, which some machines have and others refuse; ask for much less or much more",
        ),
        (
            "b1 = malloc 600000\nb1 = realloc b1 8",
            "step 2 resizes 600000 bytes, and test programs copy what they resize; resize 524288 at most",
        ),
        (
            "refuse mappings\nb1 = malloc 8",
            "step 2 moves the break while mappings are refused; that limit (RLIMIT_AS) refuses both, so lift it before",
        ),
        (
            "move break 16\nrefuse break\nmove break -16",
            "step 3 moves the break down while it is refused; that limit (RLIMIT_DATA) keeps it where it is, so lift it before",
        ),
        (
            "refuse mappings\nmove break 8",
            "step 2 moves the break while mappings are refused; that limit (RLIMIT_AS) refuses both, so lift it before",
        ),
    ];
    for (script, expected) in cases {
        assert_eq!(error(script), expected, "{script}");
    }
}

#[test]
fn what_is_foretold_must_fit() {
    let ops = text::parse("s", &b"b1 = malloc 8\nb2 = realloc stack 8\n"[..]).unwrap();
    let good = expected(&ops);
    let message = test_program(&ops, &good[..1], "").unwrap_err().to_string();
    assert_eq!(message, "the script has 2 steps, but 1 are foretold; foretell every step");
    let change = |step: usize, change: fn(&mut Call)| {
        let mut done = good.clone();
        if let Done::Call(call) = &mut done[step] {
            change(call);
        }
        test_program(&ops, &done, "").map_err(|error| error.to_string())
    };
    let message = |step| {
        Err(format!(
            "step {step} is foretold to do what no such call can; a test program holds only what keeps the contract"
        ))
    };
    assert_eq!(change(0, |call| call.result = None), message(1));
    assert_eq!(change(1, |call| call.result = Some(HEAP + 4096)), message(2));
    assert_eq!(change(1, |call| call.request = osmem_oracle::call::Request::Malloc { size: 8 }), message(2));
    assert_eq!(test_program(&ops, &[Done::Nothing, Done::Nothing], "").map_err(|error| error.to_string()), message(1));
    assert!(change(1, |_| ()).is_ok());
}

#[test]
fn documentation_is_wrapped_and_harmless() {
    let doc = format!("{}\n\nEnd\u{202e} of it.\r\n{}", "word ".repeat(50), "x".repeat(150));
    let program = test_program(&[], &[], &doc).unwrap();
    let lines: Vec<&str> = program.lines().take_while(|line| line.starts_with("//!")).collect();
    assert_eq!(lines.len(), 6, "{program}");
    assert_eq!(lines[0].len(), 118);
    assert_eq!(lines[3], "//!");
    assert_eq!(lines[4], "//! End of it.");
    assert_eq!(lines[5].len(), 154);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "needs rustfmt"]
    fn programs_are_as_rustfmt_writes_them(ops in vec(sample::op(), 0..40)) {
        if let Ok(program) = test_program(&ops, &expected(&ops), "R1.") {
            prop_assert_eq!(as_rustfmt_writes(&program), program);
        }
    }
}

fn as_rustfmt_writes(text: &str) -> String {
    formatted(text).expect("rustfmt formats it (rustup component add rustfmt)")
}

#[test]
#[ignore = "needs rustfmt"]
fn a_line_too_long_for_the_simple_forms_is_broken() {
    let mut script = "refuse break\nb0 = malloc 8\nrefuse nothing\nb0 = malloc 8\nrefuse break\n".to_owned();
    for slot in 1..60 {
        script.push_str(&format!("b{slot} = malloc 8\n"));
    }
    let program = program(&script).unwrap();
    assert!(program.lines().all(|line| line.len() <= WIDTH), "{program}");
    assert_eq!(as_rustfmt_writes(&program), program);
}

#[test]
#[ignore = "needs rustfmt"]
fn imports_are_as_rustfmt_writes_them() {
    let names = write::NAMES;
    let sets = [8, 9, 10, names.len()].into_iter().flat_map(|length| names.windows(length));
    for names in sets {
        let text = import(names).join("\n") + "\n";
        assert_eq!(as_rustfmt_writes(&text), text);
    }
}
