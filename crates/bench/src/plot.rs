//! Cost of a call against live blocks, both axes logarithmic, as an SVG.

use crate::Failure;
use plotters::prelude::*;
use std::path::Path;

/// One allocator: live blocks and nanoseconds.
pub struct Curve {
    pub name: String,
    pub points: Vec<(u64, f64)>,
}

const COLOURS: [RGBColor; 11] = [
    RGBColor(0, 0, 0),
    RGBColor(214, 39, 40),
    RGBColor(255, 127, 14),
    RGBColor(148, 103, 189),
    RGBColor(227, 119, 194),
    RGBColor(31, 119, 180),
    RGBColor(23, 190, 207),
    RGBColor(44, 160, 44),
    RGBColor(140, 86, 75),
    RGBColor(150, 150, 150),
    RGBColor(188, 189, 34),
];

/// Writes the plot.
#[expect(clippy::cast_precision_loss, reason = "a number of blocks")]
pub fn draw(path: &Path, curves: &[Curve]) -> Result<(), Failure> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let live = |pick: fn(f64, f64) -> f64, start| points().map(|(live, _)| *live as f64).fold(start, pick);
    let cost = |pick: fn(f64, f64) -> f64, start| points().map(|(_, cost)| *cost).fold(start, pick);
    if points().next().is_none() {
        return Ok(());
    }
    let across = live(f64::min, f64::MAX)..live(f64::max, 0.0) * 1.1;
    let up = cost(f64::min, f64::MAX) / 1.5..cost(f64::max, 0.0) * 1.5;
    let root = SVGBackend::new(path, (900, 560)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Cost of a call, random sizes from 16 to 1024 bytes", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(across.log_scale(), up.log_scale())?;
    chart
        .configure_mesh()
        .x_desc("live blocks")
        .y_desc("nanoseconds per call")
        .x_label_formatter(&|live| format!("{live:.0}"))
        .y_label_formatter(&|cost| format!("{cost:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line: Vec<_> = curve.points.iter().map(|(live, cost)| (*live as f64, *cost)).collect();
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)).point_size(3))?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    let style = WHITE.mix(0.8);
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(style).draw()?;
    Ok(root.present()?)
}
