//! What was submitted, as one number.

use sha2::{Digest, Sha256};

use super::MOST_BYTES;
use super::find::{Found, Shape};
use super::refusal::Refusal;
use super::tree::{self, Kind, Tree};
use crate::grade::course::Course;

/// SHA-256 over what was submitted, in hexadecimal: of a folder the sorted paths, kinds, executable bits and bytes, of
/// anything else its bytes. What is left out of a build does not count. Says nothing about whether it can be used.
pub fn digest(found: &Found, course: &Course) -> Result<String, Refusal> {
    let mut digest = Sha256::new();
    if found.shape == Shape::Folder {
        let tree = Tree::list(&found.path)?;
        let taken = || tree.items.iter().filter(|item| item.kind == Kind::Folder || item.is_taken(course));
        let size = taken().fold(0_u64, |size, item| size.saturating_add(item.size));
        if size > MOST_BYTES {
            return Err(tree::too_much(size, &format!("and at most {} are taken", MOST_BYTES >> 20), taken()));
        }
        for item in taken() {
            let (kind, bytes) = match item.kind {
                // Reading is bounded also where a file grows meanwhile.
                Kind::File => ("file", tree.read(item, MOST_BYTES)?),
                Kind::Folder => ("folder", Vec::new()),
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
