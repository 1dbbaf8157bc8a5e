use osmem_oracle::run::End;
use osmem_trace::Trace;

use super::*;

fn figures(text: &str) -> Figures {
    let trace: Trace = text.parse().unwrap();
    Figures::of(&crate::convert::run_of("t", &trace, End::Fine), Params::CONTRACT)
}

#[test]
fn a_small_run_by_hand() {
    let told = figures(
        "os_malloc(100) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nos_malloc(200) = HEAP+0xa8\n\
             os_free(HEAP+0x20)\nos_free(HEAP+0x20)\nos_free(HEAP+0x2000)\nos_malloc(0) = NULL\nexit 0\n",
    );
    assert_eq!((told.calls.total, told.calls.malloc, told.calls.free, told.calls.refused), (6, 3, 3, 0));
    assert_eq!((told.system.total, told.system.brk), (1, 1));
    assert_eq!((told.peak_payload, told.peak_heap), (300, 0x20000));
    assert_eq!(told.utilisation, Some(300.0 / 131_072.0));
    // 104 + 32 and 200 + 32 bytes for 300.
    assert!((told.internal_at_peak - 68.0 / 368.0).abs() < 1e-9, "{}", told.internal_at_peak);
    assert_eq!(told.leaks.len(), 1);
    assert_eq!((told.leaks[0].call, told.leaks[0].text.as_str(), told.leaked()), (2, "os_malloc(200)", 200));
    let kinds: Vec<_> = told.misuse.iter().map(|misuse| (misuse.call, misuse.kind)).collect();
    assert_eq!(kinds, [(4, MisuseKind::DoubleFree), (5, MisuseKind::InvalidFree)]);
    // 136 bytes lie in front of the block that is left, all the rest behind it.
    let free = 131_072.0 - 232.0;
    assert!((told.external_highest - 136.0 / free).abs() < 1e-9, "{}", told.external_highest);
    assert_eq!(told.curve.len(), 6);
}

#[test]
fn mappings_come_and_go_with_whole_pages() {
    let told = figures(
        "os_malloc(200000) = MAP1+0x20\n  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1\n\
             os_free(MAP1+0x20)\n  munmap(MAP1, 200032) = 0\nexit 0\n",
    );
    assert_eq!((told.peak_payload, told.peak_heap), (200_000, 200_704));
    assert_eq!((told.system.mmap, told.system.munmap), (1, 1));
    assert_eq!(told.curve.last().map(|point| (point.payload, point.heap)), Some((0, 0)));
    assert!(told.leaks.is_empty() && told.misuse.is_empty());
}

#[test]
fn a_resized_block_is_one_block() {
    let told = figures(
        "os_malloc(100) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nos_realloc(HEAP+0x20, 300) = HEAP+0x20\n\
             os_realloc(HEAP+0x20, 0) = NULL\nos_realloc(FOREIGN, 8) = NULL\nexit 0\n",
    );
    assert_eq!((told.peak_payload, told.leaks.len(), told.calls.refused), (300, 0, 1));
    assert_eq!(told.misuse.iter().map(|misuse| misuse.kind).collect::<Vec<_>>(), [MisuseKind::InvalidFree]);
}

#[test]
fn a_long_run_has_a_short_curve_and_no_call_none() {
    let mut text = "os_malloc(8) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\n".to_owned();
    text.push_str(&"os_free(HEAP+0x20)\nos_malloc(8) = HEAP+0x20\n".repeat(5000));
    let told = figures(&format!("{text}exit 0\n"));
    assert!(told.curve.len() <= POINTS + 1 && told.curve.len() > POINTS / 2, "{}", told.curve.len());
    assert_eq!(figures("exit 0\n"), Figures::default());
}

/// Sizes that no machine has upset nothing.
#[test]
fn huge_sizes_do_not_overflow() {
    let most = u64::MAX;
    let told = figures(&format!(
        "os_malloc({most}) = HEAP+0xffffffffffff\n  brk(HEAP+0xffffffffffffff) = HEAP+0xfffffffffffffff\n\
         os_calloc({most}, {most}) = MAP1+0x10\n  mmap(NULL, {most}, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1\n\
         os_malloc({most}) = FOREIGN\nos_free(MAP1+0x10)\n  munmap(MAP1, {most}) = 0\nexit 0\n"
    ));
    assert_eq!((told.calls.total, told.peak_payload, told.leaked()), (4, most, most));
}
