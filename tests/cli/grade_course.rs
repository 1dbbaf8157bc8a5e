//! `osmem grade` by a course file: its mistakes, hidden tests, points, days late, steps of style.

use std::fs;

use serde_json::json;

use crate::grade::{Class, QUICK, WRONG, changed, right};

#[test]
fn mistakes_are_named_with_file_and_line() {
    let class = Class::new();
    class.write("ann.c", right());
    for (course, expected) in [
        ("name = \"A\"\nsede = 1\n", "osmem.toml:2: "),
        ("[battery]\n\nhidden = [\"malloc-zreo\"]\n", "osmem.toml:3: battery.hidden: no test is named \"malloc-zreo\""),
        ("[battery]\npoints = { nothing = 3 }\n", "osmem.toml:2: battery.points: no test is named \"nothing\""),
        ("[limits]\ntest_seconds = 0\n", "osmem.toml:2: limits.test_seconds: "),
        ("[overlay]\nunder = \"nowhere\"\n", "osmem.toml:2: overlay.under: "),
        ("[build]\nlibrary = \"../libosmem.so\"\n", "osmem.toml:2: build.library: "),
        ("[battery\n", "osmem.toml:1: "),
    ] {
        class.write("osmem.toml", course);
        class.refused(2, &["ann.c", "--out", "out"], expected);
    }
    class.write("osmem.toml", "[battery]\ntests = [\"no-such-test\"]\n");
    class.refused(4, &["ann.c", "--out", "out"], "fits no-such-test");
    fs::remove_file(class.path("osmem.toml")).unwrap();
    class.refused(2, &["ann.c", "--out", "out"], "cannot read osmem.toml: ");
    class.write("osmem.toml", QUICK);
    class.write("late.csv", "name,days\nann,1\nann,2\n");
    class.refused(
        2,
        &["ann.c", "--out", "out", "--late", "late.csv"],
        "late.csv:3: name: \"ann\" stands in line 2 already",
    );
    class.write("late.csv", "ann,soon\n");
    class.refused(2, &["ann.c", "--out", "out", "--late", "late.csv"], "late.csv:1: days: must be a number");
}

#[test]
fn hidden_tests_are_shown_to_the_instructor_alone() {
    let class = Class::new();
    class.write("osmem.toml", QUICK.replace("[random]", "hidden = [\"malloc-prealloc-once\"]\n[random]"));
    class.write("ann.c", changed(WRONG));
    class.graded(1, &["ann.c", "--out", "out"]);
    let secrets = ["prealloc", "the first heap request moves the break", "rest of the preallocation", "0x20000"];
    for (path, bytes) in class.files("out") {
        let text = String::from_utf8(bytes).unwrap();
        let shown = !["out/ann/record.json", "results.jsonl", "summary.csv"].iter().any(|own| path.ends_with(own))
            && !path.ends_with("record.json");
        for secret in secrets.iter().filter(|_| shown) {
            assert!(!text.contains(secret), "{}: {secret}: {text}", path.display());
        }
        if shown {
            assert!(text.contains("hidden test 1"), "{}: {text}", path.display());
        }
    }
    let record = class.record("out/ann");
    assert_eq!(
        (&record["tests"][1]["name"], &record["tests"][1]["hidden"]),
        (&json!("malloc-prealloc-once"), &json!(true))
    );
    assert!(fs::read_to_string(class.path("out/ann/report.md")).unwrap().contains("malloc-zero"));
}

