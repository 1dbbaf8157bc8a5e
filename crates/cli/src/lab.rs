//! Runs scripts with a library: one of them watched call by call, or hundreds at a time in forked children.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use osmem_oracle::program::{Op, Pointer, Refused};
use osmem_oracle::run::Run;
use osmem_replay::{FileHeader, Refusal, Sequence, file_length};
use osmem_trace::mark::Key;
use osmem_trace::model::End;
use osmem_trace::run::{Cancel, Limits, Recording, Starter, Stopped, Tracer, Watch};
use osmem_trace::{Observation, Spec, Witness};
use tempfile::TempDir;

use crate::error::Error;
use crate::layout::Layout;
use crate::tracers::Wanted;
use crate::{library, limits, loader, oracle};

/// Bytes of a tracer's log of one run.
const LOG_LIMIT: u64 = 64 << 20;

/// The replayer with a library in front of it.
#[derive(Debug)]
pub struct Lab {
    /// Tracer of the run.
    pub witness: Witness,
    /// The library under test.
    pub library: PathBuf,
    probe: PathBuf,
    replayer: PathBuf,
    starter: Option<Arc<dyn Starter>>,
    limits: Limits,
    cancel: Cancel,
}

/// The functions whose calls are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heap {
    /// The library's.
    Library,
    /// The C library's.
    C,
}

impl Heap {
    /// Returns the replayer's word for it.
    fn name(self) -> &'static str {
        match self {
            Self::Library => "os",
            Self::C => "c",
        }
    }
}

/// A script that was watched.
#[derive(Debug)]
pub struct Watched {
    /// What was seen.
    pub seen: Observation,
    /// The same for the oracle.
    pub run: Run,
    /// What the replayer wrote down of its own checks.
    pub result: Option<Sequence>,
}

impl Watched {
    /// Whether someone interrupted it.
    pub fn is_cut_off(&self) -> bool {
        self.seen.stopped == Some(Stopped::Cancelled)
    }
}

/// Many sequences that were run at once.
#[derive(Debug)]
pub struct Batch {
    /// What was seen, and how the run ended.
    pub recording: Recording,
    /// As it was written.
    pub header: FileHeader,
    /// With the results in it.
    pub file: Vec<u8>,
}

impl Lab {
    /// Pins the limits, finds a tracer, and proves once that `library` can be used.
    pub fn prepare(layout: &Layout, library: PathBuf, wanted: Wanted, cancel: &Cancel) -> Result<Self, Error> {
        library::validate(&library)?;
        let witness = wanted.witness()?;
        limits::pin()?;
        let replayer = layout.replayer()?.to_owned();
        loader::check(&replayer, &library)?;
        let limits = Limits { log: LOG_LIMIT, ..Limits::default() };
        let probe = layout.probe.clone();
        Ok(Self { witness, library, probe, replayer, starter: None, limits, cancel: cancel.clone() })
    }

    /// For programs that `starter` starts. The library must have been validated; nobody has tried to load it yet.
    pub fn boxed(
        witness: Witness,
        [library, probe, replayer]: [PathBuf; 3],
        limits: Limits,
        starter: Arc<dyn Starter>,
        cancel: &Cancel,
    ) -> Self {
        Self { witness, library, probe, replayer, starter: Some(starter), limits, cancel: cancel.clone() }
    }

    /// Runs one script under the probe: every call, its result and its system calls are seen, every byte is verified.
    pub fn watch(&self, ops: &[Op], name: &str, time: Duration, cpu: Option<usize>) -> Result<Watched, Error> {
        self.watched(ops, name, time, cpu, true)
    }

    /// Runs one script under the probe, as [`watch`](Self::watch) does; of each block only some bytes are verified.
    pub fn measure(&self, ops: &[Op], name: &str, time: Duration, cpu: Option<usize>) -> Result<Watched, Error> {
        self.watched(ops, name, time, cpu, false)
    }

    fn watched(
        &self,
        ops: &[Op],
        name: &str,
        time: Duration,
        cpu: Option<usize>,
        thorough: bool,
    ) -> Result<Watched, Error> {
        let mut header = header(&[ops.len()], slots(ops));
        header.thorough = u8::from(thorough);
        let stage = Stage::write(&self.top(), &header, [(ops, Vec::new())].into_iter())?;
        let spec = self.spec(&stage, &["one", "0"], time, cpu);
        let seen = self.witness.observe(&spec, &self.cancel)?;
        let result = header.sequence(&stage.read()?, 0);
        Ok(Watched { run: oracle::run_of(name, &seen, true), seen, result })
    }

    /// Runs each script in a process of its own with as few stops as can be: a mark stands only before the steps named with it.
    ///
    /// `tracer` is one of the witness's.
    pub fn batch<'a>(
        &self,
        tracer: &dyn Tracer,
        scripts: impl Iterator<Item = (&'a [Op], Vec<bool>)> + Clone,
        key: &Key,
        time: Duration,
        cpu: Option<usize>,
    ) -> Result<Batch, Error> {
        let lengths: Vec<usize> = scripts.clone().map(|(ops, _)| ops.len()).collect();
        let slots = scripts.clone().map(|(ops, _)| slots(ops)).max().unwrap_or(1);
        let mut header = header(&lengths, slots);
        header.key = key.bits();
        header.time_limit = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let stage = Stage::write(&self.top(), &header, scripts)?;
        let all = time.saturating_mul(u32::try_from(lengths.len()).unwrap_or(u32::MAX)).saturating_add(MARGIN);
        let spec = self.spec(&stage, &["all"], all.min(LONGEST), cpu);
        let recording = self.witness.record(tracer, &spec, Watch::Marks(Some(key)), &self.cancel)?;
        Ok(Batch { recording, header, file: stage.read()? })
    }

