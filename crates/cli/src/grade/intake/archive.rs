//! Archives, read entry by entry: nothing but files and folders, every byte counted as it comes.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::bundle::{Bundle, listed, too_large};
use super::refusal::{Refusal, shown};
use super::{DEEPEST, MOST_READ, MOST_SEEN, Shape};

mod meter;
mod tape;
mod zipped;

use meter::{Meter, Plain, Squeezed};

/// The most memory that unpacking xz may take.
const XZ_MEMORY: u64 = 128 << 20;
/// The most bytes of a path in an archive.
const LONGEST_PATH: usize = 1024;
/// The most bytes of a name in an archive, as in file systems.
const LONGEST_NAME: usize = 255;

/// Takes the files of an archive.
pub fn take<'a>(shape: Shape, bytes: &[u8], bundle: &mut Bundle<'a>, notes: &mut Vec<String>) -> Result<(), Refusal> {
    let mut archive = Archive { bundle, seen: 0, skipped: BTreeSet::new() };
    let meter = Rc::new(Meter::default());
    let squeezed = || BufReader::new(Squeezed::new(bytes, &meter));
    match shape {
        Shape::Zip => zipped::read(bytes, &meter, &mut archive)?,
        Shape::TarGz => {
            let plain = Plain::squeezed(MultiGzDecoder::new(squeezed()), &meter, MOST_READ);
            tape::read(plain, &meter, &mut archive)?;
        }
        Shape::TarXz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED).map_err(io::Error::from);
            let stream = stream.map_err(|error| Refusal::InfraError(format!("cannot start to read xz: {error}")))?;
            let plain = Plain::squeezed(XzDecoder::new_stream(squeezed(), stream), &meter, MOST_READ);
            tape::read(plain, &meter, &mut archive)?;
        }
        _ => tape::read(Plain::bare(bytes, &meter, MOST_READ), &meter, &mut archive)?,
    }
    let skipped = Vec::from_iter(archive.skipped);
    if !skipped.is_empty() {
        notes.push(format!("not looked into: {}", listed(&skipped)));
    }
    bundle.strip();
    Ok(())
}

/// An archive that is being read.
pub struct Archive<'b, 'a> {
    bundle: &'b mut Bundle<'a>,
    seen: usize,
    skipped: BTreeSet<PathBuf>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File { executable: bool },
    Folder,
}

impl Archive<'_, '_> {
    /// Counts an entry, whatever it is.
    fn count(&mut self) -> Result<(), Refusal> {
        self.seen += 1;
        if self.seen > MOST_SEEN {
            let message = format!("the archive has more than {MOST_SEEN} entries; leave out what is not needed");
            return Err(Refusal::Limit(message));
        }
        Ok(())
    }

    /// Takes an entry; `read` gives its contents if at most that many bytes.
    fn entry(
        &mut self,
        name: &[u8],
        kind: Kind,
        read: impl FnOnce(u64) -> Result<Option<Vec<u8>>, Refusal>,
    ) -> Result<(), Refusal> {
        let path = clean(name)?;
        if path.as_os_str().is_empty() {
            return match kind {
                Kind::Folder => Ok(()),
                Kind::File { .. } => Err(Refusal::Forbidden("the archive has a file without a name".to_owned())),
            };
        }
        let mut above = PathBuf::new();
        let last = path.components().count();
        for (number, part) in path.components().enumerate() {
            above.push(part);
            let name = part.as_os_str().as_encoded_bytes();
            if super::is_litter(name) {
                return Ok(());
            }
            if super::is_ballast(name) && (number + 1 < last || kind == Kind::Folder) {
                self.skipped.insert(above);
                return Ok(());
            }
        }
        match kind {
            Kind::Folder => self.bundle.folder(path),
            Kind::File { executable } => {
                let bytes = read(self.bundle.left())?.ok_or_else(too_large)?;
                self.bundle.file(path, bytes.into(), executable)
            }
        }
    }
}

/// The path that an entry names, if it stays below where it starts.
fn clean(name: &[u8]) -> Result<PathBuf, Refusal> {
    let wrong = |why: &str| {
        let shown = shown(String::from_utf8_lossy(name).as_ref());
        Refusal::Forbidden(format!("the archive has an entry {shown}, {why}; pack it anew"))
    };
    if name.is_empty() {
        return Err(wrong("which has no name"));
    }
    if name.len() > LONGEST_PATH {
        return Err(wrong(&format!("a path of more than {LONGEST_PATH} bytes")));
    }
    let text = std::str::from_utf8(name).map_err(|_| wrong("which is not UTF-8"))?;
    if text.contains('\0') {
        return Err(wrong("a name with a zero byte"));
    }
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(part) if part.len() > LONGEST_NAME => {
                return Err(wrong(&format!("a name of more than {LONGEST_NAME} bytes")));
            }
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err(wrong("which leads out of its folder")),
            Component::RootDir | Component::Prefix(_) => return Err(wrong("which is an absolute path")),
        }
    }
    if path.components().count() > DEEPEST {
        return Err(Refusal::Limit(format!("{} lies more than {DEEPEST} folders deep", shown(&path))));
    }
    Ok(path)
}

/// An entry that is neither file nor folder.
fn special(name: &[u8], what: &str) -> Refusal {
    let name = shown(String::from_utf8_lossy(name).as_ref());
    Refusal::Forbidden(format!("the archive holds {name}, {what}; only files and folders can be submitted"))
}

/// An archive that cannot be read.
fn broken(why: impl std::fmt::Display) -> Refusal {
    let why: String = why.to_string().escape_debug().collect();
    Refusal::Unsupported(format!("the archive is damaged or not what its ending says: {why}"))
}

/// Reads what is left of `source`; none if there are more than `left` bytes.
fn contents(source: impl Read, left: u64, meter: &Meter) -> Result<Option<Vec<u8>>, Refusal> {
    super::tree::read_bounded(source, left).map_err(|error| meter.refusal(&error))
}

#[cfg(test)]
mod tests;
