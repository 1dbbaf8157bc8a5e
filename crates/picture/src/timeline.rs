//! A whole run for documents: address over call number, each block a rectangle from its birth to its death.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::row::Kind;
use crate::run::{Life, Picture};
use crate::svg;

/// Units of the whole width.
const WIDTH: usize = 960;
/// Units left of the plot.
const LEFT: usize = 90;
/// Units of the plot's width.
const PLOT: usize = WIDTH - LEFT - 20;
/// Units of the height of the heap.
const HEAP: usize = 420;
/// Units above the heap.
const TOP: usize = 46;
/// Units of a lane of mappings.
const LANE: usize = 14;
/// Lanes of mappings that are drawn.
const LANES: usize = 24;
/// Rectangles that are drawn.
const MOST: usize = 40_000;

/// Returns the timeline of a run.
pub fn draw(picture: &Picture) -> String {
    let (first, last) = match (picture.calls.first(), picture.calls.last()) {
        (Some(first), Some(last)) => (first.number, last.number + 1),
        _ => (1, 2),
    };
    let lanes = lanes(&picture.lives);
    let drawn = lanes.values().copied().max().map_or(0, |lane| (lane + 1).min(LANES));
    let heap = if has_heap(picture) { HEAP } else { 20 };
    let mapped = TOP + heap + 30;
    let height = mapped + drawn * LANE + 60;
    let mut out = svg::open(WIDTH, height, &format!("{}: the blocks of calls {first} to {}", picture.title, last - 1));
    let text = |out: &mut String, x: usize, y: usize, class: &str, what: &str| {
        _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", svg::escaped(what));
    };
    text(&mut out, 8, 18, "t", &picture.title);
    text(&mut out, 8, 34, "m", "address over call number; one rectangle is one block");
    let x = |call: usize| LEFT as f64 + PLOT as f64 * (call.clamp(first, last) - first) as f64 / (last - first) as f64;
    let top = top(picture);
    let y = |offset: u64| (TOP + heap) as f64 - heap as f64 * offset.min(top) as f64 / top as f64;
    axis(&mut out, (top, heap), (first, last - 1), &x, &y);
    brk(&mut out, picture, &x, &y);
    for life in picture.lives.iter().take(MOST) {
        let (from, to) = (x(life.born), x(life.died.unwrap_or(last)));
        let (above, below) = match lanes.get(&life_key(life)) {
            Some(lane) if *lane < LANES => {
                let y = (mapped + lane * LANE) as f64;
                (y, y + LANE as f64 - 2.0)
            }
            Some(_) => continue,
            None => (y(life.piece.end()), y(life.piece.start.offset)),
        };
        rectangle(&mut out, life, (from, to), (above, below));
    }
    if drawn > 0 {
        text(&mut out, 8, mapped + 10, "m", "mapped");
    }
    for wrong in picture.calls.iter().filter(|call| call.wrong.is_some()).take(1) {
        let at = x(wrong.number);
        _ = writeln!(
            out,
            "<path class=\"s\" stroke-dasharray=\"3\" d=\"M{at:.1} {TOP}V{}\"/><text class=\"t\" x=\"{at:.1}\" y=\"{}\">call {} differs</text>",
            TOP + heap,
            TOP - 4,
            wrong.number
        );
    }
    let mut notes = picture.notes.clone();
    if let Some(highest) = picture.calls.iter().map(|call| call.brk).max().filter(|highest| *highest > top) {
        notes.insert(0, format!("the break lies above the plot, at +{highest:#x} at most"));
    }
    if picture.lives.len() > MOST {
        notes.push(format!("{} of {} blocks are drawn", MOST, picture.lives.len()));
    }
    text(&mut out, 8, height - 10, "m", &notes.join("; "));
    out.push_str("</svg>\n");
    out
}

/// Returns the offset at the top of the plot: the highest break, unless the blocks leave most of the heap empty.
fn top(picture: &Picture) -> u64 {
    let brk = picture.calls.iter().map(|call| call.brk).max().unwrap_or(0);
    let end = heap_lives(picture).map(|life| life.piece.end()).max().unwrap_or(0);
    let top = if end < brk / 2 { end + end / 8 } else { brk.max(end) };
    top.max(1)
}

fn heap_lives(picture: &Picture) -> impl Iterator<Item = &Life> {
    picture.lives.iter().filter(|life| life.piece.start.region == 0)
}

fn has_heap(picture: &Picture) -> bool {
    heap_lives(picture).next().is_some() || picture.calls.iter().any(|call| call.brk > 0)
}

