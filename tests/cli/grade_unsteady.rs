//! `osmem grade` under both tracers, of libraries that do not do the same twice: wrong, and no matter of tracers.

use crate::grade::{Class, QUICK, changed, right};

/// Where a change of the right allocator begins.
const START: &str = "    if (size == 0)\n        return NULL;\n    struct";

#[test]
#[ignore = "needs strace"]
fn a_library_that_answers_at_random_is_wrong_under_both_tracers() {
    let class = Class::new();
    class.write("osmem.toml", QUICK.replace("programs = 0", "programs = 8\npoints = 5"));
    let drawn = |what: &str| {
        let draw = "    unsigned char drawn = 0;\n    syscall(SYS_getrandom, &drawn, 1, 0);\n    if (drawn & 1)\n";
        let source = changed((START, &format!("{draw}        {what};\n{START}")));
        format!("#define _GNU_SOURCE\n#include <stdlib.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n{source}")
    };
    let ways = [
        ("ends", "exit(0)"),
        ("gives-nothing", "return NULL"),
        ("lies", "return (void *)0x1000"),
        ("takes", "sbrk(4096)"),
    ];
    for (name, what) in ways {
        class.write(format!("class/{name}.c"), drawn(what));
    }
    let seldom = drawn("sbrk(4096)").replace("drawn & 1", "drawn < 40");
    class.write("class/seldom.c", seldom);
    let end = "\n__attribute__((destructor)) static void late(void)\n{\n    unsigned char drawn = 0;\n    \
               syscall(SYS_getrandom, &drawn, 1, 0);\n    if (drawn & 1)\n        _exit(drawn >> 1);\n}\n";
    class.write(
        "class/ends-late.c",
        format!("#define _GNU_SOURCE\n#include <sys/syscall.h>\n#include <unistd.h>\n{}{end}", right()),
    );
    class.graded(1, &["--batch", "class", "--out", "out", "--tracer", "both"]);
    let mut told = 0;
    for name in ways.map(|(name, _)| name).into_iter().chain(["seldom", "ends-late"]) {
        let record = class.record(&format!("out/{name}"));
        let outcome = record["outcome"].as_str().unwrap();
        // One that draws seldom may be lucky.
        let fits = matches!(outcome, "wrong" | "crash") || (name == "seldom" && outcome == "pass");
        assert!(fits, "{name}: {record:#}");
        told += usize::from(record.to_string().contains("does not do the same in two runs of one program"));
    }
    assert!(told > 0, "none is told");
}
