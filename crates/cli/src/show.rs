//! `osmem show`: the heap of a run as a row of blocks, call by call, as text, SVG or a page.

mod names;
mod rows;
mod source;
mod track;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{Run, Step};
use osmem_picture::run::{Call, Picture, Role, Scene};
use osmem_picture::text::Screen;
use osmem_picture::{html, svg, timeline};
use osmem_trace::run::Cancel;

use crate::args::{Drawing, ShowArgs};
use crate::error::{Error, Exit};
use crate::layout::OUT;
use crate::report::output::{self, Output};
use crate::report::text::{BAD, BOLD, item, styled};
use crate::suite::Test;
use crate::{oracle, scene};
use source::Source;
use track::Way;

/// A run that cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// It has no calls.
    #[error("{0}: no os_* call is in it, so there is nothing to draw; trace a program that calls os_malloc")]
    NoCalls(String),
    /// The program made no calls.
    #[error("{name}: {why}")]
    Program {
        /// The program.
        name: String,
        /// Why there is nothing.
        why: String,
    },
    /// A call that is not there.
    #[error("{option} {number}: the run has calls {first} to {last} here; name one of them")]
    NoCall {
        /// The option that names it.
        option: &'static str,
        /// The number.
        number: u64,
        /// The first call that there is.
        first: usize,
        /// The last one.
        last: usize,
    },
    /// Many calls as one drawing.
    #[error("--all draws text; --format html has every call, and --format timeline the whole run")]
    AllOfDrawing,
}

/// Runs `osmem show`.
pub fn run(args: &ShowArgs, cancel: &Cancel) -> Result<Exit, Error> {
    if args.all && args.format != Drawing::Text {
        return Err(ShowError::AllOfDrawing.into());
    }
    let source = source::get(args, cancel)?;
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let mut picture = track::picture(&source.run, source.way);
    picture.notes.extend(source.notes.clone());
    let place = place(args, &source, &picture)?;
    match args.format {
        Drawing::Text => text(args, &picture, place)?,
        Drawing::Svg => {
            let drawing = svg::call(&picture, place).unwrap_or_default();
            save(args, &format!("{}-call-{}.svg", source.name, picture.calls[place].number), &drawing)?;
        }
        Drawing::Timeline => save(args, &format!("{}.svg", source.name), &timeline::draw(&picture))?,
        Drawing::Html => save(args, &format!("{}.html", source.name), &html::page(&picture, place))?,
    }
    Ok(Exit::Passed)
}

/// Returns the picture of a test's run, and the place of the call that it is about; `None` if there is no call.
pub fn of_test(test: &Test, run: &Run, header: u64, allowed: Allowed) -> Option<(Picture, usize)> {
    let warm = source::warm_calls(test);
    let picture = track::drawn(run, Way { params: oracle::params(header), allowed, warm, from: 1 }).0;
    let focus = scene::subject_difference(test, run, header, allowed).map(|step| number_of(run, step));
    let focus = focus.and_then(|number| picture.calls.iter().position(|call| call.number == number));
    let place = focus.or_else(|| picture.first_wrong()).or(picture.calls.len().checked_sub(1))?;
    Some((picture, place))
}

/// Returns the place of the call to draw.
fn place(args: &ShowArgs, source: &Source, picture: &Picture) -> Result<usize, ShowError> {
    let (Some(first), Some(last)) = (picture.calls.first(), picture.calls.last()) else {
        let last = source.run.calls().count();
        return Err(ShowError::NoCall { option: "--from", number: args.from, first: 1, last });
    };
    let at = |number: usize| picture.calls.iter().position(|call| call.number == number);
    match args.call {
        Some(number) => usize::try_from(number).ok().and_then(at).ok_or(ShowError::NoCall {
            option: "--call",
            number,
            first: first.number,
            last: last.number,
        }),
        None => {
            let focus = source.focus.and_then(|step| at(number_of(&source.run, step)));
            Ok(focus.or_else(|| picture.first_wrong()).unwrap_or(picture.calls.len() - 1))
        }
    }
}

/// Returns the number of the call that is the step at `place`.
fn number_of(run: &Run, place: usize) -> usize {
    run.steps[..=place].iter().filter(|step| matches!(step, Step::Call(_))).count()
}

fn text(args: &ShowArgs, picture: &Picture, place: usize) -> Result<(), Error> {
    let width = args.width.map_or_else(output::columns, usize::from);
    let screen = Screen { width, unicode: output::is_unicode() };
    let places = if args.all { 0..picture.calls.len() } else { place..place + 1 };
    match &args.out {
        Some(path) if path.as_os_str() != "-" => {
            let mut bytes = Vec::new();
            write(&mut bytes, picture, places, screen)?;
            let plain = anstream::adapter::strip_bytes(&bytes).into_vec();
            fs::write(path, plain).map_err(|source| Error::Drawing { path: path.clone(), source })
        }
        _ => {
            let mut out = Output::stdout();
            write(&mut out, picture, places, screen)?;
            Ok(out.flush()?)
        }
    }
}

fn write(
    out: &mut impl Write,
    picture: &Picture,
    places: std::ops::Range<usize>,
    screen: Screen,
) -> std::io::Result<()> {
    let count = picture.calls.len();
    writeln!(out, "{}: {count} calls, headers of {} bytes", picture.title, picture.header)?;
    let wrong = picture.first_wrong();
    let is_all = places.len() > 1;
    for (place, mut scene) in picture.scenes().enumerate().skip(places.start).take(places.len()) {
        if is_all && scene.call.wrong.is_none() {
            scene.rows.retain(|(role, _)| *role != Role::Before);
        }
        writeln!(out)?;
        call(out, &scene, screen)?;
        if wrong == Some(place)
            && let Some(cause) = &picture.cause
        {
            item(out, "cause", cause, screen.width)?;
        }
    }
    writeln!(out)?;
    for note in &picture.notes {
        item(out, "note", note, screen.width)?;
    }
    write!(out, "{}", screen.legend())
}

/// Writes a call and its rows.
fn call(out: &mut impl Write, scene: &Scene<'_>, screen: Screen) -> std::io::Result<()> {
    let call: &Call = scene.call;
    writeln!(out, "{} {}", styled(BOLD, format_args!("call {}:", call.number)), call.line())?;
    for event in &call.system {
        item(out, "system", event, screen.width)?;
    }
    if let Some(wrong) = &call.wrong {
        let (expected, actual) = wrong.sides(call);
        let what = format!("{}: {}", wrong.rule, wrong.sentence);
        writeln!(out, "  {}", styled(BAD, what))?;
        item(out, "wanted", &expected, screen.width)?;
        item(out, "seen", &actual, screen.width)?;
    }
    write!(out, "{}", screen.bars(scene, 2))
}

/// Writes a drawing to the file that is meant for it, and says where.
fn save(args: &ShowArgs, name: &str, drawing: &str) -> Result<(), Error> {
    let path = match &args.out {
        Some(path) if path.as_os_str() == "-" => {
            let mut out = Output::stdout();
            out.write_all(drawing.as_bytes())?;
            return Ok(out.flush()?);
        }
        Some(path) => path.clone(),
        None => {
            let folder = PathBuf::from(OUT);
            fs::create_dir_all(&folder).map_err(|source| Error::Drawing { path: folder.clone(), source })?;
            folder.join(name)
        }
    };
    fs::write(&path, drawing).map_err(|source| Error::Drawing { path: path.clone(), source })?;
    let mut out = Output::stdout();
    writeln!(out, "drawn: {}", shown(&path))?;
    Ok(out.flush()?)
}

fn shown(path: &Path) -> String {
    output::shown(path)
}
