//! A mistake as the record has it: its tests, the one that shows it best, and the heap at the call in question.
//!
//! The heap is kept as blocks, and not as a drawing, so that every report draws it in its own way.

use osmem_picture::row::{Kind, Piece, Place, Row};
use osmem_picture::run::{Call, Picture, Role, Wrong};
use serde::{Deserialize, Serialize};

/// Blocks of a row that are kept, at most.
const MOST_BLOCKS: usize = 120;
/// Blocks that are kept beside those that change.
const BESIDE: usize = 12;

/// A mistake and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// The cause, by its name; none where no known mistake explains it.
    pub cause: Option<String>,
    /// The failed tests that show it.
    pub tests: Vec<String>,
    /// The test that shows it best.
    pub example: String,
    /// The heap at the call in question; none where it cannot be drawn.
    pub picture: Option<Drawn>,
}

/// The heap before and behind one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// The number of the call, counted from 1.
    pub call: usize,
    /// The call with the program's names: `b4 = os_malloc(96)`.
    pub text: String,
    /// The place that it gave; empty for `os_free`.
    pub result: String,
    /// Its system calls.
    pub system: Vec<String>,
    /// The number of its block's name.
    pub subject: Option<u32>,
    /// The blocks before it.
    pub before: Vec<Block>,
    /// The blocks behind it.
    pub after: Vec<Block>,
    /// Its difference from the contract; none where it keeps the contract and the end of the run does not.
    pub wrong: Option<Expected>,
}

/// The demands of the contract on a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The rule: `R5 best fit`.
    pub rule: String,
    /// The difference, in a sentence.
    pub sentence: String,
    /// The place that is demanded; empty for `os_free`.
    pub result: String,
    /// The system calls that are demanded.
    pub system: Vec<String>,
    /// The blocks that are demanded behind the call.
    pub after: Vec<Block>,
}

/// The use of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// The program holds it.
    Used,
    /// It is free.
    Free,
    /// It is not the allocator's.
    Foreign,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// 0 for the heap, otherwise the number of the mapping.
    pub region: u32,
    /// Bytes from the start of the region to its first byte.
    pub offset: u64,
    /// Bytes of its header.
    pub header: u64,
    /// Bytes of its payload.
    pub size: u64,
    /// Its use.
    pub status: Use,
    /// The number of the program's name for it.
    pub name: Option<u32>,
}

impl From<&Piece> for Block {
    fn from(piece: &Piece) -> Self {
        let Piece { start, header, size, kind, name } = *piece;
        let status = match kind {
            Kind::Used => Use::Used,
            Kind::Free => Use::Free,
            Kind::Foreign => Use::Foreign,
        };
        Self { region: start.region, offset: start.offset, header, size, status, name }
    }
}

impl From<&Block> for Piece {
    fn from(block: &Block) -> Self {
        let kind = match block.status {
            Use::Used => Kind::Used,
            Use::Free => Kind::Free,
            Use::Foreign => Kind::Foreign,
        };
        let start = Place { region: block.region, offset: block.offset };
        Self { start, header: block.header, size: block.size, kind, name: block.name }
    }
}

impl Drawn {
    /// Returns the call at `place` of a picture; `None` where it changes too much to be drawn.
    pub fn of(picture: &Picture, place: usize) -> Option<Self> {
        let scene = picture.scene(place)?;
        let row = |role: Role| scene.rows.iter().find(|(other, _)| *other == role).map(|(_, row)| row);
        let before = row(Role::Before)?;
        let after = row(Role::Actual).or_else(|| row(Role::After))?;
        let expected = row(Role::Expected);
        let all: Vec<&Row> = [before, after].into_iter().chain(expected).collect();
        let kept = Kept::of(&all)?;
        let call = scene.call;
        let wrong = call.wrong.as_ref().zip(expected).map(|(wrong, row)| Expected {
            rule: wrong.rule.clone(),
            sentence: wrong.sentence.clone(),
            result: wrong.result.clone(),
            system: wrong.system.clone(),
            after: kept.blocks(row),
        });
        Some(Self {
            call: call.number,
            text: call.text.clone(),
            result: call.result.clone(),
            system: call.system.clone(),
            subject: call.subject,
            before: kept.blocks(before),
            after: kept.blocks(after),
            wrong,
        })
    }

