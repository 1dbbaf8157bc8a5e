//! The columns of a scene: in all its rows the same column stands for the same address.
//!
//! Sizes differ by powers of ten, so widths grow with the logarithm. What no row changes, far from what changes, is folded.

use std::collections::{BTreeMap, BTreeSet};

use crate::row::{Piece, Place, Row};

/// Columns that a piece takes at least on average; it bounds how many are drawn.
const PER_PIECE: usize = 7;
/// Neighbours of a change that are drawn on either side of it where there is room.
const NEIGHBOURS: usize = 4;
/// Columns between two regions.
const GAP: usize = 2;
/// Columns of a fold.
const FOLD: usize = 4;
/// Bytes of a range that a header may be.
const HEADER: u64 = 512;

/// A stretch of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Memory of a region from an offset to an offset.
    Range {
        /// The first byte.
        from: Place,
        /// The offset behind the last one.
        to: u64,
    },
    /// So many pieces that are not drawn.
    Fold(usize),
    /// Nothing: the end of a region.
    Gap,
}

/// A part with its place on the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The memory that it stands for.
    pub part: Part,
    /// Its first column.
    pub column: usize,
    /// How many columns it takes.
    pub width: usize,
}

/// The columns of a scene.
#[derive(Clone, Debug)]
pub struct Axis {
    /// From left to right.
    pub segments: Vec<Segment>,
    kept: BTreeSet<Key>,
}

/// A piece as a key: no two drawn pieces of one row have the same.
type Key = (Place, u64, u64, Option<u32>);

fn key(piece: &Piece) -> Key {
    (piece.start, piece.header, piece.size, piece.name)
}

/// Returns the label of a piece; that of the call's block bears a mark, which colours are not needed for.
pub fn label(piece: &Piece, subject: Option<u32>, short: bool) -> String {
    let is_subject = subject.is_some() && piece.name == subject;
    format!("{}{}", if is_subject { "*" } else { "" }, piece.label(short))
}

impl Axis {
    /// Lays out these rows of a call about `subject` in at most `width` columns.
    pub fn of(rows: &[&Row], subject: Option<u32>, width: usize) -> Self {
        let union = union(rows);
        let distances = distances(&union, rows, subject);
        let mut most = (width / PER_PIECE).max(1);
        loop {
            let kept = kept(&distances, most);
            let (drawn, folded) = split(&union, &kept);
            let parts = parts(&drawn, &folded);
            let axis = Self {
                segments: placed(&parts, &drawn, subject, width),
                kept: drawn.iter().map(|piece| key(piece)).collect(),
            };
            if axis.width() <= width || most == 1 {
                return axis;
            }
            most -= 1;
        }
    }

    /// Returns how many columns it takes.
    pub fn width(&self) -> usize {
        self.segments.last().map_or(0, |last| last.column + last.width)
    }

    /// Returns whether a piece is drawn.
    pub fn draws(&self, piece: &Piece) -> bool {
        self.kept.contains(&key(piece))
    }

    /// Returns the first column of a stretch of memory and the column behind its last; `None` where it has none.
    pub fn columns(&self, from: Place, to: u64) -> Option<(usize, usize)> {
        let mut inside = self.segments.iter().filter(|segment| match segment.part {
            Part::Range { from: start, to: end } => {
                start.region == from.region && start.offset >= from.offset && end <= to
            }
            _ => false,
        });
        let first = inside.next()?;
        let last = inside.next_back().unwrap_or(first);
        Some((first.column, last.column + last.width))
    }
}

/// Returns every piece of every row once, in the order of their addresses.
fn union<'a>(rows: &[&'a Row]) -> Vec<&'a Piece> {
    let mut pieces: BTreeMap<Key, &Piece> = BTreeMap::new();
    for piece in rows.iter().flat_map(|row| row.pieces()) {
        pieces.insert(key(piece), piece);
    }
    pieces.into_values().collect()
}

