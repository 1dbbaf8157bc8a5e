//! Scripts read, written, and refused.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const ALL: &str = "\
b1 = malloc 1000
b2 = calloc 10 20
b1 = realloc b1 2000
b3 = realloc NULL 100
realloc b1 0
b2 = realloc b1 0
free b1
free b1+16
free b1-8
free NULL
free stack
b4 = realloc stack 0
move break 4096
move break -4096
refuse break
refuse mappings
refuse nothing
b65535 = malloc 18446744073709551615
";

fn read(text: &str) -> Vec<Op> {
    parse("s", text.as_bytes()).unwrap()
}

fn error(text: &str) -> String {
    parse("s", text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn every_kind_of_step_reads_and_prints() {
    let ops = read(ALL);
    assert_eq!(ops.len(), ALL.lines().count());
    assert_eq!(ops[2], Op::Realloc { slot: 1, pointer: Pointer::block(1), size: 2000 });
    assert_eq!(ops[4], Op::Realloc { slot: 1, pointer: Pointer::block(1), size: 0 });
    assert_eq!(ops[8], Op::Free { pointer: Pointer::Slot { slot: 1, offset: -8 } });
    assert_eq!(print(&ops), ALL);
}

#[test]
fn comments_blanks_and_line_ends_are_free() {
    let loose = "# first\r\n\r\n  b1=malloc\t007   # a block\r\nrealloc b1 20\r\nfree b1+0\r\n\tmove  break +8";
    assert_eq!(print(&read(loose)), "b1 = malloc 7\nb1 = realloc b1 20\nfree b1\nmove break 8\n");
    assert_eq!(read(""), []);
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_what_is_expected() {
    let numbers = "a size is a whole number from 0 to 18446744073709551615";
    let slots = "slots are b0 to b65535";
    let pointers = "a pointer is b1, b1+16, b1-16, NULL or stack";
    let moves = "it is a whole number from -1073741824 to 1073741824";
    let cases = [
        ("foo 1", "unknown step \"foo\"; a step is malloc, calloc, realloc, free, move break or refuse".to_owned()),
        ("b1 = foo", "unknown step \"foo\"; a step is malloc, calloc, realloc, free, move break or refuse".to_owned()),
        ("b1 =", "nothing is called; write a call behind the =, such as `b1 = malloc 1000`".to_owned()),
        ("malloc 1000", "malloc is not written so; write `b1 = malloc SIZE`".to_owned()),
        ("b1 = malloc 10 20", "malloc is not written so; write `b1 = malloc SIZE`".to_owned()),
        ("b1 = calloc 10", "calloc is not written so; write `b1 = calloc NMEMB SIZE`".to_owned()),
        ("b1 = realloc 10", "realloc is not written so; write `b1 = realloc POINTER SIZE`".to_owned()),
        ("b1 = free b0", "free is not written so; write `free POINTER`".to_owned()),
        ("move 10", "move is not written so; write `move break BYTES`".to_owned()),
        ("refuse", "refuse is not written so; write `refuse break|mappings|nothing`".to_owned()),
        ("realloc NULL 0", "the result of realloc NULL needs a slot; write `b1 = realloc NULL SIZE`".to_owned()),
        ("realloc stack 9", "the result of realloc stack needs a slot; write `b1 = realloc stack SIZE`".to_owned()),
        ("x = malloc 1", format!("\"x\" is no slot; {slots}")),
        ("b01 = malloc 1", format!("\"b01\" is no slot; {slots}")),
        ("b65536 = malloc 1", format!("\"b65536\" is no slot; {slots}")),
        ("free b99999999999999999999", format!("\"b99999999999999999999\" is no slot; {slots}")),
        ("b1 = malloc = 1", "malloc is not written so; write `b1 = malloc SIZE`".to_owned()),
        ("b1 = malloc -1", format!("\"-1\" is no size; {numbers}")),
        ("b1 = malloc 18446744073709551616", format!("\"18446744073709551616\" is no size; {numbers}")),
        ("free null", format!("\"null\" is no pointer; {pointers}")),
        ("free b0+", format!("\"b0+\" is no pointer; {pointers}")),
        ("free b0+-1", format!("\"b0+-1\" is no pointer; {pointers}")),
        ("free b0+9223372036854775808", format!("\"b0+9223372036854775808\" is no pointer; {pointers}")),
        ("free b7+16", "nothing was assigned to b7 before this line; begin with `b7 = malloc SIZE`".to_owned()),
        ("b7 = realloc b7 1", "nothing was assigned to b7 before this line; begin with `b7 = malloc SIZE`".to_owned()),
        ("move break 1073741825", format!("\"1073741825\" is no move of the break; {moves}")),
        ("move break ten", format!("\"ten\" is no move of the break; {moves}")),
        (
            "refuse memory",
            "\"memory\" cannot be refused; write `refuse break`, `refuse mappings` or `refuse nothing`".to_owned(),
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(error(&format!("b0 = malloc 8\n\n{line}\n")), format!("s:3: {expected}"), "{line}");
    }
}

#[test]
fn a_script_is_bounded() {
    let full = "free NULL\n".repeat(MOST_STEPS);
    assert_eq!(read(&full).len(), MOST_STEPS);
    let message = error(&format!("{full}# the end\nfree NULL\n"));
    assert_eq!(message, "s:1000002: the script has more than 1000000 steps; cut it into several");
}

fn pointers() -> impl Strategy<Value = Pointer> {
    let offset = prop_oneof![3 => Just(0), 2 => -64..64_i64, 1 => any::<i64>()];
    prop_oneof![
        1 => Just(Pointer::Null),
        1 => Just(Pointer::Stack),
        6 => (0..SLOTS, offset).prop_map(|(slot, offset)| Pointer::Slot { slot, offset }),
    ]
}

fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![0..3_u64, 0..200_000_u64, any::<u64>()]
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..SLOTS, sizes()).prop_map(|(slot, size)| Op::Malloc { slot, size }),
        (0..SLOTS, sizes(), sizes()).prop_map(|(slot, nmemb, size)| Op::Calloc { slot, nmemb, size }),
        (0..SLOTS, pointers(), sizes()).prop_map(|(slot, pointer, size)| Op::Realloc { slot, pointer, size }),
        pointers().prop_map(|pointer| Op::Free { pointer }),
        (-FARTHEST..=FARTHEST).prop_map(|by| Op::MoveBreak { by }),
        prop_oneof![Just(Refused::Nothing), Just(Refused::Break), Just(Refused::Mappings)].prop_map(Op::Refuse),
    ]
}

/// Points every pointer to a slot that has been assigned to, as a script must.
fn sound(mut ops: Vec<Op>) -> Vec<Op> {
    let mut assigned = Vec::new();
    for op in &mut ops {
        if let Op::Realloc { pointer, .. } | Op::Free { pointer } = op
            && let Pointer::Slot { slot, offset } = *pointer
        {
            *pointer = match assigned.len() {
                0 => Pointer::Null,
                length => Pointer::Slot { slot: assigned[slot as usize % length], offset },
            };
        }
        assigned.extend(op.slot());
    }
    ops
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back(ops in vec(ops(), 0..60).prop_map(sound)) {
        let text = print(&ops);
        prop_assert_eq!(&parse("s", text.as_bytes()).unwrap(), &ops);
        prop_assert_eq!(print(&ops), text);
    }

    #[test]
    fn bytes_like_chance_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = parse("s", bytes.as_slice());
    }

    #[test]
    fn words_like_chance_read_as_what_prints_the_same(
        words in vec(prop::sample::select(vec![
            "b1", "b2", "=", "malloc", "calloc", "realloc", "free", "move", "break", "refuse", "NULL", "stack", "b1+8", "-9", "7", "#",
            "\n",
        ]), 0..12),
    ) {
        if let Ok(ops) = parse("s", words.join(" ").as_bytes()) {
            prop_assert_eq!(parse("s", print(&ops).as_bytes()).unwrap(), ops);
        }
    }
}
