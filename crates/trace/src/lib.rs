//! From a program run under strace to a text that can be compared.
//!
//! A *probe* inside the traced process announces each `os_*` call as a *mark* in the stream of system calls (a `write` to
//! descriptor -1, see `docs/design.md`); strace writes that stream down; this crate runs strace, reads its log, cuts it into
//! calls and replaces addresses by labels. The result is a [`model::Trace`], whose text is the golden format.
//!
//! The crate knows nothing of any allocator's inside. Modules, bottom layer first; each uses only those above it:
//!
//! ```text
//! model    a trace as values: calls, system calls, places
//! text     the trace as text, and back
//! log      strace's log, line by line; halves of interrupted lines joined
//! mark     what the probe says
//! window   which system call belongs to which os_* call; the end proof; forged marks
//! label    addresses become places, the canonical form
//! batch    the log of a program that plays many sequences, each in a child, read in one quick pass
//! golden   fixtures on disk
//! diff     the first difference of two traces, aligned
//! header   a fixture for another header size, where that is exact
//! strace   finding strace and seeing that it may work here
//! record   running a program under strace, within limits
//! run      all of it: a program in, an observation out
//! ```

pub mod batch;
pub mod diff;
pub mod golden;
pub mod header;
pub mod label;
pub mod log;
pub mod mark;
pub mod model;
pub mod record;
pub mod run;
pub mod strace;
pub mod text;
pub mod window;

pub use model::Trace;
pub use run::{Observation, Spec, observe, record_log};
pub use strace::Strace;
