//! `osmem grade` where something is not as it should be: paths, names, folders, surroundings.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command as Process;

use crate::bench::{osmem, output};
use crate::grade::{Class, right};

#[test]
fn paths_that_are_no_submissions() {
    let class = Class::new();
    class.write("ann.c", right());
    class.write("twice/ann.c", right());
    class.write("text.txt", "text");
    symlink("nowhere", class.path("link")).unwrap();
    for (arguments, expected) in [
        (&["--batch", "class", "--out", "out"][..], "class holds no submission"),
        (&["absent", "--out", "out"], "cannot use absent: No such file"),
        (&["--batch", "absent", "--out", "out"], "cannot use absent: No such file"),
        (&["link", "--out", "out"], "cannot use link: No such file"),
        (&["--batch", "ann.c", "--out", "out"], "ann.c is no folder"),
        (&["text.txt", "--out", "out"], "text.txt is no submission"),
        (&["ann.c", "twice/ann.c", "--out", "out"], "are both named \"ann\"; rename one of them"),
        (&["--out", "out"], "required"),
        (&["", "--out", "out"], ""),
        (&["ann.c", "--jobs", "0"], "0 is not in 1..=256"),
        (&["ann.c", "--jobs", "many"], "invalid"),
        (&["ann.c", "--box", "paper"], "invalid value 'paper'"),
        (&["ann.c", "--box", "landlock", "--unsafe"], "cannot be used with"),
    ] {
        class.refused(2, arguments, expected);
    }
    for partition in ["", "2/4", "slice:0/4", "slice:5/4", "hash:1/0", "slice:1/x", "part:1/2", "slice:-1/2"] {
        class.refused(2, &["ann.c", &format!("--partition={partition}")], "it must be slice:M/N or hash:M/N");
    }
    assert!(!class.path("out").exists() && !class.path("osmem-results").exists());
}

#[test]
fn a_part_without_submissions_is_a_result() {
    let class = Class::new();
    class.write("ann.c", right());
    let stdout = class.graded(0, &["ann.c", "--partition", "slice:2/2", "--out", "part"]);
    assert!(stdout.contains("no submission was graded"), "{stdout}");
    class.graded(0, &["ann.c", "--partition", "slice:1/2", "--out", "other"]);
    let (code, _, stderr) = output(osmem(&["merge", "part", "other", "--out", "all"]).current_dir(class.path("")));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    class.same("all", "other");
}

#[test]
fn any_name_is_graded_under_a_safe_one() {
    let class = Class::new();
    let names: [(&[u8], &str); 7] = [
        (b"two words", "two words"),
        (b"two\nlines", "two%0Alines"),
        (b"not \xff UTF-8", "not %FF UTF-8"),
        (b"-o", "%2Do"),
        (b"$(touch me)'\"`", "$(touch me)%27%22`"),
        (b"\x1b[31mred", "%1B[31mred"),
        ("zoë".as_bytes(), "zoë"),
    ];
    for (raw, _) in names {
        // As a folder, and with a file of the same kind of name in it.
        let folder = class.path("class").join(OsStr::from_bytes(raw));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(OsStr::from_bytes(&[raw, b".c"].concat())), right()).unwrap();
    }
    let stdout = class.graded(0, &["--batch", "class", "--out", "out"]);
    assert!(stdout.contains("7 submissions: 7 pass") && !stdout.contains('\x1b'), "{stdout}");
    for (_, safe) in names {
        let record = class.record(&format!("out/{safe}"));
        assert_eq!((&record["outcome"], &record["name"]), (&"pass".into(), &safe.into()));
    }
    // On the command line a leading dash needs a word of its own.
    class.write("-x.c", right());
    class.refused(2, &["-x.c", "--out", "dash"], "unexpected argument '-x'");
    class.graded(0, &["--out", "dash", "--", "-x.c"]);
}

#[test]
fn results_that_cannot_be_written() {
    let class = Class::new();
    class.write("ann.c", right());
    class.write("file", "");
    for out in ["file", "file/below", "/proc/osmem-results"] {
        class.refused(5, &["ann.c", "--out", out], "name a folder you may write to with --out DIR");
    }
    // In the place of a submission's folder lies a file.
    class.write("taken/ann", "");
    let (code, stdout, stderr) = output(&mut class.grade(&["ann.c", "--out", "taken", "--force"]));
    assert_eq!(code, Some(5), "{stdout}");
    assert!(stderr.contains("cannot write taken/ann: "), "{stderr}");
    class.idle();
}

