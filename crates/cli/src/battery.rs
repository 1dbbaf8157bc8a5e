//! The battery on disk: the suite, its programs and its golden traces.

use std::collections::BTreeMap;
use std::path::PathBuf;

use osmem_trace::{Trace, golden};

use crate::args::BatteryArgs;
use crate::error::Error;
use crate::layout::{self, Layout};
use crate::suite::{Suite, Test};

/// A loaded suite and where its parts lie.
#[derive(Debug)]
pub struct Battery {
    /// The tests.
    pub suite: Suite,
    /// The folder of the programs.
    pub programs: PathBuf,
    /// Where programs lie that lie elsewhere, by their names.
    pub moved: BTreeMap<String, PathBuf>,
    /// The folder of the golden traces.
    pub traces: PathBuf,
}

impl Battery {
    /// Loads the suite.
    pub fn load(layout: &Layout, args: &BatteryArgs) -> Result<Self, Error> {
        let fixtures = layout.fixtures(args.fixtures.as_deref())?;
        let suite = Suite::load(&layout::suite_file(&fixtures))?;
        let programs = layout.programs(args.programs.as_deref())?;
        Ok(Self { suite, programs, moved: BTreeMap::new(), traces: fixtures.join("traces") })
    }

    /// The program of a test.
    pub fn program(&self, test: &Test) -> PathBuf {
        self.moved.get(&test.program).cloned().unwrap_or_else(|| self.programs.join(&test.program))
    }

    /// The file of a test's golden trace.
    pub fn fixture(&self, test: &Test) -> PathBuf {
        golden::path(&self.traces, &test.name)
    }

    /// The golden traces of `tests`, in their order.
    pub fn golden(&self, tests: &[&Test]) -> Result<Vec<Trace>, Error> {
        tests.iter().map(|test| Ok(golden::read(&self.fixture(test))?)).collect()
    }

    /// Golden traces that belong to no test.
    pub fn orphans(&self) -> Result<Vec<PathBuf>, Error> {
        let names = golden::names(&self.traces)?;
        let orphaned = |name: &String| !self.suite.tests.iter().any(|test| test.name == *name);
        Ok(names.into_iter().filter(orphaned).map(|name| golden::path(&self.traces, &name)).collect())
    }
}

/// What a golden trace says about itself in its first line.
pub fn comment(test: &Test) -> String {
    format!("{}: {}", test.name, test.description)
}
