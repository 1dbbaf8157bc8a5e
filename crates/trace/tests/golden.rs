//! Fixtures on disk.

mod values;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use osmem_trace::golden::{self, GoldenError};
use proptest::prelude::*;

#[test]
fn a_fixture_that_is_missing_or_broken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = golden::path(folder.path(), "split");
    assert_eq!(path, folder.path().join("split.trace"));
    let missing = golden::read(&path).unwrap_err();
    assert!(matches!(missing, GoldenError::Missing { .. }), "{missing}");
    assert!(missing.to_string().contains("split.trace"));

    fs::write(&path, "").unwrap();
    let empty = golden::read(&path).unwrap_err().to_string();
    assert!(empty.contains("split.trace: line 1: the text stops without an end line"), "{empty}");

    fs::write(&path, "# a\nos_malloc(1) = 5\nexit 0\n").unwrap();
    let nonsense = golden::read(&path).unwrap_err().to_string();
    assert!(nonsense.contains("split.trace: line 2: `os_malloc(1) = 5` is no line of a trace"), "{nonsense}");

    fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(golden::read(&path), Err(GoldenError::Io { .. })));
}

#[test]
fn names_are_sorted_and_only_of_fixtures() {
    let folder = tempfile::tempdir().unwrap();
    assert!(golden::names(&folder.path().join("nowhere")).unwrap().is_empty());
    for name in ["b.trace", "a.trace", "c.txt", ".bless-x"] {
        fs::write(folder.path().join(name), "exit 0\n").unwrap();
    }
    assert_eq!(golden::names(folder.path()).unwrap(), ["a", "b"]);
    assert!(golden::names(&folder.path().join("c.txt")).is_err());
}

#[test]
fn writing_makes_the_folder_and_leaves_nothing_beside() {
    let folder = tempfile::tempdir().unwrap();
    let traces = folder.path().join("deep/traces");
    let path = golden::path(&traces, "x");
    let trace = "os_free(NULL)\nexit 0\n".parse().unwrap();
    golden::write(&path, "x: first\nline", &trace).unwrap();
    golden::write(&path, "x: second\nline", &trace).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "# x: second line\nos_free(NULL)\nexit 0\n");
    assert_eq!(fs::read_dir(&traces).unwrap().count(), 1);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/x.trace");
    let error = golden::write(&path, "", &"exit 0\n".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("file/x.trace"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_fixture_comes_back(trace in values::trace(), comment in any::<String>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = golden::path(folder.path(), "any");
        golden::write(&path, &comment, &trace).unwrap();
        prop_assert_eq!(golden::read(&path).unwrap(), trace);
    }
}