fn life_key(life: &Life) -> (u32, usize) {
    (life.piece.start.region, life.born)
}

/// Returns the lane of each mapping: the lowest that is free from its birth to its death.
fn lanes(lives: &[Life]) -> BTreeMap<(u32, usize), usize> {
    let mut lanes = BTreeMap::new();
    let (mut free, mut used) = (BTreeSet::new(), 0);
    let mut busy: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut mapped: Vec<&Life> = lives.iter().filter(|life| life.piece.start.region > 0).collect();
    mapped.sort_by_key(|life| life.born);
    for life in mapped {
        while let Some(&(end, lane)) = busy.first().filter(|(end, _)| *end <= life.born) {
            busy.remove(&(end, lane));
            free.insert(lane);
        }
        let lane = free.pop_first().unwrap_or_else(|| {
            used += 1;
            used - 1
        });
        busy.insert((life.died.unwrap_or(usize::MAX), lane));
        lanes.insert(life_key(life), lane);
    }
    lanes
}

fn axis(
    out: &mut String,
    (top, heap): (u64, usize),
    (first, last): (usize, usize),
    x: &impl Fn(usize) -> f64,
    y: &impl Fn(u64) -> f64,
) {
    let bottom = TOP + heap;
    _ = writeln!(out, "<path class=\"s\" d=\"M{LEFT} {TOP}V{bottom}H{}\"/>", LEFT + PLOT);
    for part in 0..=4 {
        let offset = top / 4 * part;
        _ = writeln!(
            out,
            "<text class=\"m\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">+{offset:#x}</text>",
            LEFT - 6,
            y(offset) + 4.0
        );
        let call = first + (last - first) * usize::try_from(part).unwrap_or(0) / 4;
        _ = writeln!(
            out,
            "<text class=\"m\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{call}</text>",
            x(call),
            bottom + 16
        );
    }
}

/// Draws the break as a line.
fn brk(out: &mut String, picture: &Picture, x: &impl Fn(usize) -> f64, y: &impl Fn(u64) -> f64) {
    let mut path = String::new();
    let mut at = None;
    for call in &picture.calls {
        if at != Some(call.brk) {
            let (from, to) = (x(call.number), y(call.brk));
            match at {
                None => _ = write!(path, "M{from:.1} {to:.1}"),
                Some(_) => _ = write!(path, "H{from:.1}V{to:.1}"),
            }
            at = Some(call.brk);
        }
    }
    if at.is_some() {
        _ = writeln!(out, "<path class=\"s\" d=\"{path}H{}\"><title>the break</title></path>", LEFT + PLOT);
    }
}

fn rectangle(out: &mut String, life: &Life, (left, right): (f64, f64), (above, below): (f64, f64)) {
    let piece = &life.piece;
    let class = if piece.kind == Kind::Used { "u" } else { "f" };
    let died = life.died.map_or("to the end".to_owned(), |call| format!("to call {call}"));
    let what = format!("{} at {}, call {} {died}", piece.label(false), piece.start, life.born);
    _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{above:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
        (right - left - 0.3).max(0.6),
        (below - above - 0.3).max(0.6),
        svg::escaped(&what)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::picture;

    #[test]
    fn each_block_is_a_rectangle() {
        let mut picture = picture();
        let mut mapped = picture.lives[0];
        mapped.piece.start.region = 1;
        picture.lives.push(mapped);
        let svg = draw(&picture);
        assert_eq!(svg.matches("<rect class=\"u\"").count(), 3, "{svg}");
        for expected in [
            "b1 96 at HEAP, call 1 to call 3",
            ">mapped<",
            "call 4 differs",
            "the break lies above the plot, at +0x20000",
        ] {
            assert!(svg.contains(expected), "{expected}\n{svg}");
        }
    }

    #[test]
    fn mappings_that_live_together_lie_in_lanes_of_their_own() {
        let mut life = picture().lives[0];
        let mut lives = Vec::new();
        for (region, born, died) in [(1, 1, Some(5)), (2, 2, None), (3, 5, Some(6)), (4, 7, None)] {
            life.piece.start.region = region;
            lives.push(Life { born, died, ..life });
        }
        let lanes = lanes(&lives);
        assert_eq!(lanes.into_values().collect::<Vec<_>>(), [0, 1, 0, 0]);
    }

    #[test]
    fn a_run_without_calls_is_an_empty_plot() {
        assert!(draw(&Picture::default()).ends_with("</svg>\n"));
    }
}
