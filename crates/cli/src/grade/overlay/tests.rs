//! The files are compiled as submissions use them, and printf is held against the C library's.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::*;

const FUNCTIONS: &str = "
void *os_malloc(size_t size) { (void)size; return NULL; }
void *os_calloc(size_t nmemb, size_t size) { (void)nmemb; (void)size; return NULL; }
void *os_realloc(void *ptr, size_t size) { (void)ptr; (void)size; return NULL; }
void os_free(void *ptr) { (void)ptr; }
";

/// A folder with the overlay below what a submission brings.
fn laid_under(submission: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = submission.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes()));
    for (path, bytes) in own.chain(files()) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !path.exists() {
            fs::write(path, bytes).unwrap();
        }
    }
    folder
}

fn run(folder: &Path, program: &str, arguments: &str) -> (bool, String) {
    let output = Command::new(program).current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
    let both = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&both).into_owned())
}

/// Compiles as the grader does, but that a warning is an error and every symbol must be there; gives what the library needs.
fn builds(folder: &Path, sources: &str) -> String {
    for optimise in ["-O0", "-O1", "-O2 -D_FORTIFY_SOURCE=2"] {
        let line = format!(
            "-shared -fPIC {optimise} -g -std=gnu11 -Wall -Wextra -Werror -Wl,-z,defs -I. -Isrc -Iinclude -Iutils -o libosmem.so {sources}"
        );
        let (built, said) = run(folder, "cc", &line);
        assert!(built && said.is_empty(), "{line}\n{said}");
    }
    let (listed, symbols) = run(folder, "nm", "-D libosmem.so");
    assert!(listed, "{symbols}");
    symbols
}

/// Whether the library needs this from elsewhere.
fn needs(symbols: &str, name: &str) -> bool {
    symbols
        .lines()
        .any(|line| line.trim_start().strip_prefix("U ").is_some_and(|symbol| symbol.split('@').next() == Some(name)))
}

#[test]
fn every_file_of_the_folder_is_shipped() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("overlay/utils");
    let mut there: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| Path::new("utils").join(entry.unwrap().file_name())).collect();
    there.sort();
    assert_eq!(files().into_iter().map(|(path, _)| path).collect::<Vec<_>>(), there);
}

#[test]
fn submissions_that_include_course_headers_build_without_them() {
    let uses = "\nvoid say(void *p) { printf(\"%p %d\\n\", p, STATUS_FREE); DIE(p == (void *)-1, \"sbrk\"); }\n";
    let cases = [
        (
            "src/osmem.c",
            "#include \"../utils/osmem.h\"\n#include \"../utils/block_meta.h\"\n#include \"../utils/printf.h\"\n",
        ),
        (
            "src/osmem.c",
            "#include \"osmem.h\"\n#include \"block_meta.h\"\n#include \"../utils/printf.h\"\n#include <stdio.h>\n",
        ),
        ("src/osmem.c", "#include <stdio.h>\n#include <block_meta.h>\n#include <osmem.h>\n"),
        ("osmem.c", "#include \"utils/osmem.h\"\n#include \"utils/block_meta.h\"\n"),
        // The sources alone, out of the folder that lay beside utils/.
        (
            "osmem.c",
            "#include \"../utils/osmem.h\"\n#include \"../utils/block_meta.h\"\n#include \"../utils/printf.h\"\n",
        ),
        ("osmem.c", "#include \"osmem.h\"\n#include \"block_meta.h\"\n#include \"printf.h\"\n"),
    ];
    for (path, includes) in cases {
        let folder = laid_under(&[(path, &format!("{includes}{FUNCTIONS}{uses}"))]);
        let symbols = builds(folder.path(), &format!("{path} utils/printf.c"));
        for name in
            ["malloc", "calloc", "realloc", "free", "printf", "snprintf", "vsnprintf", "puts", "fwrite", "perror"]
        {
            assert!(!needs(&symbols, name), "{path} needs {name}:\n{symbols}");
        }
        assert!(needs(&symbols, "write"), "{symbols}");
    }
}

