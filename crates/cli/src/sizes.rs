//! The sizes of a test program by role: the table that `sizes!` leaves in the program's file, and the numbers that meet it.
//!
//! A table is resolved for a header, a page and a seed. Without a seed the base sizes are taken where they meet the table's
//! constraints. With a seed, or where they do not, each drawn size is any multiple of its step in its range.

mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};
use osmem_oracle::params::Params;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use table::{Entry, Table};

/// The section of a program's file that holds its table.
const SECTION: &str = ".osmem.sizes";
/// Draws before a table counts as one that cannot be met.
const DRAWS: usize = 2000;

/// A table that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SizesError {
    /// The program's file cannot be read as a program.
    #[error("cannot read the sizes of the program {}: {reason}; build the battery again", path.display())]
    Unreadable {
        /// The program.
        path: PathBuf,
        /// The system's or the parser's words.
        reason: String,
    },
    /// The table is not written as it must be.
    #[error("the sizes of the program {}: {reason}", path.display())]
    Table {
        /// The program.
        path: PathBuf,
        /// The entry and its fault.
        reason: String,
    },
    /// No sizes meet the table.
    #[error(
        "the sizes of the program {} cannot be met for headers of {header} bytes, a preallocation of {preallocation} bytes and \
         pages of {page} bytes: {entry}", path.display()
    )]
    Unmet {
        /// The program.
        path: PathBuf,
        /// The header, in bytes.
        header: u64,
        /// The preallocation, in bytes.
        preallocation: u64,
        /// The page, in bytes.
        page: u64,
        /// The entry that failed last.
        entry: String,
    },
}

/// The sizes of one program.
#[derive(Debug)]
pub struct Sizes {
    path: PathBuf,
    name: String,
    table: Table,
}

impl Sizes {
    /// Reads the table in the file of the program that is called `name`; one without a table has no sizes to be chosen.
    pub fn of(path: &Path, name: &str) -> Result<Self, SizesError> {
        let unreadable = |reason: String| SizesError::Unreadable { path: path.to_owned(), reason };
        let data = fs::read(path).map_err(|error: io::Error| unreadable(error.to_string()))?;
        let file = object::File::parse(&*data).map_err(|error| unreadable(error.to_string()))?;
        let text = match file.section_by_name(SECTION) {
            None => Ok(&b""[..]),
            Some(section) => section.data().map_err(|error| unreadable(error.to_string())),
        }?;
        // A table in C ends with a zero.
        Self::parse(path, name, String::from_utf8_lossy(text).trim_end_matches('\0'))
    }

    fn parse(path: &Path, name: &str, text: &str) -> Result<Self, SizesError> {
        let table = Table::parse(text).map_err(|reason| SizesError::Table { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), name: name.to_owned(), table })
    }

    /// Whether another seed gives other sizes.
    pub fn vary(&self) -> bool {
        self.table.entries.iter().any(|entry| matches!(entry, Entry::Drawn { .. }))
    }

    /// Returns the program's arguments: none where it counts with its own numbers, otherwise the header and every size, in bytes.
    pub fn arguments(&self, params: &Params, seed: Option<u64>) -> Result<Vec<String>, SizesError> {
        let own =
            params.header == Params::CONTRACT.header && params.calloc_threshold == Params::CONTRACT.calloc_threshold;
        let base = self.table.resolve(params, |_, base, _, _| base);
        if let (None, Ok(_), true) = (seed, &base, own) {
            return Ok(Vec::new());
        }
        let sizes = match (seed, base) {
            (None, Ok(base)) => base,
            (seed, base) => self.draw(params, seed.unwrap_or(0), base.err())?,
        };
        Ok([params.header].into_iter().chain(sizes).map(|number| number.to_string()).collect())
    }

    /// Draws sizes until they meet the table.
    fn draw(&self, params: &Params, seed: u64, unmet: Option<String>) -> Result<Vec<u64>, SizesError> {
        // Other sizes for each program, whatever stands beside it.
        let stream = self.name.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Pcg64::seed_from_u64(stream);
        let mut unmet = unmet.unwrap_or_default();
        for _ in 0..DRAWS {
            let drawn = self.table.resolve(params, |step, _, low, high| {
                step * random.random_range(low.div_ceil(step)..high.div_ceil(step))
            });
            match drawn {
                Ok(sizes) => return Ok(sizes),
                Err(entry) => unmet = entry,
            }
        }
        Err(SizesError::Unmet {
            path: self.path.clone(),
            header: params.header,
            preallocation: params.preallocation,
            page: params.calloc_threshold,
            entry: unmet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "hole = 496 in 400 .. 900; guard = 96 in 16 .. 200; merged = 2 * hole + HEADER; rest = WHOLE - (merged + \
                         HEADER); where merged > guard;";

    fn sizes(text: &str) -> Sizes {
        Sizes::parse(Path::new("best-fit"), "best-fit", text).unwrap()
    }

    fn params(header: u64) -> Params {
        Params { header, ..Params::CONTRACT }
    }

    #[test]
    fn base_sizes_need_no_arguments() {
        assert!(sizes(TABLE).arguments(&Params::CONTRACT, None).unwrap().is_empty());
        assert!(sizes("").arguments(&Params::CONTRACT, Some(7)).unwrap().len() == 1, "the header alone");
    }

    #[test]
    fn another_header_changes_what_follows_from_it() {
        let given = sizes(TABLE).arguments(&params(48), None).unwrap();
        let rest = (131_072 - 48 - (2 * 496 + 48 + 48)).to_string();
        assert_eq!(given, ["48", "496", "96", "1040", rest.as_str()]);
    }

    #[test]
    fn a_seed_draws_the_same_sizes_each_time_and_keeps_the_step() {
        let table = sizes(TABLE);
        let drawn = |seed| table.arguments(&Params::CONTRACT, Some(seed)).unwrap();
        assert_eq!(drawn(5), drawn(5));
        assert_ne!(drawn(5), drawn(6));
        for seed in 0..100 {
            let hole: u64 = drawn(seed)[1].parse().unwrap();
            assert!(hole.is_multiple_of(16) && (400..900).contains(&hole), "{hole}");
        }
    }

    #[test]
    fn base_sizes_that_do_not_fit_another_header_are_drawn_anew() {
        let table = sizes("a = 496 in 16..900; where a > 10 * HEADER;");
        let a: u64 = table.arguments(&params(64), None).unwrap()[1].parse().unwrap();
        assert!(a > 640, "{a}");
    }

    #[test]
    fn what_cannot_be_met_names_program_header_and_entry() {
        let error = sizes("a = 96 in 16..100; rest = a - HEADER;").arguments(&params(256), Some(1)).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("program best-fit cannot be met for headers of 256 bytes"), "{error}");
        assert!(error.contains("rest = a - HEADER"), "{error}");
        let error = sizes("a = 96 in 16..100; where a > PAGE;").arguments(&params(256), None).unwrap_err().to_string();
        assert!(error.ends_with("where a > PAGE"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_program_is_named() {
        let error = Sizes::of(Path::new("/dev/null"), "null").unwrap_err().to_string();
        assert!(error.contains("/dev/null") && error.contains("build the battery"), "{error}");
    }
}