/// Returns how many pieces away the next change is, for each piece; without a change, the call's block counts as one.
fn distances(union: &[&Piece], rows: &[&Row], subject: Option<u32>) -> Vec<usize> {
    let is_changed = |piece: &&Piece| !rows.iter().all(|row| row.holds(piece));
    let is_subject = |piece: &&Piece| subject.is_some() && piece.name == subject;
    let mut near: Vec<bool> = union.iter().map(is_changed).collect();
    if !near.contains(&true) {
        near = union.iter().map(is_subject).collect();
    }
    if !near.contains(&true)
        && let Some(first) = near.first_mut()
    {
        *first = true;
    }
    let mut distances = vec![usize::MAX; near.len()];
    let mut last = None;
    for place in 0..near.len() {
        last = if near[place] { Some(place) } else { last };
        distances[place] = last.map_or(usize::MAX, |last| place - last);
    }
    let mut next = None;
    for place in (0..near.len()).rev() {
        next = if near[place] { Some(place) } else { next };
        distances[place] = distances[place].min(next.map_or(usize::MAX, |next| next - place));
    }
    distances
}

/// Returns which pieces are drawn: at most about `most`, those nearest to a change.
fn kept(distances: &[usize], most: usize) -> Vec<bool> {
    if distances.len() <= most {
        return vec![true; distances.len()];
    }
    let within = |reach: usize| distances.iter().filter(|distance| **distance <= reach).count();
    match (0..=NEIGHBOURS).rev().find(|reach| within(*reach) <= most) {
        Some(reach) => distances.iter().map(|distance| *distance <= reach).collect(),
        None => {
            let mut left = most;
            let mut take = |distance: &usize| {
                let takes = *distance == 0 && left > 0;
                left -= usize::from(takes);
                takes
            };
            distances.iter().map(&mut take).collect()
        }
    }
}

fn split<'a>(union: &[&'a Piece], kept: &[bool]) -> (Vec<&'a Piece>, Vec<&'a Piece>) {
    let of = |wanted: bool| union.iter().zip(kept).filter(move |(_, kept)| **kept == wanted).map(|(piece, _)| *piece);
    (of(true).collect(), of(false).collect())
}

/// Returns the parts from left to right.
fn parts(drawn: &[&Piece], folded: &[&Piece]) -> Vec<Part> {
    let regions: BTreeSet<u32> = drawn.iter().chain(folded).map(|piece| piece.start.region).collect();
    let mut parts = Vec::new();
    for region in regions {
        let mine = |pieces: &[&Piece]| -> Vec<Piece> {
            pieces.iter().filter(|piece| piece.start.region == region).map(|piece| **piece).collect()
        };
        let (drawn, folded) = (mine(drawn), mine(folded));
        let fold = |from: u64, to: u64| folded.iter().filter(|p| p.start.offset >= from && p.end() <= to).count();
        let cuts: BTreeSet<u64> = drawn.iter().flat_map(|p| [p.start.offset, p.payload(), p.end()]).collect();
        let cuts: Vec<u64> = cuts.into_iter().collect();
        if !parts.is_empty() && !matches!(parts.last(), Some(Part::Fold(_)) if cuts.is_empty()) {
            parts.push(Part::Gap);
        }
        let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else {
            push_fold(&mut parts, folded.len());
            continue;
        };
        push_fold(&mut parts, fold(0, *first));
        for pair in cuts.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let is_drawn = drawn.iter().any(|piece| piece.start.offset <= from && to <= piece.end());
            match fold(from, to) {
                count if count > 0 && !is_drawn => push_fold(&mut parts, count),
                _ => parts.push(Part::Range { from: Place { region, offset: from }, to }),
            }
        }
        push_fold(&mut parts, fold(*last, u64::MAX));
    }
    parts
}

/// Adds a fold of a number of pieces, to the fold before it if there is one.
fn push_fold(parts: &mut Vec<Part>, count: usize) {
    match parts.last_mut() {
        _ if count == 0 => {}
        Some(Part::Fold(before)) => *before += count,
        _ => parts.push(Part::Fold(count)),
    }
}

/// Gives each part its columns: what labels need first, the rest by the logarithm of its bytes.
fn placed(parts: &[Part], drawn: &[&Piece], subject: Option<u32>, width: usize) -> Vec<Segment> {
    let mut widths: Vec<usize> = parts
        .iter()
        .map(|part| match part {
            Part::Range { .. } => 1,
            Part::Fold(_) => FOLD,
            Part::Gap => GAP,
        })
        .collect();
    for short in [true, false] {
        for piece in drawn {
            widen(&mut widths, parts, piece, label(piece, subject, short).len() + 1, width);
        }
    }
    share(&mut widths, parts, width);
    let mut column = 0;
    let place = |(part, width): (&Part, usize)| {
        let segment = Segment { part: *part, column, width };
        column += width;
        segment
    };
    parts.iter().zip(widths).map(place).collect()
}