#[test]
fn students_are_told_as_much_as_the_course_says() {
    let class = Class::new();
    class.write("ann.c", changed(WRONG));
    let all = ["the first heap request moves the break", "rest of the preallocation", "0x20000"];
    for (report, told, untold) in [
        ("details = \"full\"", &all[..], &[][..]),
        ("details = \"cause\"", &["R4", "cause"][..], &all[1..]),
        ("details = \"outcome\"", &["malloc-prealloc-once", "wrong"][..], &all[..]),
        ("tests = { malloc-prealloc-once = \"outcome\" }", &["malloc-prealloc-once"][..], &all[..]),
    ] {
        class.write("osmem.toml", format!("{QUICK}\n[report]\n{report}\n"));
        class.graded(1, &["ann.c", "--out", "out", "--force"]);
        let page = fs::read_to_string(class.path("out/ann/report.md")).unwrap();
        for text in told {
            assert!(page.contains(text), "{report}: {text}: {page}");
        }
        for (path, bytes) in class.files("out") {
            let own = ["record.json", "results.jsonl", "summary.csv"].iter().any(|own| path.ends_with(own));
            let text = String::from_utf8(bytes).unwrap();
            for secret in untold.iter().filter(|_| !own) {
                assert!(!text.contains(secret), "{report}: {}: {secret}: {text}", path.display());
            }
            assert!(!own || text.contains("0x20000") || path.ends_with("summary.csv"), "{}: {text}", path.display());
        }
    }
    for (report, expected) in [
        ("details = \"some\"", "report.details: must be full, cause or outcome, is \"some\""),
        ("tests = { malloc-zreo = \"full\" }", "report.tests: no test is named \"malloc-zreo\""),
    ] {
        class.write("osmem.toml", format!("[report]\n{report}\n"));
        class.refused(2, &["ann.c", "--out", "out2"], &format!("osmem.toml:2: {expected}"));
    }
}

#[test]
fn memory_and_speed_give_points_beside_our_own_library() {
    let class = Class::new();
    let bands = "utilisation = [{ at_least = 0.99, points = 4 }, { at_least = 0.001, points = 1 }]\n\
                 throughput = [{ at_least = 0.0001, points = 2 }]\n";
    class.write("lab.rep", "4096\n2\n5\n1\na 0 100\na 1 5000\nr 0 300\nf 1\nf 0\n");
    class.write("osmem.toml", format!("{QUICK}\n[performance]\nscript = \"lab.rep\"\n{bands}"));
    class.write("class/right.c", right());
    // A block takes the whole preallocation, and the next one more.
    class.write("class/wasteful.c", changed(WRONG));
    class.graded(1, &["--batch", "class", "--out", "out"]);
    let figures = |name: &str| -> Vec<(String, String, f64)> {
        let record = class.record(&format!("out/{name}"));
        let tests = record["tests"].as_array().unwrap().clone();
        let told = |test: &serde_json::Value| {
            let text = |key: &str| test[key].as_str().unwrap().to_owned();
            (text("name"), text("outcome"), test["earned"].as_f64().unwrap())
        };
        tests.iter().filter(|test| test["kind"] == "performance").map(told).collect()
    };
    let test = |name: &str, outcome: &str, earned: f64| (name.to_owned(), outcome.to_owned(), earned);
    assert_eq!(figures("right"), [test("utilisation", "pass", 4.0), test("throughput", "pass", 2.0)]);
    assert_eq!(figures("wasteful")[0], test("utilisation", "wrong", 1.0));
    let page = fs::read_to_string(class.path("out/wasteful/report.md")).unwrap();
    assert!(page.contains("of our own library's utilisation"), "{page}");
    // A library that loses contents gets nothing for being quick.
    class.write(
        "lossy.c",
        changed(("    memcpy(payload(new), payload(b), b->size < n ? b->size : n);", "    (void)memcpy;")),
    );
    class.graded(1, &["lossy.c", "--out", "out2"]);
    let record = class.record("out2/lossy");
    let lossy: Vec<_> =
        record["tests"].as_array().unwrap().iter().filter(|test| test["kind"] == "performance").collect();
    assert!(lossy.iter().all(|test| test["earned"] == 0.0 && test["outcome"] == "wrong"), "{lossy:?}");
    // Without the table nothing is measured.
    class.write("osmem.toml", QUICK);
    class.graded(0, &["class/right.c", "--out", "out4"]);
    assert!(!fs::read_to_string(class.path("out4/right/record.json")).unwrap().contains("performance"));
    class.write("osmem.toml", format!("{QUICK}\n[performance]\nscript = \"no.rep\"\n{bands}"));
    class.refused(2, &["class/right.c", "--out", "out3"], "osmem.toml:");
}

