//! zip archives.

use std::io::Cursor;
use std::rc::Rc;

use nix::sys::stat::SFlag;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::meter::{Meter, Plain, Squeezed};
use super::{Archive, Kind, broken, contents, special};
use crate::grade::intake::refusal::Refusal;
use crate::grade::intake::{MOST_BYTES, MOST_SEEN};

/// What begins the record at the end of an archive, which has the number of entries.
const END: &[u8] = b"PK\x05\x06";
/// What begins an entry of the directory.
const ENTRY: &[u8] = b"PK\x01\x02";

/// Takes the entries of a zip archive.
pub fn read(bytes: &[u8], meter: &Rc<Meter>, archive: &mut Archive) -> Result<(), Refusal> {
    // The library reads the whole directory at once; a file of 64 MiB has room for more than a million entries.
    if count(bytes, ENTRY) > MOST_SEEN {
        let message = format!("the archive has more than {MOST_SEEN} entries; leave out what is not needed");
        return Err(Refusal::Limit(message));
    }
    if count(bytes, END) == 0 {
        return Err(broken("it has no end; it was cut off, or is no zip archive"));
    }
    let mut zip = ZipArchive::new(Squeezed::new(Cursor::new(bytes), meter)).map_err(|error| refusal(error, meter))?;
    // The library keeps the last of two entries with one name.
    if zip.has_duplicate_names() {
        return Err(Refusal::Forbidden("the archive holds a file twice; pack it anew".to_owned()));
    }
    for number in 0..zip.len() {
        archive.count()?;
        let entry = zip.by_index_data(number).map_err(|error| refusal(error, meter))?;
        let (name, size, encrypted) = (entry.name_raw().to_vec(), entry.size(), entry.encrypted());
        if encrypted {
            return Err(Refusal::Unsupported("the archive is encrypted; pack it without a password".to_owned()));
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            let message = "the archive is compressed in a way that is not known here; pack it with deflate";
            return Err(Refusal::Unsupported(message.to_owned()));
        }
        let kind = kind(&name, entry.external_attributes() >> 16)?;
        if kind == Kind::Folder {
            archive.entry(&name, kind, |_| Ok(None))?;
            continue;
        }
        archive.entry(&name, kind, |left| {
            meter.restart();
            let entry = zip.by_index(number).map_err(|error| refusal(error, meter))?;
            let plain = Plain::squeezed(entry, meter, MOST_BYTES);
            let bytes = contents(plain, left, meter)?;
            match &bytes {
                Some(bytes) if bytes.len() as u64 != size => {
                    Err(broken("a file has not the size that is given for it"))
                }
                _ => Ok(bytes),
            }
        })?;
    }
    Ok(())
}

/// What an entry is, by its name and by what its system wrote as its mode.
fn kind(name: &[u8], mode: u32) -> Result<Kind, Refusal> {
    if name.contains(&b'\\') {
        return Err(special(name, "a name with a backslash"));
    }
    let folder = name.ends_with(b"/");
    let kind = SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits());
    if kind == SFlag::S_IFLNK {
        Err(special(name, "a symbolic link"))
    } else if kind.is_empty() || kind == if folder { SFlag::S_IFDIR } else { SFlag::S_IFREG } {
        Ok(if folder { Kind::Folder } else { Kind::File { executable: mode & 0o111 != 0 } })
    } else {
        Err(special(name, "which is neither a file nor a folder"))
    }
}

fn count(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).filter(|window| *window == mark).count()
}

/// What an error of the library means.
fn refusal(error: ZipError, meter: &Meter) -> Refusal {
    match error {
        ZipError::Io(error) => meter.refusal(&error),
        error => broken(error),
    }
}
