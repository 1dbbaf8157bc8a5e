//! The first difference of two traces.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic here is the report")]

mod values;

use osmem_trace::Trace;
use osmem_trace::diff::{Mark, first_difference, rows};
use proptest::prelude::*;

/// A side-by-side picture: mark, expected, actual.
fn picture(expected: &str, actual: &str, context: usize) -> Vec<String> {
    let difference = first_difference(&read(expected), &read(actual), context).expect("a difference");
    let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let mark = |mark| match mark {
        Mark::Same => ' ',
        Mark::Changed => '~',
        Mark::OnlyExpected => '<',
        Mark::OnlyActual => '>',
    };
    difference
        .rows
        .iter()
        .map(|row| format!("{} {} | {}", mark(row.mark), cell(&row.expected), cell(&row.actual)))
        .collect()
}

fn read(text: &str) -> Trace {
    text.parse().unwrap()
}

const EXPECTED: &str = "\
os_malloc(10) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(20) = HEAP+0x50
os_free(HEAP+0x50)
os_malloc(8) = HEAP+0x50
exit 0
";

#[test]
fn a_changed_result_keeps_its_neighbours() {
    let actual = EXPECTED.replace("os_malloc(8) = HEAP+0x50", "os_malloc(8) = HEAP+0x90");
    assert_eq!(
        picture(EXPECTED, &actual, 1),
        [
            "  os_free(HEAP+0x50) | os_free(HEAP+0x50)",
            "~ os_malloc(8) = HEAP+0x50 | os_malloc(8) = HEAP+0x90",
            "  exit 0 | exit 0",
        ]
    );
    assert_eq!(first_difference(&read(EXPECTED), &read(&actual), 0).unwrap().entry, 4);
}

#[test]
fn a_system_call_too_much_or_missing_stands_alone() {
    let actual = EXPECTED
        .replace("os_malloc(20) = HEAP+0x50\n", "os_malloc(20) = HEAP+0x50\n  brk(HEAP+0x20030) = HEAP+0x20030\n");
    assert_eq!(
        picture(EXPECTED, &actual, 0),
        ["  os_malloc(20) = HEAP+0x50 | os_malloc(20) = HEAP+0x50", "> - |   brk(HEAP+0x20030) = HEAP+0x20030"]
    );
    assert_eq!(
        picture(&actual, EXPECTED, 0),
        ["  os_malloc(20) = HEAP+0x50 | os_malloc(20) = HEAP+0x50", "<   brk(HEAP+0x20030) = HEAP+0x20030 | -"]
    );
}

#[test]
fn a_trace_that_stops_early_lacks_the_rest() {
    let actual = "os_malloc(10) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nos_malloc(20) = ?\n  --- SIGSEGV ---\nkilled by SIGSEGV\n";
    assert_eq!(
        picture(EXPECTED, actual, 3),
        [
            "  os_malloc(10) = HEAP+0x20 | os_malloc(10) = HEAP+0x20",
            "    brk(HEAP+0x20000) = HEAP+0x20000 |   brk(HEAP+0x20000) = HEAP+0x20000",
            "~ os_malloc(20) = HEAP+0x50 | os_malloc(20) = ?",
            "> - |   --- SIGSEGV ---",
            "< os_free(HEAP+0x50) | -",
            "< os_malloc(8) = HEAP+0x50 | -",
            "~ exit 0 | killed by SIGSEGV",
        ]
    );
}

#[test]
fn calls_that_only_one_side_has_do_not_shift_the_others() {
    let actual = EXPECTED.replace("os_free(HEAP+0x50)\n", "os_malloc(99) = HEAP+0x80\nos_free(HEAP+0x50)\n");
    assert_eq!(
        picture(EXPECTED, &actual, 1),
        [
            "  os_malloc(20) = HEAP+0x50 | os_malloc(20) = HEAP+0x50",
            "> - | os_malloc(99) = HEAP+0x80",
            "  os_free(HEAP+0x50) | os_free(HEAP+0x50)"
        ]
    );
}

#[test]
fn only_the_end_differs() {
    let actual = EXPECTED.replace("exit 0", "exit 1");
    assert_eq!(picture(EXPECTED, &actual, 0), ["~ exit 0 | exit 1"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_traces_have_no_difference_and_others_have_one(one in values::trace(), other in values::trace()) {
        prop_assert_eq!(first_difference(&one, &one, 3), None);
        prop_assert_eq!(first_difference(&one, &other, 3).is_none(), one == other);
    }

    /// Each side of all rows, read down, is the trace itself.
    #[test]
    fn rows_hold_both_traces_whole(one in values::trace(), other in values::trace()) {
        let rows = rows(&one, &other);
        let side = |pick: fn(&osmem_trace::diff::Row) -> &Option<String>| -> String {
            rows.iter().filter_map(|row| pick(row).as_ref()).map(|line| format!("{line}\n")).collect()
        };
        prop_assert_eq!(side(|row| &row.expected), one.to_string());
        prop_assert_eq!(side(|row| &row.actual), other.to_string());
        for row in &rows {
            prop_assert_eq!(row.mark == Mark::Same, row.expected == row.actual);
            prop_assert!(row.expected.is_some() || row.actual.is_some());
        }
    }

    /// With enough context nothing is left out.
    #[test]
    fn the_first_difference_is_a_part_of_the_rows(one in values::trace(), other in values::trace()) {
        if let Some(difference) = first_difference(&one, &other, 1000) {
            prop_assert!(difference.rows.iter().any(|row| row.mark != Mark::Same));
            let lines = difference.rows.iter().filter(|row| row.expected.is_some()).count();
            prop_assert_eq!(lines, one.to_string().lines().count());
        }
    }
}
