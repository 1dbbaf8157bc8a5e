//! A row of pieces in the order of their addresses, and the change from one row to the next.

use std::collections::BTreeMap;
use std::fmt;

/// The use of a piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A block that the program holds.
    Used,
    /// Memory of the allocator outside live blocks.
    Free,
    /// Memory below the break that is not the allocator's.
    Foreign,
}

/// A place: the heap or a mapping, and an offset in it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// 0 for the heap, otherwise the number of the mapping.
    pub region: u32,
    /// Bytes above the start of the region.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.region {
            0 => f.write_str("HEAP")?,
            number => write!(f, "MAP{number}")?,
        }
        if self.offset == 0 { Ok(()) } else { write!(f, "+{:#x}", self.offset) }
    }
}

/// One piece of a row: a header, which may be missing, and a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The first byte of its header.
    pub start: Place,
    /// Bytes of its header.
    pub header: u64,
    /// Bytes of its payload.
    pub size: u64,
    /// Its use.
    pub kind: Kind,
    /// The number of the program's name for it, 4 for `b4`.
    pub name: Option<u32>,
}

impl Piece {
    /// Returns the offset of its payload.
    pub fn payload(&self) -> u64 {
        self.start.offset + self.header
    }

    /// Returns the offset behind its last byte.
    pub fn end(&self) -> u64 {
        self.payload() + self.size
    }

    /// Returns its label: `b4 96` or `free 96`, or a shorter form where `short` is set.
    pub fn label(&self, short: bool) -> String {
        let word = match (self.kind, self.name) {
            (Kind::Used, Some(name)) => format!("b{name}"),
            (Kind::Used, None) => "used".to_owned(),
            (Kind::Free, _) => "free".to_owned(),
            (Kind::Foreign, _) => "not ours".to_owned(),
        };
        if short { word } else { format!("{word} {}", self.size) }
    }
}

/// The memory of an allocator at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pieces: BTreeMap<Place, Piece>,
}

/// The difference between two rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The starts of the pieces that go.
    pub gone: Vec<Place>,
    /// The pieces that come, or come in place of one with the same start.
    pub come: Vec<Piece>,
}

impl Row {
    /// Returns a row of these pieces; of two that begin at one place the later one stays.
    pub fn of(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self { pieces: pieces.into_iter().map(|piece| (piece.start, piece)).collect() }
    }

    /// Returns its pieces in the order of their addresses, the heap first.
    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = &Piece> {
        self.pieces.values()
    }

    /// Returns whether the same piece lies in it.
    pub fn holds(&self, piece: &Piece) -> bool {
        self.pieces.get(&piece.start) == Some(piece)
    }

    /// Returns the piece that bears this name.
    pub fn named(&self, name: u32) -> Option<&Piece> {
        self.pieces().find(|piece| piece.name == Some(name))
    }

    /// Returns whether no piece lies in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns the change that makes `next` of this row.
    pub fn change_to(&self, next: &Self) -> Change {
        let gone = self.pieces.keys().filter(|start| !next.pieces.contains_key(start)).copied().collect();
        let come = next.pieces().filter(|piece| !self.holds(piece)).copied().collect();
        Change { gone, come }
    }

    /// Applies a change.
    pub fn apply(&mut self, change: &Change) {
        for start in &change.gone {
            self.pieces.remove(start);
        }
        self.pieces.extend(change.come.iter().map(|piece| (piece.start, *piece)));
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// A piece of the heap with a header of 32 bytes.
    pub fn piece(offset: u64, size: u64, name: Option<u32>) -> Piece {
        let kind = if name.is_some() { Kind::Used } else { Kind::Free };
        Piece { start: Place { region: 0, offset }, header: 32, size, kind, name }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::piece;
    use super::*;

    #[test]
    fn a_change_makes_one_row_of_the_other() {
        let before = Row::of([piece(0, 96, Some(1)), piece(128, 200, None), piece(360, 8, Some(2))]);
        let after = Row::of([piece(0, 328, None), piece(360, 8, Some(2))]);
        let change = before.change_to(&after);
        assert_eq!(change.gone, [Place { region: 0, offset: 128 }]);
        assert_eq!(change.come, [piece(0, 328, None)]);
        let mut row = before.clone();
        row.apply(&change);
        assert_eq!(row, after);
        assert_eq!(before.change_to(&before), Change::default());
    }

    #[test]
    fn places_and_labels_are_those_of_traces() {
        assert_eq!(Place { region: 0, offset: 0 }.to_string(), "HEAP");
        assert_eq!(Place { region: 2, offset: 32 }.to_string(), "MAP2+0x20");
        assert_eq!(piece(0, 96, Some(4)).label(false), "b4 96");
        assert_eq!(piece(0, 96, None).label(true), "free");
        assert_eq!((piece(8, 96, None).payload(), piece(8, 96, None).end()), (40, 136));
    }
}