#[test]
fn what_a_submission_brings_counts() {
    let own = "#include <stddef.h>\nstruct block_meta { size_t size; int free; void *next; };\n\
               _Static_assert(sizeof(struct block_meta) == 24, \"the own one\");\n";
    let inside = format!("#include \"../utils/osmem.h\"\n#include \"../utils/printf.h\"\n{own}{FUNCTIONS}");
    builds(laid_under(&[("src/osmem.c", &inside)]).path(), "src/osmem.c utils/printf.c");
    let include = format!("#include \"block_meta.h\"\n{FUNCTIONS}size_t n = sizeof(struct block_meta);\n");
    for place in ["block_meta.h", "src/block_meta.h", "include/block_meta.h", "utils/block_meta.h"] {
        let folder = laid_under(&[
            ("src/osmem.c", &format!("{include}_Static_assert(sizeof(struct block_meta) == 24, \"\");")),
            (place, own),
        ]);
        builds(folder.path(), "src/osmem.c utils/printf.c");
    }
    // Its own printf under our names.
    let printf = "#include \"printf.h\"\nint printf_(const char *format, ...) { (void)format; return 7; }\n";
    let folder = laid_under(&[("osmem.c", &format!("#include \"osmem.h\"\n{FUNCTIONS}")), ("printf.c", printf)]);
    builds(folder.path(), "osmem.c printf.c utils/printf.c");
}

#[test]
fn block_meta_needs_no_other_source() {
    let main = "#include \"utils/block_meta.h\"\n\
                _Static_assert(sizeof(struct block_meta) == 32 && STATUS_FREE == 0 && STATUS_ALLOC == 1 && STATUS_MAPPED == 2, \"\");\n\
                int main(void) { errno = ENOMEM; DIE(0, \"never\"); if (errno) DIE(1, \"sbrk\"); else errno = 0; return 0; }\n";
    let folder = laid_under(&[("main.c", main)]);
    let (built, said) = run(folder.path(), "cc", "-Wall -Wextra -Werror -o main main.c");
    assert!(built, "{said}");
    let output = Command::new(folder.path().join("main")).output().unwrap();
    assert_eq!(output.status.code(), Some(12));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "main.c:3: sbrk: errno 12\n");
}

/// Formats with their arguments, as C; the C library says what is right.
const FORMATS: &str = r#"
"" @ "plain" @ "%%" @ "100%%!" @ "%d", 0 @ "%d", 42 @ "%i", -42 @ "%d", INT_MIN @ "%d", INT_MAX @ "%5d|", 42 @ "%-5d|", 42
"%05d", 42 @ "%05d", -42 @ "%-05d|", 42 @ "%+d", 42 @ "% d", 42 @ "%+d", -1 @ "%.3d", 5 @ "%8.3d|", -5 @ "%-8.3d|", 5
"%08.3d|", 5 @ "%.0d|", 0 @ "%.d|", 0 @ "%2d", 12345 @ "%u", 0u @ "%u", UINT_MAX @ "%10u|", 7u @ "%-10u|", 7u @ "%010u", 7u
"%x", 0u @ "%x", 0xdeadbeefu @ "%X", 0xdeadbeefu @ "%08x", 0xbeefu @ "%#x", 255u @ "%#X", 255u @ "%#x", 0u @ "%#010x", 255u
"%o", 0u @ "%o", 8u @ "%#o", 8u @ "%#o", 0u @ "%#.0o", 0u @ "%c", 'a' @ "%3c|", 'a' @ "%-3c|", 'a' @ "%s", "" @ "%s", "text"
"%10s|", "text" @ "%-10s|", "text" @ "%.2s|", "text" @ "%10.2s|", "text" @ "%-10.2s|", "text" @ "%.0s|", "text" @ "%2s", "text"
"%.9s|", "text" @ "%*d|", 6, 42 @ "%*d|", -6, 42 @ "%.*s|", 3, "text" @ "%.*s|", -3, "text" @ "%-*.*s|", 8, 2, "text"
"%ld", LONG_MIN @ "%ld", LONG_MAX @ "%lu", ULONG_MAX @ "%lld", LLONG_MIN @ "%llu", ULLONG_MAX @ "%lx", ULONG_MAX @ "%lX", 10ul
"%lo", ULONG_MAX @ "%zu", (size_t)131072 @ "%zu", SIZE_MAX @ "%zx", SIZE_MAX @ "%zd", (ssize_t)-1 @ "%20zu|", (size_t)1
"%-20llu|", 1ull @ "%020lld", -1ll @ "%hd", (short)-3 @ "%hhu", (unsigned char)200 @ "%hhd", (signed char)-100 @ "%jd", INTMAX_MIN
"%td", (ptrdiff_t)-9 @ "%p", (void *)0x7f00dead @ "%20p|", (void *)0x10 @ "%-20p|", (void *)0x10 @ "%d %s %c %u", 1, "two", '3', 4u
"%s=%p, %zu bytes at %#lx\n", "block", (void *)main, sizeof(int), 0xfful @ "%-1d%01d% d", 1, 2, 3
"#;

