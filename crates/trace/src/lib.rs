//! From a program to a text that can be compared: what it asked of the allocator, and what the allocator asked of the kernel.
//!
//! A *probe* inside the traced process announces each `os_*` call as a *mark* in the stream of system calls (a `write` to
//! descriptor -1, see `docs/design.md`), or as a note in a ring that the tracer reads. A *tracer* records that stream: strace, whose log
//! is read here, or the built-in one. The stream is cut into calls, and addresses are replaced by labels. The result is a
//! [`model::Trace`], whose text is the golden format.
//!
//! The crate knows nothing of any allocator's inside. Modules, bottom layer first; each uses only those above it:
//!
//! ```text
//! model       a trace as values: calls, system calls, places
//! text        the trace as text, and back
//! traced      which system calls are recorded
//! log         what happened, step by step; strace's log, line by line
//! mark        what the probe says
//! window      which system call belongs to which os_* call; the end proof; forged marks
//! label       addresses become places, the canonical form
//! batch       a program that plays many sequences, each in a child, read in one quick pass
//! golden      fixtures on disk
//! diff        the first difference of two traces, aligned
//! header      the header size that a trace shows
//! spec        what to run, and how; within which limits
//! error       what can go wrong
//! stage       what has to lie ready before a program starts
//! origin      which file's code made a system call
//! tracer      what a tracer is, and what it records
//! meter       the time of a run that counts, on a busy machine too
//! place       where a program runs, and how its address space is laid out
//! tail        the last bytes of a stream
//! environment what the program finds in its environment
//! strace      strace as a tracer
//! builtin     our own tracer
//! run         a program in, an observation out
//! ```

pub mod batch;
pub mod builtin;
pub mod diff;
mod environment;
mod error;
pub mod golden;
pub mod header;
pub mod label;
pub mod log;
pub mod mark;
mod meter;
pub mod model;
mod origin;
mod place;
pub mod run;
mod spec;
mod stage;
pub mod strace;
mod tail;
pub mod text;
mod traced;
pub mod tracer;
pub mod window;

pub use builtin::Builtin;
pub use model::Trace;
pub use run::{Observation, Spec, Tracer, Witness, glimpse, observe};
pub use strace::Strace;
