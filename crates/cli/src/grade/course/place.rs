//! Where in the course file a value stands, and the checks that every kind of value shares.

use std::ops::RangeInclusive;
use std::path::Path;

use toml::Spanned;

use super::CourseError;

/// The most points that anything may be worth.
const MOST_POINTS: f64 = 100_000.0;

/// The file that is being read.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its path, for errors.
    pub path: &'a Path,
    /// What is in it.
    pub text: &'a str,
}

impl Place<'_> {
    /// The line, counted from 1, that holds the byte at `offset`.
    pub fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    /// The error that `key`, whose value stands at `offset`, is wrong.
    pub fn wrong(&self, offset: usize, key: &str, message: impl std::fmt::Display) -> CourseError {
        CourseError::Content {
            path: self.path.to_owned(),
            line: self.line(offset),
            message: format!("{key}: {message}"),
        }
    }

    /// What the parser says, with the key it speaks of where that can be seen.
    pub fn unparsed(&self, error: &toml::de::Error) -> CourseError {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().replace('\n', ", ");
        let key = self.key_around(offset).map(|key| format!("{key}: ")).unwrap_or_default();
        CourseError::Content { path: self.path.to_owned(), line: self.line(offset), message: format!("{key}{message}") }
    }

    /// The key of the line around `offset`, with its table. Works on the bare text: what does not parse has no tables.
    fn key_around(&self, offset: usize) -> Option<String> {
        let rest = self.text.get(offset..)?;
        let end = rest.find('\n').map_or(self.text.len(), |length| offset + length);
        let before = self.text.get(..end)?;
        let key = before.lines().next_back()?.split_once('=')?.0.trim();
        let bare = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if !bare(key) {
            return None;
        }
        let table = before.lines().rev().find(|line| line.trim_start().starts_with('['));
        match table.map(|table| table.trim().trim_matches(['[', ']']).trim()) {
            Some(table) if bare(table) => Some(format!("{table}.{key}")),
            _ => Some(key.to_owned()),
        }
    }

    /// A whole number within bounds, or what holds where there is none.
    pub fn whole(
        &self,
        key: &str,
        value: Option<Spanned<i64>>,
        bounds: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, CourseError> {
        let Some(value) = value else { return Ok(default) };
        match u64::try_from(*value.get_ref()) {
            Ok(number) if bounds.contains(&number) => Ok(number),
            _ => {
                let message = format!(
                    "must be a whole number from {} to {}, is {}",
                    bounds.start(),
                    bounds.end(),
                    value.get_ref()
                );
                Err(self.wrong(value.span().start, key, message))
            }
        }
    }

    /// A number of points.
    pub fn points(&self, key: &str, value: &Spanned<f64>) -> Result<f64, CourseError> {
        self.number(key, value, 0.0..=MOST_POINTS)
    }

    /// A number within bounds; NaN is in none.
    pub fn number(&self, key: &str, value: &Spanned<f64>, bounds: RangeInclusive<f64>) -> Result<f64, CourseError> {
        let number = *value.get_ref();
        if bounds.contains(&number) {
            // -0.0 is in bounds too, and would be printed with its sign.
            Ok(number.abs())
        } else {
            let message = format!("must be a number from {} to {}, is {number}", bounds.start(), bounds.end());
            Err(self.wrong(value.span().start, key, message))
        }
    }

    /// A text of one line that is not empty.
    pub fn line_of_text(&self, key: &str, value: &Spanned<String>) -> Result<String, CourseError> {
        let text = value.get_ref();
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            Err(self.wrong(value.span().start, key, "must be one line of text and not empty"))
        } else {
            Ok(text.clone())
        }
    }

    /// A shell command: any text that is not empty and that a process can be given.
    pub fn command(&self, key: &str, value: &Spanned<String>) -> Result<String, CourseError> {
        let text = value.get_ref();
        if text.trim().is_empty() || text.contains('\0') {
            Err(self.wrong(value.span().start, key, "must be a shell command, such as \"make\""))
        } else {
            Ok(text.clone())
        }
    }
}
