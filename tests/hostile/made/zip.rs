//! Zip archives written by hand: a library that writes them refuses to lie.

use flate2::Crc;

/// For [`Member::flags`]: it is encrypted.
pub const ENCRYPTED: u16 = 1;
/// For [`Member::mode`]: a regular file, a symbolic link.
pub const FILE: u32 = 0o100_644;
pub const LINK: u32 = 0o120_777;

/// One member.
#[derive(Clone)]
pub struct Member {
    pub name: Vec<u8>,
    /// As it stands in the archive.
    pub bytes: Vec<u8>,
    /// How long the archive says it is, and what its checksum is.
    pub length: u32,
    pub crc: u32,
    /// 0: as it is; 8: deflated.
    pub method: u16,
    pub flags: u16,
    pub mode: u32,
}

impl Member {
    /// A member that is as it says.
    pub fn new(name: impl Into<Vec<u8>>, bytes: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(bytes);
        let length = u32::try_from(bytes.len()).expect("small");
        Self { name: name.into(), bytes: bytes.to_vec(), length, crc: crc.sum(), method: 0, flags: 0, mode: FILE }
    }

    /// The fields that both of its headers have.
    fn common(&self) -> Vec<u8> {
        let stored = u32::try_from(self.bytes.len()).expect("small");
        let mut head = Vec::new();
        for number in [20, self.flags, self.method, 0, 0x21] {
            head.extend(number.to_le_bytes());
        }
        for number in [self.crc, stored, self.length] {
            head.extend(number.to_le_bytes());
        }
        head.extend(u16::try_from(self.name.len()).expect("short").to_le_bytes());
        head.extend(0u16.to_le_bytes());
        head
    }
}

/// An archive of these.
pub fn archive(members: &[Member]) -> Vec<u8> {
    overlapping(members, members)
}

/// An archive that has `stored` in it and lists `listed`, all that is beyond `stored` being the first of them again.
pub fn overlapping(stored: &[Member], listed: &[Member]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    for member in stored {
        places.push(u32::try_from(all.len()).expect("small"));
        all.extend(b"PK\x03\x04");
        all.extend(member.common());
        all.extend(&member.name);
        all.extend(&member.bytes);
    }
    let start = u32::try_from(all.len()).expect("small");
    for (number, member) in listed.iter().enumerate() {
        all.extend(b"PK\x01\x02\x14\x03");
        all.extend(member.common());
        // No comment, first disk, binary.
        all.extend([0; 6]);
        all.extend((member.mode << 16).to_le_bytes());
        all.extend(places.get(number).or(places.first()).copied().unwrap_or_default().to_le_bytes());
        all.extend(&member.name);
    }
    let size = u32::try_from(all.len()).expect("small") - start;
    let count = u16::try_from(listed.len()).expect("few");
    all.extend(b"PK\x05\x06\0\0\0\0");
    all.extend(count.to_le_bytes());
    all.extend(count.to_le_bytes());
    all.extend(size.to_le_bytes());
    all.extend(start.to_le_bytes());
    all.extend([0; 2]);
    all
}