#[test]
fn a_mistake_is_drawn_in_the_reports() {
    let class = Class::new();
    class.write("osmem.toml", QUICK.replace("\"malloc-prealloc-once\"]", "\"malloc-prealloc-once\", \"best-fit\"]"));
    class.write("ann.c", changed(crate::bench::FIRST_FIT));
    class.graded(1, &["ann.c", "--out", "out"]);
    let record = class.record("out/ann");
    let mistake = &record["mistakes"][0];
    assert_eq!(mistake["cause"], "first-fit", "{record:#}");
    assert!(mistake["picture"]["wrong"]["rule"].as_str().unwrap().starts_with("R5"), "{mistake:#}");
    let page = fs::read_to_string(class.path("out/ann/report.html")).unwrap();
    let (drawing, grid) = (page.find("<svg ").unwrap(), page.find("<h2>Tests</h2>").unwrap());
    assert!(drawing < grid && grid < page.find("<details>").unwrap(), "{page}");
    let page = fs::read_to_string(class.path("out/ann/report.md")).unwrap();
    assert!(page.contains("](mistake-1.svg)"), "{page}");
    assert!(fs::read_to_string(class.path("out/ann/mistake-1.svg")).unwrap().starts_with("<svg "));
    // A drawing of an earlier result does not stay.
    class.write("ann.c", right());
    class.graded(0, &["ann.c", "--out", "out", "--force"]);
    assert!(!class.path("out/ann/mistake-1.svg").exists());
    assert!(class.record("out/ann").get("mistakes").is_none());
}

#[test]
fn points_total_and_days_late() {
    let class = Class::new();
    let points = "points = { malloc-zero = 4, malloc-prealloc-once = 1 }\ntotal = 90\n[random]";
    class.write(
        "osmem.toml",
        format!(
            "{}points = 10\n[late]\nper_day = 10\nmost = 25\n",
            QUICK.replace("points = { malloc-zero = 1, malloc-prealloc-once = 2 }\n[random]", points)
        )
        .replace("programs = 0", "programs = 5\nsteps = 60"),
    );
    class.write("late.csv", "name,days\nbob,0.5\ncid,2\ndan,9\n");
    for name in ["ann", "bob", "cid", "dan"] {
        class.write(format!("class/{name}.c"), right());
    }
    class.graded(0, &["--batch", "class", "--out", "out", "--late", "late.csv"]);
    for (name, earned, penalty) in [("ann", 100.0, 0.0), ("bob", 90.0, 10.0), ("cid", 80.0, 20.0), ("dan", 75.0, 25.0)]
    {
        let expected = json!({ "earned": earned, "points": 100.0, "penalty": penalty });
        assert_eq!(class.record(&format!("out/{name}"))["score"], expected, "{name}");
    }
    let worth: Vec<_> =
        class.record("out/ann")["tests"].as_array().unwrap().iter().map(|test| test["points"].clone()).collect();
    assert_eq!(worth, [72.0, 18.0, 10.0]);
    let summary = fs::read_to_string(class.path("out/summary.csv")).unwrap();
    assert!(summary.contains("\nbob,pass,90,100,10,3,3,"), "{summary}");
}

/// A style step that counts the compiler's warnings.
const WARNINGS: &str = "
[[style]]
name = \"warnings\"
warnings = true
points = 5
bands = [{ at_most = 0, points = 5 }, { at_most = 2, points = 3 }]
";

#[test]
fn style_is_counted_in_bands() {
    let class = Class::new();
    let style = "
[[style]]
name = \"no tabs\"
command = \"grep -n '\tint' *.c\"
points = 4
bands = [{ at_most = 0, points = 4 }, { at_most = 1, points = 1 }]
";
    class.write("osmem.toml", format!("{QUICK}{WARNINGS}{style}"));
    let with = |text: &str| format!("{}\n{text}", right());
    let unused = |number: usize| format!("static void unused{number}(void) {{ }}\n");
    class.write("class/clean.c", right());
    class.write("class/few.c", with(&format!("{}{}", unused(1), "void tabs(void)\n{\n\tint x = 0; (void)x;\n}\n")));
    class.write("class/many.c", with(&[1, 2, 3].map(unused).concat()));
    class.graded(1, &["--batch", "class", "--out", "out"]);
    for (name, outcome, warnings, tabs) in
        [("clean", "pass", 5.0, 4.0), ("few", "wrong", 3.0, 1.0), ("many", "wrong", 0.0, 4.0)]
    {
        let record = class.record(&format!("out/{name}"));
        let steps = &record["tests"].as_array().unwrap()[2..];
        assert_eq!((&steps[0]["name"], &steps[0]["kind"]), (&json!("warnings"), &json!("style")), "{name}");
        assert_eq!((&steps[0]["earned"], &steps[1]["earned"]), (&json!(warnings), &json!(tabs)), "{record:#}");
        assert_eq!(
            record["score"],
            json!({ "earned": 3.0 + warnings + tabs, "points": 12.0, "penalty": 0.0 }),
            "{name}"
        );
        assert_eq!(record["outcome"], outcome, "{name}");
    }
    assert_eq!(class.record("out/many")["tests"][2]["reason"], "3 warnings of the compiler");
}

