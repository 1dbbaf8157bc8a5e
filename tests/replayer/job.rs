//! A file of sequences, the replayer at work on it, and what the file says afterwards.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use osmem_replay::{FileHeader, Op, Sequence, State, file_length};
use tempfile::TempDir;

use crate::support::built;

/// The key of the marks.
pub const KEY: u64 = 0x00ab_cdef_0123_4567;

/// A folder with a file of sequences.
pub struct Job {
    pub header: FileHeader,
    folder: TempDir,
}

impl Job {
    /// Writes the file: every sequence may use slots below 8.
    pub fn new(sequences: &[&[Op]]) -> Self {
        Self::changed(sequences, |_| ())
    }

    /// As [`Self::new`], with a change to the header.
    pub fn changed(sequences: &[&[Op]], change: impl FnOnce(&mut FileHeader)) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap();
        let ops: Vec<Op> = sequences.concat();
        let mut header = FileHeader::new(count(sequences.len()), count(ops.len()), 8);
        (header.key, header.time_limit) = (KEY, 5000);
        change(&mut header);
        let mut bytes = header.to_bytes().to_vec();
        let mut first = 0;
        for sequence in sequences {
            bytes.extend(Sequence::new(first, count(sequence.len())).to_bytes());
            first += count(sequence.len());
        }
        bytes.extend(ops.iter().flat_map(|op| op.to_bytes()));
        let job = Job { header, folder: tempfile::tempdir().unwrap() };
        fs::write(job.path(), &bytes).unwrap();
        assert_eq!(bytes.len() as u64, file_length(&job.header));
        job
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("sequences")
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    pub fn sequence(&self, index: u32) -> Sequence {
        self.header.sequence(&self.bytes(), index).unwrap()
    }

    /// The op with this number, over all sequences.
    pub fn op(&self, index: u32) -> Op {
        self.header.op(&self.bytes(), index).unwrap()
    }

    /// How the process of a sequence ended.
    pub fn end(&self, index: u32) -> (State, i32) {
        let sequence = self.sequence(index);
        (sequence.state().unwrap(), sequence.status)
    }

    /// The command that replays the file, on our own library or another.
    pub fn command(&self, library: Option<&Path>, mode: &[&str]) -> Command {
        let mut command = Command::new(&built().replayer);
        command.env_clear().arg(self.path()).args(mode);
        library.map(|folder| command.env("LD_LIBRARY_PATH", folder));
        command
    }

    /// Replays all sequences: the replayer itself must end well and say nothing, and nothing may be left running.
    pub fn all(&self, library: Option<&Path>) -> &Self {
        let output = self.command(library, &["all"]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(left(&self.path()), [] as [String; 0]);
        self
    }

    /// Replays one sequence.
    pub fn one(&self, library: Option<&Path>, index: u32) -> Output {
        self.command(library, &["one", &index.to_string()]).output().unwrap()
    }
}

/// The processes that have this path among their arguments.
fn left(path: &Path) -> Vec<String> {
    let named = |process: &String| {
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| argument == path.as_os_str().as_bytes())
    };
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    processes.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(named).collect()
}

/// Builds a library from a C file below `tests/` and gives the folder it lies in.
pub fn library(source: &str, options: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.args(["-shared", "-fPIC", "-fno-builtin", "-O1"]).args(options);
    command.arg(built().root.join("tests").join(source)).arg("-o").arg(folder.path().join("libosmem.so"));
    let status = command.status().expect("a C compiler (make deps)");
    assert!(status.success(), "{command:?}: {status}");
    folder
}