/// Gives the parts of a piece `wanted` columns together, if there is room: those of its payload grow, the largest first.
fn widen(widths: &mut [usize], parts: &[Part], piece: &Piece, wanted: usize, width: usize) {
    let inside = |part: &Part| match part {
        Part::Range { from, to } => {
            from.region == piece.start.region && from.offset >= piece.start.offset && *to <= piece.end()
        }
        _ => false,
    };
    let mine: Vec<usize> = (0..parts.len()).filter(|place| inside(&parts[*place])).collect();
    let has: usize = mine.iter().map(|place| widths[*place]).sum();
    let room = width.saturating_sub(widths.iter().sum());
    let missing = wanted.saturating_sub(has);
    if missing > room {
        return;
    }
    let is_payload = |part: &Part| matches!(part, Part::Range { from, .. } if from.offset >= piece.payload());
    if let Some(largest) = mine.iter().max_by_key(|place| (is_payload(&parts[**place]), bytes(&parts[**place]))) {
        widths[*largest] += missing;
    }
}

/// Shares the columns that are left among the parts, by the logarithm of their bytes.
fn share(widths: &mut [usize], parts: &[Part], width: usize) {
    let left = width.saturating_sub(widths.iter().sum());
    let weight = |part: &Part| match bytes(part) {
        0..=HEADER => 0,
        bytes => usize::try_from(bytes.ilog2()).unwrap_or(0),
    };
    let total: usize = parts.iter().map(weight).sum();
    if total == 0 {
        return;
    }
    for (width, part) in widths.iter_mut().zip(parts) {
        *width += left * weight(part) / total;
    }
}

fn bytes(part: &Part) -> u64 {
    match part {
        Part::Range { from, to } => to - from.offset,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::fixture::piece;
    use crate::run::fixture::picture;

    #[test]
    fn the_same_address_has_the_same_column_in_every_row() {
        let picture = picture();
        let scene = picture.scene(3).unwrap();
        let rows: Vec<&Row> = scene.rows.iter().map(|(_, row)| row).collect();
        let axis = Axis::of(&rows, Some(4), 80);
        assert!(axis.width() <= 80);
        let b2 = piece(128, 8, Some(2));
        let (from, to) = axis.columns(b2.start, b2.end()).unwrap();
        assert!(to - from >= "b2 8".len(), "{axis:?}");
        // The actual row cuts the first block; both parts lie within it.
        let (whole, part) = (piece(0, 96, None), piece(0, 8, Some(4)));
        let (whole, part) = (axis.columns(whole.start, 128).unwrap(), axis.columns(part.start, 40).unwrap());
        assert!(whole.0 == part.0 && part.1 < whole.1, "{axis:?}");
    }

    #[test]
    fn what_is_far_from_a_change_is_folded() {
        let many: Vec<Piece> = (0..500).map(|number| piece(number * 100, 68, u32::try_from(number).ok())).collect();
        let before = Row::of(many.clone());
        let after = Row::of(many.into_iter().map(|mut piece| {
            piece.name = piece.name.filter(|name| *name != 250);
            piece
        }));
        for width in [12, 20, 60, 200] {
            let axis = Axis::of(&[&before, &after], Some(250), width);
            assert!(axis.width() <= width, "{width}: {axis:?}");
            let folded: usize = axis.segments.iter().map(|s| if let Part::Fold(n) = s.part { n } else { 0 }).sum();
            assert!(
                folded > 400 && [None, Some(250)].iter().any(|name| axis.draws(&piece(25_000, 68, *name))),
                "{width}: {axis:?}"
            );
        }
    }

    #[test]
    fn regions_lie_apart() {
        let mut mapped = piece(0, 200_000, Some(1));
        mapped.start.region = 1;
        let axis = Axis::of(&[&Row::of([piece(0, 96, None), mapped])], None, 60);
        assert!(axis.segments.iter().any(|segment| segment.part == Part::Gap));
        assert!(axis.columns(Place { region: 1, offset: 0 }, 200_032).is_some());
        assert_eq!(Axis::of(&[&Row::default()], None, 60).width(), 0);
    }
}
