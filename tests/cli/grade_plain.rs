//! `osmem grade` as a plain user, to whom all files of the class belong: no submission harms another, and none is
//! an infra-error of its own making.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::bench::SURROUNDINGS;
use crate::grade::{Class, QUICK, right};
use crate::support::built;

/// Whom all belongs to, where root runs the tests.
const PLAIN: &str = "65534";
/// Both tiers.
const TIERS: [&str; 2] = ["namespaces", "landlock"];
/// How a makefile builds the library.
const BUILD: &str = "cc -std=gnu11 -O1 -fPIC -shared -o libosmem.so osmem.c";

/// A class of a plain user's, and the command where such a user finds it.
struct Plain {
    class: Class,
    command: TempDir,
}

impl Plain {
    fn new() -> Self {
        let command = tempfile::Builder::new().prefix("osmem-plain-").tempdir().unwrap();
        let built = built();
        let entries = fs::read_dir(&built.dir).unwrap().map(|entry| entry.unwrap());
        let runs = |path: &Path| path.extension().is_none_or(|ending| ending == "so");
        let parts = entries.filter(|it| it.file_type().unwrap().is_file() && runs(&it.path()));
        for part in parts {
            fs::copy(part.path(), command.path().join(part.file_name())).unwrap();
        }
        fs::rename(command.path().join(built.osmem.file_name().unwrap()), command.path().join("osmem")).unwrap();
        let copied =
            Command::new("cp").arg("-r").arg(built.root.join("fixtures")).arg(command.path()).status().unwrap();
        assert!(copied.success());
        Self { class: Class::new(), command }
    }

    /// Grades in a box of this tier; the exit code and what was printed.
    fn grade(&self, tier: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let mut grade = Command::new(self.command.path().join("osmem"));
        grade.args(["grade", "--batch", "class", "--course", "osmem.toml", "-j", "1", "--box", tier, "--out", tier]);
        grade.arg("--fixtures").arg(self.command.path().join("fixtures")).args(arguments);
        grade.current_dir(self.class.path("")).env("TMPDIR", self.class.path("tmp")).env("HOME", "/nonexistent");
        for variable in SURROUNDINGS {
            grade.env_remove(variable);
        }
        for folder in [self.command.path(), &self.class.path("")] {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        }
        if nix::unistd::geteuid().is_root() {
            let mut give = Command::new("chown");
            assert!(
                give.args(["-Rh", PLAIN]).arg(self.class.path("")).arg(self.command.path()).status().unwrap().success()
            );
            let number = PLAIN.parse().unwrap();
            grade.uid(number).gid(number);
        }
        let ended = grade.stdin(Stdio::null()).output().unwrap();
        let printed = [ended.stdout, ended.stderr].concat();
        self.class.idle();
        (ended.status.code(), String::from_utf8_lossy(&printed).into_owned())
    }

    fn record(&self, tier: &str, name: &str) -> Value {
        self.class.record(&format!("{tier}/{name}"))
    }

    /// Modes and times of all that others need.
    fn shared(&self) -> Vec<(PathBuf, u32, i64)> {
        let mut all = Vec::new();
        let mut open = vec![self.command.path().to_owned(), self.class.path("class")];
        while let Some(path) = open.pop() {
            let there = fs::symlink_metadata(&path).unwrap();
            if there.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            all.push((path, there.mode(), there.mtime()));
        }
        all.sort();
        all
    }
}

#[test]
fn a_build_makes_a_helper_executable_and_runs_it() {
    let plain = Plain::new();
    let makefile = format!(
        "libosmem.so: osmem.c\n\
         \tprintf '#!/bin/sh\\necho \"/* made */\"\\n' > helper\n\
         \tchmod +x helper\n\
         \t./helper >> osmem.c\n\
         \techo 'int main(void) {{ return 0; }}' > tool.c\n\
         \tcc -o tool tool.c && ./tool\n\
         \tinstall -m 755 tool other && ./other\n\
         \tcp -p tool third && ./third\n\
         \ttouch -d @1000 stamp && test \"$$(stat -c %Y stamp)\" = 1000\n\
         \t{BUILD}\n"
    );
    plain.class.write("class/ann/osmem.c", right());
    plain.class.write("class/ann/Makefile", makefile);
    for tier in TIERS {
        let (code, printed) = plain.grade(tier, &[]);
        assert_eq!(code, Some(0), "{tier}: {printed} {:#}", plain.record(tier, "ann"));
    }
}