#[test]
fn a_temporary_folder_that_does_not_serve() {
    let class = Class::new();
    class.write("ann.c", right());
    class.write("file", "");
    for folder in ["nowhere", "file", "/proc"] {
        let mut grade = class.grade(&["ann.c", "--out", "out", "--force"]);
        let (code, stdout, stderr) = output(grade.env("TMPDIR", class.path(folder)));
        assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
        assert!(stderr.contains(folder) && stderr.contains("TMPDIR"), "{stderr}");
    }
    // Names that shells and make would split.
    fs::create_dir(class.path("tmp/two words")).unwrap();
    let (code, stdout, stderr) =
        output(class.grade(&["ann.c", "--out", "out", "--force"]).env("TMPDIR", class.path("tmp/two words")));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert_eq!(class.names("tmp/two words"), Vec::<String>::new());
}

#[test]
fn without_the_tracer_that_is_wanted_nothing_is_graded() {
    let class = Class::new();
    class.write("ann.c", right());
    let mut grade = class.grade(&["ann.c", "--out", "out", "--tracer", "strace"]);
    let (code, stdout, stderr) = output(grade.env("PATH", class.path("class")));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("strace") && stderr.contains("apt-get install strace"), "{stderr}");
    class.idle();
    assert!(!class.path("out/ann").exists());
}

#[test]
fn without_a_box_the_record_says_so() {
    let class = Class::new();
    class.write("ann.c", right());
    let stdout = class.graded(0, &["ann.c", "--out", "out", "--unsafe"]);
    let record = class.record("out/ann");
    assert_eq!((&record["containment"]["tier"], &record["outcome"]), (&"none".into(), &"pass".into()));
    let sentence = record["containment"]["sentence"].as_str().unwrap();
    assert!(stdout.contains(sentence), "{stdout}");
    for report in ["report.md", "report.html", "gradescope.json"] {
        let text = fs::read_to_string(class.path("out/ann").join(report)).unwrap();
        assert!(text.contains(sentence), "{report}: {text}");
    }
    // The box is part of what a result depends on.
    class.graded(0, &["ann.c", "--out", "out", "--resume"]);
    assert_ne!(class.record("out/ann")["containment"]["tier"], "none");
}

#[test]
fn what_is_no_submission_is_said() {
    let class = Class::new();
    class.write("class/ann.c", right());
    class.write("class/readme.txt", "text");
    class.write("class/.DS_Store", "litter");
    symlink("ann.c", class.path("class/bob.c")).unwrap();
    let stdout = class.graded(0, &["--batch", "class", "--out", "out"]);
    assert!(
        stdout.contains("bob.c is a symbolic link\n") && stdout.contains("readme.txt is no submission\n"),
        "{stdout}"
    );
    assert!(!stdout.contains("DS_Store"), "{stdout}");
    assert_eq!(class.names("out").iter().filter(|name| !name.contains('.')).count(), 1);
}

#[test]
fn a_full_disk_is_named_and_nothing_half_is_left() {
    let class = Class::new();
    class.write("ann.c", right());
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let enter: &[&str] = if user.is_root() { &["-m"] } else { &["-r", "-m"] };
    // A plain user mounts as the root of a namespace that has no other user. The grader runs as the plain user again: as that root
    // it would look for users to run boxes as.
    let again =
        if user.is_root() { String::new() } else { format!("unshare --map-user={user} --map-group={group} --") };
    // A disk that holds so much, in the place of this folder.
    let on_full_disk = |folder: &str, size: &str, look: &str| {
        fs::create_dir_all(class.path(folder)).unwrap();
        let script =
            format!("mount -t tmpfs -o size={size} none {folder} && {again} \"$@\"; code=$?; {look}; exit $code");
        let grade = class.grade(&["ann.c", "--out", "out", "--force"]);
        let mut unshare = Process::new("unshare");
        unshare.args(enter).args(["sh", "-c", &script, "sh"]).arg(grade.get_program()).args(grade.get_args());
        unshare.current_dir(class.path("")).env("TMPDIR", class.path("tmp")).env_remove("CI");
        let output = unshare.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(output.status.code(), Some(5), "{}{}", text(&output.stdout), text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (stdout, stderr) = on_full_disk("out", "20k", "find out -name '.draft-*'");
    assert!(stderr.contains("No space left") && stderr.contains("--out DIR"), "{stderr}");
    assert!(!stdout.contains(".draft-"), "{stdout}");
    let (stdout, stderr) = on_full_disk("tmp", "400k", "ls tmp");
    assert!(stderr.contains("No space left") && stderr.contains("TMPDIR names another folder"), "{stderr}");
    assert_eq!(stdout, "");
    class.graded(0, &["ann.c", "--out", "out", "--force"]);
}
