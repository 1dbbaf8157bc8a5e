//! Counts what goes into and comes out of a decompressor, and stops it in time.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use super::super::refusal::Refusal;
use super::broken;

/// How many times larger than its compressed form something may be.
const MOST_RATIO: u64 = 200;
/// What may come out before the ratio counts.
const FREE: u64 = 1 << 20;

/// What has been read of something compressed.
#[derive(Debug, Default)]
pub struct Meter {
    squeezed: Cell<u64>,
    plain: Cell<u64>,
    /// Why reading was stopped. Decompressors in between may wrap errors, so that it is kept here.
    stopped: RefCell<Option<Refusal>>,
}

impl Meter {
    /// The bytes that have come out.
    pub fn plain(&self) -> u64 {
        self.plain.get()
    }

    /// Begins to count anew.
    pub fn restart(&self) {
        self.squeezed.set(0);
        self.plain.set(0);
    }

    /// What an error while reading means.
    pub fn refusal(&self, error: &io::Error) -> Refusal {
        self.stopped.borrow().clone().unwrap_or_else(|| broken(error))
    }

    fn stop(&self, why: String) -> io::Error {
        *self.stopped.borrow_mut() = Some(Refusal::Limit(why.clone()));
        io::Error::other(why)
    }
}

/// Counts what goes in.
pub struct Squeezed<R> {
    source: R,
    meter: Rc<Meter>,
}

impl<R> Squeezed<R> {
    pub fn new(source: R, meter: &Rc<Meter>) -> Self {
        Self { source, meter: Rc::clone(meter) }
    }
}

impl<R: Read> Read for Squeezed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.meter.squeezed.set(self.meter.squeezed.get() + count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Squeezed<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

/// Counts what comes out, and stops it where it is too much.
pub struct Plain<R> {
    source: R,
    meter: Rc<Meter>,
    most: u64,
    ratio: bool,
}

impl<R> Plain<R> {
    /// What comes out of a decompressor.
    pub fn squeezed(source: R, meter: &Rc<Meter>, most: u64) -> Self {
        Self { source, meter: Rc::clone(meter), most, ratio: true }
    }

    /// What was not compressed.
    pub fn bare(source: R, meter: &Rc<Meter>, most: u64) -> Self {
        Self { source, meter: Rc::clone(meter), most, ratio: false }
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let plain = self.meter.plain.get() + count as u64;
        self.meter.plain.set(plain);
        if plain > self.most {
            return Err(self.meter.stop(format!("the archive holds more than {} MiB", self.most >> 20)));
        }
        if self.ratio && plain > FREE && plain > self.meter.squeezed.get().saturating_mul(MOST_RATIO) {
            return Err(self.meter.stop(format!("the archive unpacks to more than {MOST_RATIO} times its size")));
        }
        Ok(count)
    }
}
