//! Runs all sequences, each in a child of its own: the parent never calls the library, so that every heap is fresh.

#![expect(unsafe_code, reason = "forks")]

use crate::children::{Signals, sweep};
use crate::file::File;
use crate::marks::Marks;
use crate::message::{end_child, unusable};
use crate::run::Run;

/// Runs them one after the other and writes down how each of them ended.
pub fn all(file: &File) {
    let signals = Signals::block();
    let marks = Marks::with(file.header.key);
    marks.ready();
    for index in 0..file.header.sequences {
        // SAFETY: this process has one thread, unless the library started another, which the child then lacks.
        match unsafe { libc::fork() } {
            -1 => {
                sweep();
                unusable("the system gives no process for a sequence");
            }
            0 => {
                signals.restore();
                child(file, index, marks);
            }
            process => {
                let (state, status) = signals.wait(process, file.header.time_limit);
                let (_, results) = file.sequence(index);
                results.over(state, status);
                // At once: what is left behind must not take time from the next sequence.
                sweep();
                file.finished(index + 1);
            }
        }
    }
    marks.over();
}

fn child(file: &File, index: u32, marks: Marks) -> ! {
    let (ops, results) = file.sequence(index);
    marks.sequence(index);
    results.begun();
    // SAFETY: once in this process, which forks no more.
    let run = Run::new(file, results, marks, unsafe { file.work.desk() });
    match run.and_then(|mut run| run.run(ops, &mut 0)) {
        Ok(()) => end_child(0),
        Err(failure) => {
            results.failed(failure.check, failure.block, failure.details);
            end_child(failure.check);
        }
    }
}