#[test]
fn one_submission_does_not_spoil_the_class() {
    nothing_is_spoilt("builtin");
}

#[test]
#[ignore = "needs strace"]
fn one_submission_does_not_spoil_the_class_under_strace() {
    nothing_is_spoilt("strace");
}

/// A submission that tries to change what others need passes, and so do those before and after it.
fn nothing_is_spoilt(tracer: &str) {
    let plain = Plain::new();
    let course = plain.class.path("osmem.toml");
    let places = [plain.class.path("class"), plain.command.path().to_owned(), course.clone()];
    let paths = places.each_ref().map(|path| path.display().to_string());
    let harm = "
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
static void harm(const char *path)
{
    int file = open(path, O_RDONLY), flags = 0x10;
    syscall(SYS_fchmod, file, 0);
    syscall(SYS_fchmodat, -100, path, 0);
    syscall(452, file, \"\", 0, 0x1000);
    struct timespec times[2] = {{1, 0}, {1, 0}};
    syscall(SYS_utimensat, -100, path, times, 0);
    syscall(SYS_utimensat, file, (void *)0, times, 0);
    ioctl(file, 0x40086602, &flags);
    struct { void *value; unsigned size, flags; } attribute = {\"x\", 1, 0};
    syscall(463, -100, path, 0, \"user.osmem\", &attribute, sizeof attribute);
    unsigned char changed[24] = {8};
    syscall(469, -100, path, changed, sizeof changed, 0);
    fcntl(file, 1024, 1);
}
";
    let calls: String = paths.iter().map(|path| format!("    harm(\"{path}\");\n")).collect();
    let early = format!(
        "{harm}
__attribute__((constructor)) static void early(void)
{{
    char path[4096] = \"\";
    (void)!readlink(\"/proc/self/exe\", path, sizeof path - 1);
    harm(path);
    *strrchr(path, '/') = 0;
    harm(path);
    harm(\"/proc/self/exe\");
    harm(getenv(\"LD_LIBRARY_PATH\"));
    harm(\"/usr/bin\");
{calls}}}
"
    );
    let above: String =
        ["..", "../..", "../../kit", "../library"].iter().map(|path| format!("    harm(\"{path}\");\n")).collect();
    let main = format!("#include <time.h>\n#include <unistd.h>\n{harm}int main(void) {{\n{calls}{above}return 0; }}\n");
    let makefile = format!(
        "libosmem.so: osmem.c\n\t{BUILD}\n\tcc -w -o harm harm.c\n\t-./harm\n\
         \t-chmod -R 000 {0} ../library ../runs ../../kit\n\t-chmod 000 .. ../..\n\t-touch -d @1 {0} ../library ../../kit\n",
        paths.join(" ")
    );
    plain.class.write("class/ann.c", right());
    plain.class.write(
        "class/bad/osmem.c",
        "#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n".to_owned() + &right() + &early,
    );
    plain.class.write("class/bad/harm.c", main);
    plain.class.write("class/bad/Makefile", makefile);
    plain.class.write("class/carl.c", right());
    // The first grading may change times.
    let (code, printed) = plain.grade("namespaces", &[]);
    assert_eq!(code, Some(0), "{printed}");
    let before = plain.shared();
    for tier in TIERS {
        let (code, printed) = plain.grade(tier, &["--force", "--tracer", tracer]);
        assert_eq!(code, Some(0), "{tier}: {printed} {:#}", plain.record(tier, "bad"));
        assert_eq!(plain.shared(), before, "{tier}");
    }
}

/// Commands of builds and style steps that change their folders.
const ODD: [(&str, &str); 9] = [
    ("closes-its-folder", "\t@BUILD@\n\tchmod 000 .\n"),
    ("closes-its-folder-first", "\tchmod 000 .\n\t@BUILD@\n"),
    ("closes-a-way", "\tmkdir -p src/in && chmod 000 src && rm -f libosmem.so\n"),
    ("lets-itself-be-listed", "\t@BUILD@\n\tchmod 444 .\n"),
    ("links", "\tln -s /etc/passwd libosmem.so\n\tln -s / src\n\tln -s . build\n"),
    ("links-in-a-circle", "\tln -s libosmem.so libosmem.so\n"),
    ("folders", "\tmkdir -p libosmem.so/libosmem.so src/libosmem.so && chmod 000 libosmem.so\n"),
    ("moves-its-folder", "\t@BUILD@\n\t-mv ../source ../other\n\t-rm -rf ../source\n\t-ln -s / ../source\n"),
    ("pipes", "\tmkfifo libosmem.so && chmod 000 libosmem.so\n"),
];

/// Style steps of which the first takes the folder from the second.
const STYLE: &str = "
[[style]]
name = \"lint\"
command = \"make --silent lint > /dev/null 2>&1\"
points = 1
bands = [{ at_most = 0, points = 1 }]
[[style]]
name = \"more\"
command = \"true\"
points = 1
bands = [{ at_most = 0, points = 1 }]
";

#[test]
fn what_a_submission_does_to_folders_is_no_infra_error() {
    let plain = Plain::new();
    let class = &plain.class;
    class.write("osmem.toml", format!("{QUICK}{STYLE}"));
    let write = |name: &str, steps: &str| {
        class.write(format!("class/{name}/osmem.c"), right());
        let makefile = format!("libosmem.so: osmem.c\n{}", steps.replace("@BUILD@", BUILD));
        class.write(format!("class/{name}/Makefile"), makefile + "lint:\n\t@chmod 000 .\n");
    };
    ODD.iter().for_each(|(name, steps)| write(name, steps));
    for name in ["closed", "closed-below", "closed-file", "listed", "right"] {
        write(name, "\t@BUILD@\n");
    }
    let close = |name: &str, mode| {
        fs::set_permissions(class.path(name), Permissions::from_mode(mode)).unwrap();
    };
    class.write("class/closed-below/src/more.c", "");
    close("class/closed-below/src", 0);
    close("class/closed-file/osmem.c", 0);
    close("class/listed", 0o444);
    close("class/closed", 0);
    class.write("class/closed-source.c", right());
    close("class/closed-source.c", 0);
    let long = "mkdir -p class/long && cd class/long && echo > a.c && n=$(printf %0200d 1) && \
                for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do mkdir $n && cd -P $n || exit; done && echo > a.c";
    assert!(Command::new("sh").args(["-c", long]).current_dir(class.path("")).status().unwrap().success());
    std::os::unix::fs::symlink("/nonexistent", class.path("class/nowhere")).unwrap();
    for tier in TIERS {
        let (code, printed) = plain.grade(tier, &["--force"]);
        assert_eq!(code, Some(1), "{tier}: {printed}");
        assert!(!printed.contains("infra-error"), "{tier}: {printed}");
        let right = plain.record(tier, "right");
        assert_eq!((&right["outcome"], &right["score"]["earned"]), (&"pass".into(), &5.0.into()), "{tier}: {right:#}");
        for (name, outcome) in [
            ("closes-its-folder", "pass"),
            ("closed-below", "unsupported"),
            ("closed-file", "unsupported"),
            ("long", "limit"),
        ] {
            let record = plain.record(tier, name);
            assert_eq!(record["outcome"], outcome, "{tier}: {name}: {record:#}");
        }
    }
    for name in ["class/closed", "class/closed-below/src", "class/listed"] {
        close(name, 0o755);
    }
}
