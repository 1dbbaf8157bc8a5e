use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::grade::record::Details;

fn parse(text: &str) -> Result<Course, CourseError> {
    file::parse(Path::new("osmem.toml"), text)
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_the_default_but_for_its_digest() {
    let (empty, default) = (parse("").unwrap(), Course::default());
    assert_eq!((empty.seed, empty.limits, empty.late), (1, default.limits, default.late));
    assert_eq!((empty.random, &empty.battery), (default.random, &default.battery));
    assert!(empty.files.is_none() && empty.style.is_empty() && empty.name.is_empty());
    assert_ne!(empty.digest, default.digest);
    assert_eq!(empty.digest.len(), 64);
}

#[test]
fn everything_can_be_set() {
    let course = parse(
        r#"
name = "OS 2024"
seed = 7
files = ["*.c", "src/**"]
[build]
command = "make lib"
library = "./build/liballoc.so"
[battery]
profile = "all"
tests = ["R6"]
hidden = ["best-fit"]
points = { best-fit = 2.5, split = 3 }
total = 90
[random]
programs = 0
points = 10
hidden = false
profile = "strict"
[performance]
utilisation = [{ at_least = 0.9, points = 10 }, { at_least = 0.5, points = 4 }]
throughput = [{ at_least = 0.25, points = 2 }]
[report]
details = "cause"
tests = { split = "outcome", random-programs = "full", lint = "outcome" }
[limits]
test_seconds = 9
[late]
per_day = 20
most = 60.5
[[style]]
name = "warnings"
warnings = true
points = 5
bands = [{ at_most = 0, points = 5 }, { at_most = 5, points = 3 }]
[[style]]
name = "lint"
command = "lint *.c"
points = 2
bands = [{ at_most = 3, points = 2 }]
"#,
    )
    .unwrap();
    assert_eq!(course.build.library.as_deref(), Some(Path::new("build/liballoc.so")));
    assert_eq!(course.battery.points["split"], 3.0);
    let told = ["best-fit", "split", RANDOM].map(|name| course.report.of(name));
    assert_eq!(told, [Details::Cause, Details::Outcome, Details::Full]);
    let told = ["warnings", "lint"].map(|name| course.report.of_style(name));
    assert_eq!(told, [Details::Full, Details::Outcome]);
    let plan = course.performance.as_ref().unwrap();
    assert_eq!((plan.points(), plan.script.is_none(), plan.throughput.len()), (12.0, true, 1));
    let worth = [0.95, 0.9, 0.5, 0.1].map(|part| performance::earned(&plan.utilisation, part));
    assert_eq!(worth, [10.0, 10.0, 4.0, 0.0]);
    let files = course.files.as_ref().unwrap();
    assert!(files.is_match("a.c") && files.is_match("src/x/y.h") && !files.is_match("x/a.c"));
    let earned: Vec<f64> = [0, 1, 5, 6].iter().map(|count| course.style[0].earned(*count)).collect();
    assert_eq!(earned, [5.0, 3.0, 3.0, 0.0]);
    let late: Vec<f64> = [-1.0, 0.0, 0.01, 1.0, 2.5, 9.0].iter().map(|days| course.late.late(*days)).collect();
    assert_eq!(late, [0.0, 0.0, 20.0, 20.0, 60.0, 60.5]);
    assert!(course.require_tests(|name| name == "best-fit" || name == "split").is_ok());
    let unknown = course.require_tests(|name| name == "split").unwrap_err().to_string();
    assert!(unknown.starts_with("osmem.toml:11: battery.hidden: no test is named \"best-fit\""), "{unknown}");
}

#[test]
fn mistakes_name_file_line_and_key() {
    let cases = [
        ("nmae = \"x\"", "osmem.toml:1: nmae: unknown field `nmae`"),
        ("[report]\ndetails = \"all\"", "osmem.toml:2: report.details: must be full, cause or outcome, is \"all\""),
        ("[report]\ntests = { a = \"x\" }", "osmem.toml:2: report.tests.a: must be full, cause or outcome"),
        ("[performance]\n", "osmem.toml:1: performance: gives no points"),
        ("[performance]\nscript = \"no.rep\"", "osmem.toml:2: performance.script: no.rep is no file"),
        (
            "[performance]\nutilisation = [{ at_least = 0.5, points = 1 }, { at_least = 0.9, points = 5 }]",
            "osmem.toml:2: performance.utilisation: at_least and points must fall",
        ),
        (
            "[performance]\nthroughput = [{ at_least = nan, points = 1 }]",
            "osmem.toml:2: performance.throughput: at_least must be a number from 0 to 100, is NaN",
        ),
        ("[report]\nhidden = true", "osmem.toml:2: report.hidden: unknown field `hidden`"),
        ("name = 3", "osmem.toml:1: name: invalid type: integer `3`, expected a string"),
        ("name = \" \"", "osmem.toml:1: name: must be one line"),
        ("seed = -1", "osmem.toml:1: seed: must be a whole number from 0"),
        (
            "[limits]\ntest_seconds = 0",
            "osmem.toml:2: limits.test_seconds: must be a whole number from 1 to 3600, is 0",
        ),
        ("[limits]\ntest_seconds = \"5\"", "osmem.toml:2: limits.test_seconds: invalid type: string \"5\""),
        ("[limits]\ntest_seconds = 1.5", "osmem.toml:2: limits.test_seconds: invalid type: floating point"),
        ("[limits]\ntest_second = 5", "osmem.toml:2: limits.test_second: unknown field `test_second`"),
        ("[limits]\ntest_seconds = 301", "limits.test_seconds: 301 is more than limits.total_seconds, 300"),
        ("[limits]\nmemory_mib = 99999999", "osmem.toml:2: limits.memory_mib: must be"),
        ("[limit]", "osmem.toml:1: unknown field `limit`"),
        ("[build]\nlibrary = \"../x.so\"", "osmem.toml:2: build.library: must be the path of a file below"),
        ("[build]\nlibrary = \"/x.so\"", "build.library: must"),
        ("[build]\nlibrary = \"\"", "build.library: must"),
        ("[build]\ncommand = \"\"", "osmem.toml:2: build.command: must be a shell command"),
        ("files = [\"*.c\",\n\"[\"]", "osmem.toml:2: files: \"[\": "),
        ("files = [\"../*.c\"]", "osmem.toml:1: files: \"../*.c\" can match no file"),
        (
            "[battery]\nprofile = \"hard\"",
            "osmem.toml:2: battery.profile: must be basic, core, strict, robust or all, is \"hard\"",
        ),
        ("[battery]\nhidden = [\"a\", \"a\"]", "osmem.toml:2: battery.hidden: names \"a\" twice"),
        ("[battery]\npoints = { a = -1 }", "osmem.toml:2: battery.points.a: must be a number from 0"),
        ("[battery]\npoints = { a = nan }", "battery.points.a: must be a number from 0 to 100000, is NaN"),
        ("[battery]\ntotal = 0", "osmem.toml:2: battery.total: must be more than 0"),
        ("[battery]\ntotal = inf", "battery.total: must be a number"),
        ("[random]\nprograms = 100001", "osmem.toml:2: random.programs: must be a whole number from 0 to 100000"),
        ("[random]\nprofile = \"all\"", "osmem.toml:2: random.profile: unknown variant `all`"),
        ("[late]\nper_day = 101", "osmem.toml:2: late.per_day: must be a number from 0 to 100, is 101"),
        ("[[style]]\nname = \"a\"\npoints = 1", "missing field `bands`"),
        ("[[style]]\nname = \"a\"\npoints = 1\nbands = []", "osmem.toml:2: style \"a\": command: is missing"),
        (
            "[[style]]\nname = \"a\"\nwarnings = true\npoints = 1\nbands = []",
            "osmem.toml:5: style \"a\": bands: must hold at least one",
        ),
        (
            "[[style]]\nname = \"a\"\nwarnings = true\npoints = 1\nbands = [{ at_most = 0, points = 2 }]",
            "osmem.toml:5: style \"a\": bands: points must be a number from 0 to the step's 1, is 2",
        ),
        (
            "[[style]]\nname = \"a\"\nwarnings = true\npoints = 1\nbands = [{at_most=1,points=1},{at_most=1,points=0}]",
            "at_most must grow from band to band",
        ),
        ("[overlay]\nover = \"no-such\"", "osmem.toml:2: overlay.over: cannot read no-such: No such file"),
        ("name = \"x", "osmem.toml:1: name: "),
    ];
    for (text, expected) in cases {
        let message = error(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn overlays_are_read_with_the_file_and_count_in_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("osmem.toml");
    fs::write(&path, "[overlay]\nover = \"over\"\n").unwrap();
    fs::create_dir_all(folder.path().join("over/src")).unwrap();
    fs::write(folder.path().join("over/src/Makefile"), "all:\n").unwrap();
    let first = Course::load(&path).unwrap();
    assert_eq!(first.over.files[0].path, Path::new("src/Makefile"));
    fs::write(folder.path().join("over/src/Makefile"), "all: \n").unwrap();
    assert_ne!(Course::load(&path).unwrap().digest, first.digest);

    symlink("/etc/passwd", folder.path().join("over/link")).unwrap();
    let message = Course::load(&path).unwrap_err().to_string();
    assert!(message.contains("osmem.toml:2: overlay.over: ") && message.contains("neither a file nor a folder"));
    fs::write(&path, "[overlay]\nover = \"osmem.toml\"\n").unwrap();
    assert!(Course::load(&path).unwrap_err().to_string().contains("is not a folder"));
    assert!(Course::load(folder.path()).unwrap_err().to_string().contains("is not a file"));
    assert!(Course::load(&folder.path().join("none")).unwrap_err().to_string().contains("cannot read"));
}

#[test]
fn the_list_of_the_late_is_read_and_its_mistakes_are_named() {
    let parse = |text: &[u8]| late::parse(Path::new("late.csv"), text);
    let good = parse(b"\xef\xbb\xbfName,Days\r\nalice, 1.5\r\n\"b,ob\",2\r\n").unwrap();
    assert_eq!(good.into_iter().collect::<Vec<_>>(), [("alice".to_owned(), 1.5), ("b,ob".to_owned(), 2.0)]);
    assert!(parse(b"").unwrap().is_empty());
    let cases: [(&[u8], &str); 9] = [
        (b"a,1\na,2\n", "late.csv:2: name: \"a\" stands in line 1 already"),
        (b"name,days\na,x\n", "late.csv:2: days: must be a number from 0 to 3650, such as 1.5, is \"x\""),
        (b"a,-1\n", "late.csv:1: days:"),
        (b"a,nan\n", "late.csv:1: days:"),
        (b"a,inf\n", "late.csv:1: days:"),
        (b"a;1\n", "late.csv:1: must be a name and the days"),
        (b"a,1\n\nb,1,2\n", "late.csv:3: must be a name and the days"),
        (b",1\n", "late.csv:1: name: must not be empty"),
        (b"a,1\n\xff,1\n", "late.csv:2: is not UTF-8"),
    ];
    for (text, expected) in cases {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}
