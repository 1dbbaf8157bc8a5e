//! The text of a table of sizes: entries parted by semicolons, each a drawn size, a size that follows from others, or a constraint.

use osmem_oracle::params::Params;

/// A table: its entries in order.
#[derive(Debug)]
pub struct Table {
    pub entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug)]
pub enum Entry {
    /// `NAME = BASE in LOW..HIGH`: any multiple of `step` in the range, the upper end excluded; all in bytes.
    Drawn { name: String, base: u64, low: u64, high: u64, step: u64 },
    /// `NAME = EXPRESSION`
    Derived { name: String, value: Expression, text: String },
    /// `where EXPRESSION < EXPRESSION`, or with another comparison
    Where { left: Expression, comparison: Comparison, right: Expression, text: String },
}

#[derive(Debug)]
pub enum Expression {
    Number(u64),
    Name(String),
    Both(Box<Expression>, char, Box<Expression>),
}

#[derive(Clone, Copy, Debug)]
pub enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Table {
    /// Reads a table; an error says which entry is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for text in text.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let entry = parse_entry(&text).map_err(|reason| format!("`{text}`: {reason}"))?;
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Computes every size in bytes, with `draw(step, base, low, high)` for the drawn ones. An error is the entry that is not met.
    pub fn resolve(
        &self,
        params: &Params,
        mut draw: impl FnMut(u64, u64, u64, u64) -> u64,
    ) -> Result<Vec<u64>, String> {
        let mut sizes: Vec<(&str, u64)> = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Drawn { name, base, low, high, step } => sizes.push((name, draw(*step, *base, *low, *high))),
                Entry::Derived { name, value, text } => {
                    let size = value.value(params, &sizes).filter(|size| *size > 0);
                    sizes.push((name, size.ok_or_else(|| text.clone())?));
                }
                Entry::Where { left, comparison, right, text } => {
                    let (left, right) = (left.value(params, &sizes), right.value(params, &sizes));
                    let holds = left.zip(right).is_some_and(|(left, right)| comparison.holds(left, right));
                    if !holds {
                        return Err(text.clone());
                    }
                }
            }
        }
        Ok(sizes.into_iter().map(|(_, size)| size).collect())
    }
}

impl Comparison {
    fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::AtLeast => left >= right,
            Self::More => left > right,
        }
    }
}

impl Expression {
    /// Returns the value; `None` where a name is unknown or a number leaves its range.
    fn value(&self, params: &Params, sizes: &[(&str, u64)]) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(name) => {
                sizes.iter().find(|(known, _)| known == name).map(|(_, size)| *size).or_else(|| word(name, params))
            }
            Self::Both(left, sign, right) => {
                let (left, right) = (left.value(params, sizes)?, right.value(params, sizes)?);
                match sign {
                    '+' => left.checked_add(right),
                    '-' => left.checked_sub(right),
                    '*' => left.checked_mul(right),
                    _ => left.checked_div(right),
                }
            }
        }
    }
}

/// Returns the value of a word that every table knows, in bytes.
fn word(name: &str, params: &Params) -> Option<u64> {
    let whole = params.preallocation - params.header;
    Some(match name {
        "HEADER" => params.header,
        "SPLIT" => params.header + params.alignment,
        "WHOLE" => whole,
        "LARGEST" => whole - params.alignment,
        "MAPPED" => params.mmap_threshold + params.alignment,
        "PAGE" => params.calloc_threshold,
        _ => return None,
    })
}