#[test]
fn printf_agrees_with_the_c_library() {
    let checks: String =
        FORMATS.trim().split(['@', '\n']).map(|format| format!("    SAME({});\n", format.trim())).collect();
    assert!(checks.lines().count() > 80, "{}", checks.lines().count());
    let main = format!(
        r#"
#include "utils/printf.h"
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#undef snprintf
#define SAME(...) same(__LINE__, snprintf(right, sizeof right, __VA_ARGS__), right, snprintf_(ours, sizeof ours, __VA_ARGS__), ours)
static int wrong;
static void same(int line, int a, const char *right, int b, const char *ours)
{{
    if (a == b && !strcmp(right, ours)) return;
    printf_("line %d: %d \"%s\" must be %d \"%s\"\n", line, b, ours, a, right);
    wrong = 1;
}}
int main(void)
{{
    char right[200], ours[200];
{checks}
    return wrong;
}}
"#
    );
    let folder = laid_under(&[("main.c", &main)]);
    let (built, said) =
        run(folder.path(), "cc", "-w -fsanitize=undefined -fno-sanitize-recover -o main main.c utils/printf.c");
    assert!(built, "{said}");
    assert_eq!(run(folder.path(), "./main", ""), (true, String::new()));
}

#[test]
fn printf_writes_at_once_and_cuts_where_it_must() {
    let main = r#"
#include "utils/printf.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    char text[8] = "xxxxxxx";
    errno = 77;
    if (snprintf(text, 4, "%d", 123456) != 6 || strcmp(text, "123") || text[4] != 'x') return 1;
    if (snprintf(text, 1, "%d", 123456) != 6 || text[0]) return 2;
    if (snprintf(NULL, 0, "%s", "four") != 4) return 3;
    if (sprintf(text, "%s", "four") != 4 || strcmp(text, "four")) return 4;
    if (printf("%600d|%s|%f|%q|%", 1, (char *)NULL) != 600 + 1 + 6 + 8) return 5;
    if (printf("\n") != 1 || errno != 77) return 6;
    close(1);
    printf("nobody hears this %s", text);
    if (errno != 77) return 7;
    _exit(0);
}
"#;
    let folder = laid_under(&[("main.c", main)]);
    let (built, said) =
        run(folder.path(), "cc", "-w -fsanitize=undefined -fno-sanitize-recover -o main main.c utils/printf.c");
    assert!(built, "{said}");
    let (ended, said) = run(folder.path(), "./main", "");
    assert!(ended, "{said}");
    assert_eq!(said, format!("{}1|(null)|%f|%q|%\n", " ".repeat(599)));
}
