//! The key: taken, wiped, and needed.

use crate::lab::{KEY, Lab, text};

/// The library's constructor and then the program print all that an environment can show; the program checks that the
/// kernel's auxiliary vector is still found behind the environment, as C libraries and language runtimes look for it.
const NOSY_LIBRARY: &str = r#"
    __attribute__((constructor)) static void look(void) {
        char *key = getenv("OSMEM_PROBE_KEY");
        dprintf(1, "[getenv] %s\n", key ? key : "none");
    }
"#;
const NOSY_PROGRAM: &str = r#"
    int main(void) {
        char block[4096];
        FILE *file = fopen("/proc/self/environ", "r");
        size_t length = fread(block, 1, sizeof block, file);
        dprintf(1, "[block] ");
        for (size_t i = 0; i < length; i++) if (block[i]) dprintf(1, "%c", block[i]);
        dprintf(1, "\n");
        char **variable = environ;
        for (; *variable; variable++) dprintf(1, "[variable] %s\n", *variable);
        unsigned long *auxiliary = (unsigned long *)(variable + 1);
        while (auxiliary[0] != AT_NULL && auxiliary[0] != AT_PAGESZ) auxiliary += 2;
        dprintf(1, "[page size] %s\n", auxiliary[1] == getauxval(AT_PAGESZ) ? "found" : "lost");
        return 0;
    }
"#;

#[test]
fn the_key_is_gone_before_any_other_code_looks() {
    let lab = Lab::new(NOSY_LIBRARY, NOSY_PROGRAM);
    let variable = format!("OSMEM_PROBE_KEY={KEY}");
    let key = variable.as_str();
    let cases: [(&[&str], &[&str]); 5] = [
        (&[key], &["A=1"]),
        (&["A=1", key], &["B=2"]),
        (&["A=1"], &["B=2", key]),
        (&["A=1"], &["OSMEM_PROBE_KEY=nonsense", "B=2"]),
        (&[key], &[]),
    ];
    for (before, behind) in cases {
        let output = lab.run_alone(before, behind);
        let said = text(&output.stdout);
        assert!(output.status.success());
        assert!(said.contains("[getenv] none\n"), "{said}");
        assert!(said.contains("[page size] found\n"), "{said}");
        assert!(said.contains("[variable] LD_PRELOAD="), "{said}");
        assert!(!said.contains("OSMEM_PROBE_KEY") && !said.contains(KEY) && !said.contains("nonsense"), "{said}");
        for other in before.iter().chain(behind).filter(|other| !other.starts_with("OSMEM_PROBE_KEY")) {
            assert!(said.contains(&format!("[variable] {other}\n")), "{other} is lost: {said}");
        }
    }
}

#[test]
#[ignore = "needs strace"]
fn without_a_proper_key_the_probe_only_forwards() {
    let lab = Lab::new(
        "",
        r#"int main(void) {
            char *p = os_calloc(2, 8);
            strcpy(p, "it works");
            dprintf(1, "%s", p);
            os_free(p);
            exit(9);
        }"#,
    );
    let keys = ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg", "0000000000000000"];
    let mut environments: Vec<Vec<String>> = keys.iter().map(|key| vec![format!("OSMEM_PROBE_KEY={key}")]).collect();
    environments.push(Vec::new());
    for environment in environments {
        let run = lab.trace_with(&environment.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(run.writes_nowhere(), 0, "{environment:?}");
        assert_eq!((run.stdout(), run.status()), ("it works", Some(9)), "{environment:?}");
    }
}