fn parse_entry(text: &str) -> Result<Entry, String> {
    if let Some(condition) = text.strip_prefix("where ") {
        const SIGNS: [(&str, Comparison); 5] = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("==", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        let found = SIGNS.iter().find_map(|(sign, comparison)| Some((condition.split_once(sign)?, *comparison)));
        let ((left, right), comparison) = found.ok_or("a constraint compares with <, <=, ==, >= or >")?;
        let text = text.to_owned();
        return Ok(Entry::Where { left: Parser::whole(left)?, comparison, right: Parser::whole(right)?, text });
    }
    let (name, value) = text.split_once('=').ok_or("an entry is `name = …` or `where …`")?;
    let name = name.trim().to_owned();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err("a name has small letters, digits and underscores".to_owned());
    }
    let Some((base, range)) = value.split_once(" in ") else {
        return Ok(Entry::Derived { name, value: Parser::whole(value)?, text: text.to_owned() });
    };
    let number = |text: &str| {
        text.trim().replace('_', "").parse::<u64>().map_err(|_| format!("`{}` is no number of bytes", text.trim()))
    };
    let (low, high) = range.split_once("..").ok_or("a range is `low..high`")?;
    let (base, low, high) = (number(base)?, number(low)?, number(high)?);
    let step = [16, 8, 4, 2].into_iter().find(|step| base.is_multiple_of(*step)).unwrap_or(1);
    if base < low || base >= high || low.div_ceil(step) >= high.div_ceil(step) {
        return Err("the base size must lie in the range".to_owned());
    }
    Ok(Entry::Drawn { name, base, low, high, step })
}

/// Reads an expression of names, numbers, `+ - * /` and parentheses.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn whole(text: &'a str) -> Result<Expression, String> {
        let mut parser = Self { rest: text.trim() };
        let value = parser.sum()?;
        if parser.rest.is_empty() { Ok(value) } else { Err(format!("`{}` is not understood", parser.rest)) }
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            value = Expression::Both(Box::new(value), sign, Box::new(self.product()?));
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut value = self.atom()?;
        while let Some(sign) = self.take(&['*', '/']) {
            value = Expression::Both(Box::new(value), sign, Box::new(self.atom()?));
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<Expression, String> {
        if self.take(&['(']).is_some() {
            let value = self.sum()?;
            return self.take(&[')']).map(|_| value).ok_or_else(|| "a parenthesis is not closed".to_owned());
        }
        let length = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest.trim_start();
        match word.bytes().next() {
            None => Err(format!("a name or a number is missing before `{}`", self.rest)),
            Some(first) if first.is_ascii_digit() => word
                .replace('_', "")
                .parse()
                .map(Expression::Number)
                .map_err(|_| format!("`{word}` is no number of bytes")),
            Some(_) => Ok(Expression::Name(word.to_owned())),
        }
    }

    fn take(&mut self, signs: &[char]) -> Option<char> {
        let sign = self.rest.chars().next().filter(|sign| signs.contains(sign))?;
        self.rest = self.rest[1..].trim_start();
        Some(sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Vec<u64>, String> {
        Table::parse(text)?.resolve(&Params::CONTRACT, |_, base, _, _| base)
    }

    #[test]
    fn expressions_are_computed_as_usual() {
        assert_eq!(
            resolved("a = 1_000 in 8..2_000; b = 2 * (a + HEADER) - a / 2; c = b - 8 - 8;").unwrap(),
            [1000, 1564, 1548]
        );
        assert_eq!(resolved("a = LARGEST; b = MAPPED; c = PAGE; d = SPLIT;").unwrap(), [131_032, 131_080, 4096, 40]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("a = 8 in 16..32;", "`a = 8 in 16..32`: the base size must lie in the range"),
            ("a 8;", "an entry is"),
            ("A = 8;", "small letters"),
            ("a = (8 + 8;", "not closed"),
            ("a = 8 +;", "missing"),
            ("a = 8 8;", "`8` is not understood"),
            ("where 8;", "compares"),
            ("a = 99999999999999999999;", "no number"),
            ("a = b + 8;", "a = b + 8"),
            ("a = 8 - 8;", "a = 8 - 8"),
            ("a = 8 / 0;", "a = 8 / 0"),
        ];
        for (text, expected) in cases {
            let error = resolved(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn constraints_hold_or_are_named() {
        for (text, holds) in [("8 < 8", false), ("8 <= 8", true), ("8 == 8", true), ("9 >= 10", false), ("9 > 8", true)]
        {
            assert_eq!(resolved(&format!("where {text};")).is_ok(), holds, "{text}");
        }
    }
}