    /// Makes the calls of a script again and again, untraced, with the library or with the C library's malloc. Returns the
    /// nanoseconds of one call; `None` where a run did not come to its end.
    pub fn time(&self, ops: &[Op], heap: Heap, time: Duration, cpu: Option<usize>) -> Result<Option<f64>, Error> {
        let header = header(&[ops.len()], slots(ops));
        let stage = Stage::write(&self.top(), &header, [(ops, Vec::new())].into_iter())?;
        let spec = self.spec(&stage, &["time", heap.name()], time, cpu);
        let seen = self.witness.glimpse(&spec, &self.cancel)?;
        let done = header.sequence(&stage.read()?, 0);
        let [_, calls, nanoseconds] =
            done.filter(|_| seen.end == Some(End::Exit(0))).map_or([0; 3], |done| done.details);
        Ok((calls > 0 && nanoseconds > 0).then(|| nanoseconds as f64 / calls as f64))
    }

    /// Where the script of a run may lie.
    fn top(&self) -> PathBuf {
        self.starter.as_ref().map_or_else(std::env::temp_dir, |starter| starter.folder().to_owned())
    }

    fn spec(&self, stage: &Stage, arguments: &[&str], time: Duration, cpu: Option<usize>) -> Spec {
        let mut args = vec![stage.path.clone().into_os_string()];
        args.extend(arguments.iter().map(Into::into));
        Spec {
            args,
            library: Some(self.library.clone()),
            limits: Limits { time, ..self.limits },
            // A program in a box may print addresses, which must not differ from run to run.
            aslr: self.starter.is_none(),
            writable: vec![stage.folder.path().to_owned()],
            starter: self.starter.clone(),
            cpu,
            ..Spec::new(self.replayer.clone(), self.probe.clone())
        }
    }

    /// Whether someone asked for an early end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// What a batch may take beyond the time of its sequences.
const MARGIN: Duration = Duration::from_secs(10);
/// No batch takes longer.
const LONGEST: Duration = Duration::from_secs(600);

fn header(lengths: &[usize], slots: u32) -> FileHeader {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    FileHeader::new(count(lengths.len()), count(lengths.iter().sum()), slots)
}

/// One more than the largest slot.
fn slots(ops: &[Op]) -> u32 {
    let used = |op: &Op| {
        let passed = match op.pointer() {
            Some(Pointer::Slot { slot, .. }) => Some(slot),
            _ => None,
        };
        op.slot().max(passed)
    };
    ops.iter().filter_map(used).max().map_or(1, |slot| slot + 1)
}

/// The file that the replayer maps, in a folder that goes away.
struct Stage {
    folder: TempDir,
    path: PathBuf,
}

impl Stage {
    fn write<'a>(
        top: &Path,
        header: &FileHeader,
        scripts: impl Iterator<Item = (&'a [Op], Vec<bool>)>,
    ) -> Result<Self, Error> {
        let mut sequences = Vec::new();
        let mut steps = Vec::new();
        let mut first = 0;
        for (ops, marks) in scripts {
            let count = u32::try_from(ops.len()).unwrap_or(u32::MAX);
            sequences.extend(Sequence::new(first, count).to_bytes());
            first += count;
            for (place, op) in ops.iter().enumerate() {
                let step = encoded(op);
                let step = if marks.get(place) == Some(&true) { step.marked() } else { step };
                steps.extend(step.to_bytes());
            }
        }
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(sequences);
        bytes.extend(steps);
        bytes.resize(usize::try_from(file_length(header)).unwrap_or(usize::MAX).max(bytes.len()), 0);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| Error::Stage { path, source }
        };
        let folder = tempfile::Builder::new().prefix("osmem-script-").tempdir_in(top).map_err(failed(top))?;
        let path = folder.path().join("script");
        fs::write(&path, bytes).map_err(failed(&path))?;
        Ok(Self { folder, path })
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        fs::read(&self.path).map_err(|source| Error::Stage { path: self.path.clone(), source })
    }
}

fn encoded(op: &Op) -> osmem_replay::Op {
    let pointer = |pointer: Pointer| match pointer {
        Pointer::Null => osmem_replay::Pointer::Null,
        Pointer::Slot { slot, offset } => osmem_replay::Pointer::Slot(slot, offset),
        Pointer::Stack => osmem_replay::Pointer::Stack(0),
    };
    match *op {
        Op::Malloc { slot, size } => osmem_replay::Op::malloc(slot, size),
        Op::Calloc { slot, nmemb, size } => osmem_replay::Op::calloc(slot, nmemb, size),
        Op::Realloc { slot, pointer: from, size } => osmem_replay::Op::realloc(slot, pointer(from), size),
        Op::Free { pointer: from } => osmem_replay::Op::free(pointer(from)),
        Op::MoveBreak { by } => osmem_replay::Op::move_break(by),
        Op::Refuse(Refused::Nothing) => osmem_replay::Op::refuse(Refusal::Nothing),
        Op::Refuse(Refused::Break) => osmem_replay::Op::refuse(Refusal::Break),
        Op::Refuse(Refused::Mappings) => osmem_replay::Op::refuse(Refusal::Mappings),
    }
}
