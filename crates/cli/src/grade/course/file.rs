//! The form of the course file, and from it to a course.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use clap::ValueEnum;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::details::{self, ReportValues};
use super::performance::{self, PerformanceValues};
use super::place::Place;
use super::{Band, BatteryPlan, BuildPlan, Counts, Course, CourseError, Late, Limits, Named, Overlay};
use super::{RandomPlan, Style};
use crate::args::Selection;
use crate::suite::Profile;

/// The most bytes of a course file; a longer one is something else.
const LONGEST: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<Spanned<String>>,
    seed: Option<Spanned<i64>>,
    secret: Option<Spanned<String>>,
    #[serde(default)]
    files: Vec<Spanned<String>>,
    #[serde(default)]
    build: Build,
    #[serde(default)]
    overlay: Overlays,
    #[serde(default)]
    battery: Battery,
    #[serde(default)]
    random: Random,
    performance: Option<Spanned<PerformanceValues>>,
    #[serde(default)]
    report: ReportValues,
    #[serde(default)]
    limits: LimitValues,
    #[serde(default)]
    late: LateValues,
    #[serde(default)]
    style: Vec<StyleValues>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    command: Option<Spanned<String>>,
    library: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Overlays {
    over: Option<Spanned<String>>,
    under: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Battery {
    profile: Option<Spanned<String>>,
    #[serde(default)]
    tests: Vec<Spanned<String>>,
    #[serde(default)]
    hidden: Vec<Spanned<String>>,
    #[serde(default)]
    points: BTreeMap<Spanned<String>, Spanned<f64>>,
    total: Option<Spanned<f64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Random {
    programs: Option<Spanned<i64>>,
    steps: Option<Spanned<i64>>,
    points: Option<Spanned<f64>>,
    hidden: Option<bool>,
    profile: Option<Profile>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitValues {
    test_seconds: Option<Spanned<i64>>,
    build_seconds: Option<Spanned<i64>>,
    total_seconds: Option<Spanned<i64>>,
    cpu_seconds: Option<Spanned<i64>>,
    memory_mib: Option<Spanned<i64>>,
    processes: Option<Spanned<i64>>,
    file_mib: Option<Spanned<i64>>,
    disk_mib: Option<Spanned<i64>>,
    open_files: Option<Spanned<i64>>,
    output_mib: Option<Spanned<i64>>,
    trace_mib: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LateValues {
    per_day: Option<Spanned<f64>>,
    most: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StyleValues {
    name: Spanned<String>,
    command: Option<Spanned<String>>,
    warnings: Option<Spanned<bool>>,
    skip: Option<Vec<Spanned<String>>>,
    points: Spanned<f64>,
    bands: Spanned<Vec<Spanned<Band>>>,
}

/// Reads the course file in `path`.
pub fn load(path: &Path) -> Result<Course, CourseError> {
    let read = |source: io::Error| CourseError::Read { path: path.to_owned(), source };
    let whole = |message: &str| CourseError::Whole { path: path.to_owned(), message: message.to_owned() };
    let meta = fs::metadata(path).map_err(read)?;
    // Reading a named pipe would wait for ever.
    if !meta.is_file() {
        return Err(whole("is not a file; name a course file, such as osmem.toml, with --course"));
    }
    if meta.len() > LONGEST {
        return Err(whole("is longer than 1 MiB, which no course file is"));
    }
    let text = fs::read_to_string(path).map_err(read)?;
    parse(path, &text)
}

/// Reads `text`, which stands in `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<Course, CourseError> {
    let at = Place { path, text };
    let file: File = toml::from_str(text).map_err(|error| at.unparsed(&error))?;
    let over = overlay(at, "overlay.over", file.overlay.over.as_ref())?;
    let under = overlay(at, "overlay.under", file.overlay.under.as_ref())?;
    let mut digest = Sha256::new();
    digest.update((text.len() as u64).to_le_bytes());
    digest.update(text);
    over.add_to(&mut digest);
    under.add_to(&mut digest);
    let mut named = Vec::new();
    let style = style(at, file.style)?;
    let mut steps: Vec<String> = style.iter().map(|step| step.name.clone()).collect();
    steps.extend(performance::NAMES.map(str::to_owned));
    let performance = performance::performance(at, file.performance)?;
    if let Some(ops) = performance.as_ref().and_then(|plan| plan.script.as_ref()) {
        digest.update(format!("{ops:?}"));
    }
    Ok(Course {
        name: file.name.as_ref().map(|name| at.line_of_text("name", name)).transpose()?.unwrap_or_default(),
        // toml counts to the greatest i64.
        seed: at.whole("seed", file.seed, 0..=i64::MAX as u64, 1)?,
        secret: file.secret.map(Spanned::into_inner),
        build: build(at, &file.build)?,
        files: globs(at, &file.files)?,
        over,
        under,
        battery: battery(at, file.battery, &mut named)?,
        random: random(at, file.random)?,
        performance,
        report: details::report(at, &file.report, &steps, &mut named)?,
        limits: limits(at, file.limits)?,
        late: late(at, &file.late)?,
        style,
        digest: digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        named,
    })
}

fn build(at: Place, values: &Build) -> Result<BuildPlan, CourseError> {
    let library = match &values.library {
        None => None,
        Some(value) => Some(relative(value.get_ref()).ok_or_else(|| {
            let message = "must be the path of a file below the submission's folder, such as \"build/libosmem.so\"";
            at.wrong(value.span().start, "build.library", message)
        })?),
    };
    let command = values.command.as_ref().map(|value| at.command("build.command", value)).transpose()?;
    Ok(BuildPlan { command, library })
}

/// A path that stays below where it starts.
fn relative(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let plain: PathBuf = path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    (stays && !plain.as_os_str().is_empty() && !text.contains('\0') && !text.ends_with('/')).then_some(plain)
}

fn globs(at: Place, values: &[Spanned<String>]) -> Result<Option<GlobSet>, CourseError> {
    if values.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for value in values {
        let text = value.get_ref();
        let wrong = |message: String| at.wrong(value.span().start, "files", message);
        if text.is_empty() || text.starts_with('/') || text.split('/').any(|part| part == ".." || part == ".") {
            return Err(wrong(format!(
                "\"{}\" can match no file; write it from the submission's folder on, such as \"src/**\"",
                text.escape_debug()
            )));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        set.add(glob.map_err(|error| wrong(format!("\"{}\": {}", text.escape_debug(), error.kind())))?);
    }
    let set = set.build().map_err(|error| CourseError::Whole {
        path: at.path.to_owned(),
        message: format!("files: {error}; write fewer or plainer patterns"),
    })?;
    Ok(Some(set))
}

fn overlay(at: Place, key: &str, value: Option<&Spanned<String>>) -> Result<Overlay, CourseError> {
    let Some(value) = value else { return Ok(Overlay::default()) };
    if value.get_ref().is_empty() || value.get_ref().contains('\0') {
        return Err(at.wrong(value.span().start, key, "must be a folder, named from the course file's folder on"));
    }
    let folder = at.path.parent().unwrap_or(Path::new("")).join(value.get_ref());
    Overlay::read(&folder).map_err(|message| at.wrong(value.span().start, key, message))
}

fn battery(at: Place, values: Battery, named: &mut Vec<Named>) -> Result<BatteryPlan, CourseError> {
    let mut name = |key: &'static str, value: &Spanned<String>| {
        let (path, line) = (at.path.to_owned(), at.line(value.span().start));
        named.push(Named { test: value.get_ref().clone(), key, path, line });
    };
    let profile = match &values.profile {
        None => Selection::Core,
        Some(value) => Selection::from_str(value.get_ref(), false).map_err(|_| {
            let message =
                format!("must be basic, core, strict, robust or all, is \"{}\"", value.get_ref().escape_debug());
            at.wrong(value.span().start, "battery.profile", message)
        })?,
    };
    let mut tests = Vec::new();
    for value in &values.tests {
        tests.push(at.line_of_text("battery.tests", value)?);
    }
    let mut hidden = BTreeSet::new();
    for value in &values.hidden {
        if !hidden.insert(at.line_of_text("battery.hidden", value)?) {
            let message = format!("names \"{}\" twice", value.get_ref());
            return Err(at.wrong(value.span().start, "battery.hidden", message));
        }
        name("battery.hidden", value);
    }
    let mut points = BTreeMap::new();
    for (test, value) in &values.points {
        points.insert(test.get_ref().clone(), at.points(&format!("battery.points.{}", test.get_ref()), value)?);
        name("battery.points", test);
    }
    let total = match &values.total {
        None => None,
        Some(value) if *value.get_ref() == 0.0 => {
            return Err(at.wrong(value.span().start, "battery.total", "must be more than 0"));
        }
        Some(value) => Some(at.points("battery.total", value)?),
    };
    Ok(BatteryPlan { profile, tests, hidden, points, total })
}

fn random(at: Place, values: Random) -> Result<RandomPlan, CourseError> {
    let default = RandomPlan::default();
    Ok(RandomPlan {
        programs: at.whole("random.programs", values.programs, 0..=100_000, default.programs)?,
        steps: at.whole("random.steps", values.steps, 1..=10_000, default.steps)?,
        points: values.points.map_or(Ok(default.points), |value| at.points("random.points", &value))?,
        hidden: values.hidden.unwrap_or(default.hidden),
        profile: values.profile.unwrap_or(default.profile),
    })
}

fn limits(at: Place, values: LimitValues) -> Result<Limits, CourseError> {
    let default = Limits::default();
    let test_at = values.test_seconds.as_ref().or(values.total_seconds.as_ref()).map_or(0, |value| value.span().start);
    let limits = Limits {
        test_seconds: at.whole("limits.test_seconds", values.test_seconds, 1..=3600, default.test_seconds)?,
        build_seconds: at.whole("limits.build_seconds", values.build_seconds, 1..=3600, default.build_seconds)?,
        total_seconds: at.whole("limits.total_seconds", values.total_seconds, 1..=86_400, default.total_seconds)?,
        cpu_seconds: at.whole("limits.cpu_seconds", values.cpu_seconds, 1..=3600, default.cpu_seconds)?,
        memory_mib: at.whole("limits.memory_mib", values.memory_mib, 64..=65_536, default.memory_mib)?,
        processes: at.whole("limits.processes", values.processes, 8..=4096, default.processes)?,
        file_mib: at.whole("limits.file_mib", values.file_mib, 1..=4096, default.file_mib)?,
        disk_mib: at.whole("limits.disk_mib", values.disk_mib, 1..=65_536, default.disk_mib)?,
        open_files: at.whole("limits.open_files", values.open_files, 32..=65_536, default.open_files)?,
        output_mib: at.whole("limits.output_mib", values.output_mib, 1..=1024, default.output_mib)?,
        trace_mib: at.whole("limits.trace_mib", values.trace_mib, 1..=1024, default.trace_mib)?,
    };
    if limits.test_seconds > limits.total_seconds {
        let message = format!("{} is more than limits.total_seconds, {}", limits.test_seconds, limits.total_seconds);
        return Err(at.wrong(test_at, "limits.test_seconds", message));
    }
    Ok(limits)
}

fn late(at: Place, values: &LateValues) -> Result<Late, CourseError> {
    let default = Late::default();
    let percent = |key, value: &Option<Spanned<f64>>, default| match value {
        None => Ok(default),
        Some(value) => at.number(key, value, 0.0..=100.0),
    };
    Ok(Late {
        per_day: percent("late.per_day", &values.per_day, default.per_day)?,
        most: percent("late.most", &values.most, default.most)?,
    })
}

/// Folders of C files that a style step does not count, unless it says which: those that courses hand out.
const SKIPPED: [&str; 3] = ["utils", "tests", "checker"];

fn skipped(at: Place, key: &str, folders: Option<&[Spanned<String>]>) -> Result<Vec<PathBuf>, CourseError> {
    let Some(folders) = folders else { return Ok(SKIPPED.map(PathBuf::from).into()) };
    let folder = |folder: &Spanned<String>| {
        let message = "must be folders below the submission's, such as [\"utils\"]";
        relative(folder.get_ref()).ok_or_else(|| at.wrong(folder.span().start, key, message))
    };
    folders.iter().map(folder).collect()
}

fn style(at: Place, values: Vec<StyleValues>) -> Result<Vec<Style>, CourseError> {
    let mut steps: Vec<Style> = Vec::new();
    for step in values {
        let start = step.name.span().start;
        let name = at.line_of_text("style.name", &step.name)?;
        if steps.iter().any(|step| step.name == name) {
            return Err(at.wrong(start, "style.name", format!("\"{name}\" is taken by an earlier step")));
        }
        let key = |key: &str| format!("style \"{name}\": {key}");
        let counts = match (&step.command, step.warnings.as_ref().map(|warnings| *warnings.get_ref())) {
            (Some(command), None | Some(false)) => Counts::Lines(at.command(&key("command"), command)?),
            (None, Some(true)) => Counts::Warnings(skipped(at, &key("skip"), step.skip.as_deref())?),
            (Some(_), Some(true)) => return Err(at.wrong(start, &key("command"), "goes not with warnings; keep one")),
            (None, _) => {
                let message = "is missing: give a shell command whose lines count, or warnings = true";
                return Err(at.wrong(start, &key("command"), message));
            }
        };
        let points = at.points(&key("points"), &step.points)?;
        let bands = bands(at, &key("bands"), &step.bands, points)?;
        steps.push(Style { name, counts, points, bands });
    }
    Ok(steps)
}

fn bands(at: Place, key: &str, values: &Spanned<Vec<Spanned<Band>>>, most: f64) -> Result<Vec<Band>, CourseError> {
    let mut bands: Vec<Band> = Vec::new();
    for value in values.get_ref() {
        let band = *value.get_ref();
        let wrong = |message: String| at.wrong(value.span().start, key, message);
        if !(0.0..=most).contains(&band.points) {
            return Err(wrong(format!("points must be a number from 0 to the step's {most}, is {}", band.points)));
        }
        if bands.last().is_some_and(|last| last.at_most >= band.at_most) {
            return Err(wrong(format!("at_most must grow from band to band, and {} does not", band.at_most)));
        }
        bands.push(band);
    }
    if bands.is_empty() {
        return Err(at.wrong(values.span().start, key, "must hold at least one, such as { at_most = 0, points = 5 }"));
    }
    Ok(bands)
}
