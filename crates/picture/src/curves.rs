//! Curves over the calls of a run, for documents: panels below each other that share their calls.

use std::fmt::Write as _;

use crate::svg;

/// Units of the whole width.
const WIDTH: usize = 960;
/// Units left of a panel.
const LEFT: usize = 110;
/// Units of a panel's width.
const PLOT: usize = WIDTH - LEFT - 20;
/// Units of a panel's height.
const PANEL: usize = 200;
/// Units from the top of a panel to that of the next.
const STEP: usize = PANEL + 66;
/// Units above the first panel.
const TOP: usize = 70;
/// The looks of the curves of a panel, in their order.
const STROKES: [&str; 3] = ["#0969da", "#cf222e", "#1a7f37"];

/// Curves that share a scale.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// The value at its top.
    pub top: f64,
    /// The text of a value.
    pub label: fn(f64) -> String,
    /// The curves, three at most.
    pub curves: Vec<Curve>,
}

/// The course of one figure.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its values by the numbers of the calls, in order.
    pub points: Vec<(u64, f64)>,
}

/// Returns the drawing of panels.
pub fn draw(title: &str, subtitle: &str, panels: &[Panel]) -> String {
    let calls = || panels.iter().flat_map(|panel| &panel.curves).flat_map(|curve| &curve.points).map(|point| point.0);
    let (first, last) = (calls().min().unwrap_or(1), calls().max().unwrap_or(1));
    let height = TOP + STEP * panels.len();
    let mut out = svg::open(WIDTH, height, title);
    text(&mut out, (8, 18), "t", title);
    text(&mut out, (8, 34), "m", subtitle);
    for (number, panel) in panels.iter().enumerate() {
        draw_panel(&mut out, panel, TOP + STEP * number, (first, last));
    }
    out.push_str("</svg>\n");
    out
}

fn text(out: &mut String, (x, y): (usize, usize), class: &str, what: &str) {
    _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", svg::escaped(what));
}

fn draw_panel(out: &mut String, panel: &Panel, above: usize, (first, last): (u64, u64)) {
    let bottom = above + PANEL;
    let top = if panel.top > 0.0 { panel.top } else { 1.0 };
    let x = |call: u64| LEFT as f64 + PLOT as f64 * (call - first) as f64 / (last - first).max(1) as f64;
    let y = |value: f64| bottom as f64 - PANEL as f64 * (value / top).clamp(0.0, 1.0);
    text(out, (LEFT, above - 10), "t", &panel.title);
    _ = writeln!(out, "<path class=\"s\" d=\"M{LEFT} {above}V{bottom}H{}\"/>", LEFT + PLOT);
    for part in 0..=4u32 {
        let value = top * f64::from(part) / 4.0;
        let (height, what) = (y(value) + 4.0, svg::escaped(&(panel.label)(value)));
        _ = writeln!(out, "<text class=\"m\" x=\"{}\" y=\"{height:.1}\" text-anchor=\"end\">{what}</text>", LEFT - 6);
        let call = first + (last - first) * u64::from(part) / 4;
        let (across, under) = (x(call), bottom + 16);
        _ = writeln!(out, "<text class=\"m\" x=\"{across:.1}\" y=\"{under}\" text-anchor=\"middle\">{call}</text>");
    }
    for (place, (curve, stroke)) in panel.curves.iter().zip(STROKES).enumerate() {
        let path = curve.points.iter().fold(String::new(), |mut path, (call, value)| {
            let step = if path.is_empty() { 'M' } else { 'L' };
            _ = write!(path, "{step}{:.1} {:.1}", x(*call), y(*value));
            path
        });
        let name = svg::escaped(&curve.name);
        if !path.is_empty() {
            _ = writeln!(
                out,
                "<path fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.5\" d=\"{path}\"><title>{name}</title></path>"
            );
        }
        let (at, under) = (LEFT + 170 * place, bottom + 34);
        _ = writeln!(
            out,
            "<path stroke=\"{stroke}\" stroke-width=\"3\" d=\"M{at} {}h18\"/><text class=\"m\" x=\"{}\" y=\"{under}\">{name}</text>",
            under - 4,
            at + 24
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: Vec<(u64, f64)>) -> Panel {
        let curve = |name: &str| Curve { name: name.to_owned(), points: points.clone() };
        Panel {
            title: "a < b".to_owned(),
            top: 100.0,
            label: |value| format!("{value:.0} %"),
            curves: vec![curve("one")],
        }
    }

    #[test]
    fn a_curve_reaches_from_the_first_call_to_the_last() {
        let svg = draw("t", "", &[panel(vec![(1, 0.0), (3, 50.0), (5, 100.0)]), panel(Vec::new())]);
        assert!(svg.contains(&format!("d=\"M{LEFT}.0 270.0L525.0 170.0L{}.0 70.0\"", LEFT + PLOT)), "{svg}");
        for expected in ["a &lt; b", ">100 %<", ">5<", "<title>one</title>"] {
            assert!(svg.contains(expected), "{expected}\n{svg}");
        }
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn nothing_is_an_empty_drawing() {
        assert!(draw("t", "", &[]).ends_with("</svg>\n"));
        assert!(!draw("t", "", &[Panel { top: 0.0, ..panel(vec![(1, 0.0)]) }]).contains("NaN"));
    }
}