#[test]
fn style_is_counted_in_what_was_handed_in() {
    let class = Class::new();
    let style = "
[[style]]
name = \"unused\"
command = \"grep -rn unused .\"
points = 4
bands = [{ at_most = 0, points = 4 }]
";
    class.write("osmem.toml", format!("{QUICK}{WARNINGS}{style}"));
    let warned = format!("{}\n{}", right(), [1, 2, 3].map(|n| format!("static void unused{n}(void) {{ }}\n")).concat());
    let compile = "\tcc -shared -fPIC -w -O1 -o libosmem.so $(SOURCE) -lpthread\n";
    // One writes over its source, one removes it, one keeps it elsewhere.
    for (name, file, makefile) in [
        ("over", "osmem.c", format!("SOURCE = osmem.c\nall:\n{compile}\techo 'int clean;' > osmem.c\n")),
        ("gone", "osmem.c", format!("SOURCE = osmem.c\nall:\n{compile}\trm osmem.c\n")),
        ("elsewhere", "deep/er/osmem.c", format!("SOURCE = deep/er/osmem.c\nall:\n{compile}")),
    ] {
        class.write(format!("class/{name}/{file}"), &warned);
        class.write(format!("class/{name}/Makefile"), makefile);
    }
    class.write("class/skipped/osmem.c", right());
    class.write("class/skipped/tests/mine.c", &warned);
    class.graded(1, &["--batch", "class", "--out", "out"]);
    for (name, warnings, unused) in
        [("over", 0.0, 0.0), ("gone", 0.0, 0.0), ("elsewhere", 0.0, 0.0), ("skipped", 5.0, 0.0)]
    {
        let record = class.record(&format!("out/{name}"));
        let steps = &record["tests"].as_array().unwrap()[2..];
        assert_eq!(
            (&steps[0]["earned"], &steps[1]["earned"]),
            (&json!(warnings), &json!(unused)),
            "{name}: {record:#}"
        );
    }
    class.write(
        "osmem.toml",
        format!("{QUICK}{}", WARNINGS.replace("warnings = true", "warnings = true\nskip = [\"/etc\"]")),
    );
    class.refused(2, &["class/over", "--out", "none"], "must be folders below the submission's");
}

#[test]
fn the_course_builds_and_overlays() {
    let class = Class::new();
    let build = "[build]\ncommand = \"cc -shared -fPIC -O1 -o out.so src/osmem.c fixed.c\"\nlibrary = \"out.so\"\n";
    class.write("osmem.toml", format!("files = [\"src/*.c\"]\n{build}[overlay]\nover = \"over\"\n{QUICK}"));
    class.write("over/fixed.c", "int fixed;\n");
    class
        .write("class/ann/src/osmem.c", format!("{}\nextern int fixed; int *it(void) {{ return &fixed; }}\n", right()));
    class.write("class/ann/fixed.c", "#error mine\n");
    class.write("class/ann/Makefile", "all:\n\tfalse\n");
    class.graded(0, &["--batch", "class", "--out", "out"]);
    let record = class.record("out/ann");
    assert_eq!(record["build"]["kind"], "course");
    let notes = record["notes"].to_string();
    assert!(notes.contains("the course does not take: ") && notes.contains("Makefile"), "{notes}");
    // Without a course file the whole of it is taken, and everything is run.
    assert!(record["course"] == "", "{record:#}");
}
