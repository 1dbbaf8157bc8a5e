//! What was submitted, as one number.

use sha2::{Digest, Sha256};

use super::MOST_READ;
use super::find::{Found, Shape};
use super::refusal::Refusal;
use super::tree::{self, Kind, Tree};

/// SHA-256 over what was submitted, in hexadecimal: of a folder the sorted paths, kinds, executable bits and bytes, of
/// anything else its bytes. Says nothing about whether it can be used: links and devices count by their kind.
pub fn digest(found: &Found) -> Result<String, Refusal> {
    let mut digest = Sha256::new();
    if found.shape == Shape::Folder {
        let tree = Tree::list(&found.path)?;
        let size = tree.items.iter().fold(0_u64, |size, item| size.saturating_add(item.size));
        if size > MOST_READ {
            let (size, most) = (size >> 20, MOST_READ >> 20);
            let message = format!("it holds {size} MiB, and at most {most} are read; leave out what is not needed");
            return Err(Refusal::Limit(message));
        }
        for item in &tree.items {
            let (kind, bytes) = match item.kind {
                // Reading is bounded also where a file grows meanwhile.
                Kind::File => ("file", tree.read(item, MOST_READ)?),
                Kind::Folder => ("folder", Vec::new()),
                Kind::Special(what) => (what, Vec::new()),
            };
            for part in [item.path.as_os_str().as_encoded_bytes(), kind.as_bytes(), &bytes] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
            digest.update([u8::from(item.executable && item.kind == Kind::File)]);
        }
    } else {
        digest.update(tree::read_submitted(&found.path)?);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