    /// Returns the picture of this call alone, under a title.
    pub fn picture(&self, title: &str) -> Picture {
        let row = |blocks: &[Block]| Row::of(blocks.iter().map(Piece::from));
        let (first, after) = (row(&self.before), row(&self.after));
        let wrong = self.wrong.as_ref().map(|wrong| Wrong {
            rule: wrong.rule.clone(),
            sentence: wrong.sentence.clone(),
            result: wrong.result.clone(),
            system: wrong.system.clone(),
            change: first.change_to(&row(&wrong.after)),
        });
        let call = Call {
            number: self.call,
            text: self.text.clone(),
            result: self.result.clone(),
            system: self.system.clone(),
            subject: self.subject,
            change: first.change_to(&after),
            brk: 0,
            wrong,
        };
        Picture { title: title.to_owned(), first, calls: vec![call], ..Picture::default() }
    }
}

/// The part of the rows that is kept.
struct Kept(Option<(Place, Place)>);

impl Kept {
    /// Returns the blocks that change and some beside them; `None` where those are too many.
    fn of(rows: &[&Row]) -> Option<Self> {
        if rows.iter().all(|row| row.pieces().count() <= MOST_BLOCKS) {
            return Some(Self(None));
        }
        let first = rows.first()?;
        let is_common = |piece: &Piece| rows.iter().all(|row| row.pieces().any(|other| other == piece));
        let changed: Vec<Place> = rows
            .iter()
            .flat_map(|row| row.pieces())
            .filter(|piece| !is_common(piece))
            .map(|piece| piece.start)
            .collect();
        let (from, to) = (changed.iter().min()?, changed.iter().max()?);
        let places: Vec<Place> = first.pieces().map(|piece| piece.start).collect();
        let (low, high) = (places.partition_point(|place| place < from), places.partition_point(|place| place <= to));
        let from = places.get(low.saturating_sub(BESIDE)).copied().unwrap_or_default().min(*from);
        let to = places.get(high + BESIDE).or(places.last()).copied().unwrap_or_default().max(*to);
        let kept = Self(Some((from, to)));
        rows.iter().all(|row| kept.blocks(row).len() <= MOST_BLOCKS).then_some(kept)
    }

    fn blocks(&self, row: &Row) -> Vec<Block> {
        let is_kept = |piece: &&Piece| self.0.is_none_or(|(from, to)| (from..=to).contains(&piece.start));
        row.pieces().filter(is_kept).map(Block::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(offset: u64, size: u64, name: Option<u32>) -> Piece {
        let kind = if name.is_some() { Kind::Used } else { Kind::Free };
        Piece { start: Place { region: 0, offset }, header: 32, size, kind, name }
    }

    fn picture(blocks: u32) -> Picture {
        let row = |given: Option<u32>| {
            let used = (0..blocks).map(|number| piece(u64::from(number) * 40, 8, Some(number + 1)));
            Row::of(used.chain([piece(u64::from(blocks) * 40, 8, given)]))
        };
        let (first, after) = (row(None), row(Some(blocks + 1)));
        let change = first.change_to(&after);
        let call = Call {
            number: 7,
            text: "b9 = os_malloc(8)".to_owned(),
            result: "HEAP+0x20".to_owned(),
            system: Vec::new(),
            subject: Some(blocks + 1),
            change,
            brk: 0,
            wrong: None,
        };
        Picture { first, calls: vec![call], ..Picture::default() }
    }

    #[test]
    fn a_picture_comes_back_as_it_was() {
        let before = picture(3);
        let drawn = Drawn::of(&before, 0).unwrap();
        let text = serde_json::to_string(&drawn).unwrap();
        let again: Drawn = serde_json::from_str(&text).unwrap();
        assert_eq!(again.picture("t").scene(0).unwrap().rows, before.scene(0).unwrap().rows);
        assert!(Drawn::of(&before, 1).is_none());
    }

    #[test]
    fn of_many_blocks_those_around_the_change_are_kept() {
        let drawn = Drawn::of(&picture(5000), 0).unwrap();
        assert_eq!((drawn.before.len(), drawn.after.len()), (BESIDE + 1, BESIDE + 1));
        assert_eq!(drawn.after.last().unwrap().name, Some(5001));
    }
}
