//! One table, for the terminal and for Markdown.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table as Drawn, TableStyle};

/// Headings and rows; the first column is text, the others are numbers.
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(headings: impl IntoIterator<Item = String>) -> Self {
        Self { headings: headings.into_iter().collect(), rows: Vec::new() }
    }

    pub fn column(&mut self, heading: &str) {
        self.headings.push(heading.to_string());
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn text(&self) -> String {
        self.draw(NOTHING)
    }

    pub fn markdown(&self) -> String {
        self.draw(ASCII_MARKDOWN)
    }

    fn draw(&self, style: TableStyle) -> String {
        let mut drawn = Drawn::new();
        drawn.load_style(style).set_header(&self.headings).add_rows(&self.rows);
        for column in drawn.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}\n", drawn.trim_fmt())
    }
}
