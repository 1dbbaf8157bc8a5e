//! tar archives.

use std::io::Read;
use std::rc::Rc;

use tar::EntryType;

use super::meter::{Meter, Plain};
use super::{Archive, Kind, broken, contents, special};
use crate::grade::intake::refusal::Refusal;

/// What headers and contents are rounded up to.
const BLOCK: u64 = 512;

/// Takes the entries of a tar archive.
pub fn read<R: Read>(source: Plain<R>, meter: &Rc<Meter>, archive: &mut Archive) -> Result<(), Refusal> {
    let mut tar = tar::Archive::new(source);
    // Where the last entry ends.
    let mut end = 0_u64;
    for entry in tar.entries().map_err(|error| meter.refusal(&error))? {
        let mut entry = entry.map_err(|error| meter.refusal(&error))?;
        archive.count()?;
        let (size, name) = (entry.size(), entry.path_bytes().into_owned());
        end = entry.raw_file_position().saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
        let kind = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => {
                return Err(special(&name, "a file with the name of a folder"));
            }
            EntryType::Regular | EntryType::Continuous => {
                Kind::File { executable: entry.header().mode().map_err(broken)? & 0o111 != 0 }
            }
            EntryType::Directory => Kind::Folder,
            // Such as the name of the commit that `git archive` writes.
            EntryType::XGlobalHeader => continue,
            EntryType::Symlink => return Err(special(&name, "a symbolic link")),
            EntryType::Link => return Err(special(&name, "a hard link")),
            EntryType::Fifo => return Err(special(&name, "a named pipe")),
            EntryType::Char | EntryType::Block => return Err(special(&name, "a device")),
            EntryType::GNUSparse => return Err(special(&name, "a sparse file")),
            _ => return Err(special(&name, "an entry of an unknown kind")),
        };
        if let Some(extensions) = entry.pax_extensions().map_err(|error| meter.refusal(&error))? {
            for extension in extensions {
                if extension.map_err(broken)?.key_bytes().starts_with(b"GNU.sparse") {
                    return Err(special(&name, "a sparse file"));
                }
            }
        }
        archive.entry(&name, kind, |left| {
            // What is too large need not be read to be refused.
            if size > left {
                return Ok(None);
            }
            let bytes = contents(&mut entry, left, meter)?;
            match &bytes {
                Some(bytes) if bytes.len() as u64 != size => Err(broken("it ends within a file")),
                _ => Ok(bytes),
            }
        })?;
    }
    // Without the block of zeros, files may be missing.
    if meter.plain() < end.saturating_add(BLOCK) {
        return Err(broken("it ends too early"));
    }
    rest(tar.into_inner(), meter)
}

/// Reads to the end: a compressed archive has its checksum there.
fn rest(mut source: impl Read, meter: &Meter) -> Result<(), Refusal> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = source.read(&mut buffer).map_err(|error| meter.refusal(&error))?;
        if count == 0 {
            return Ok(());
        }
        if buffer.iter().take(count).any(|byte| *byte != 0) {
            return Err(broken("there is something after its end"));
        }
    }
}
