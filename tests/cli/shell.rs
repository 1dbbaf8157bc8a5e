//! `osmem completions` and `osmem man`: shells and `man` can read what they write.

use std::fs;
use std::process::Command;

use crate::bench::{osmem, output};

/// Every command, as the help lists them.
const COMMANDS: [&str; 15] = [
    "check",
    "trace",
    "bless",
    "judge",
    "show",
    "stats",
    "compare",
    "fuzz",
    "replay",
    "grade",
    "merge",
    "doctor",
    "new",
    "completions",
    "man",
];

#[test]
fn every_shell_gets_a_script_with_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, stdout, stderr) = output(osmem(&["completions"]).arg(shell));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{shell}");
        for command in COMMANDS {
            assert!(stdout.contains(command), "{shell} lacks {command}");
        }
    }
    let (code, stdout, stderr) = output(osmem(&["completions"]).arg("tcsh"));
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("invalid value 'tcsh'") && stderr.contains("bash, elvish"), "{stderr}");
}

/// Bash itself completes the words.
#[test]
fn bash_completes_commands_and_options() {
    let (_, script, _) = output(osmem(&["completions"]).arg("bash"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("osmem");
    fs::write(&file, script).unwrap();
    let complete = |words: &str, last: usize| {
        let source = format!(
            ". {}; COMP_WORDS=({words}); COMP_CWORD={last}; _osmem osmem \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{}]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display(),
            last - 1
        );
        let ran = Command::new("bash").args(["--norc", "-c", &source]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(complete("osmem ch", 1), "check\n");
    assert_eq!(complete("osmem check --wat", 2), "--watch\n");
    assert_eq!(complete("osmem check --profile str", 3), "strict\n");
}

#[test]
fn each_command_has_a_page_with_its_examples() {
    let root = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = output(osmem(&["man", "a/man1"]).current_dir(root.path()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout.lines().count(), COMMANDS.len() + 1, "{stdout}");
    for command in COMMANDS {
        let page = fs::read_to_string(root.path().join(format!("a/man1/osmem-{command}.1"))).unwrap();
        let expected = [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLES\n.nf\nosmem "];
        for part in expected {
            assert!(page.contains(part), "{command} lacks {part}: {page}");
        }
    }
    let whole = fs::read_to_string(root.path().join("a/man1/osmem.1")).unwrap();
    assert!(whole.contains("osmem\\-check(1)"), "{whole}");
    // A second time replaces them.
    assert_eq!(output(osmem(&["man", "a/man1"]).current_dir(root.path())).0, Some(0));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    for folder in ["file", "/proc/pages"] {
        let (code, stdout, stderr) = output(osmem(&["man", folder]).current_dir(root.path()));
        assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
        assert!(stderr.contains(&format!("cannot write the manual page {folder}: ")), "{stderr}");
        assert!(stderr.contains("name a folder you may write to"), "{stderr}");
    }
}

#[test]
fn every_help_shows_an_example() {
    for command in COMMANDS {
        let (code, stdout, _) = output(osmem(&[command]).arg("--help"));
        assert_eq!(code, Some(0));
        let examples = stdout.split_once("Examples:\n").map(|(_, examples)| examples).unwrap_or_default();
        assert!(examples.contains(&format!("osmem {command}")), "{stdout}");
    }
    let (_, stdout, _) = output(osmem(&["--help"]).env("COLUMNS", "100"));
    assert!(stdout.contains("Examples:\n  osmem new hw2"), "{stdout}");
}
