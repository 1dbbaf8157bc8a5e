//! `osmem completions` and `osmem man`: what shells and `man` know of this command.
//!
//! Both are derived from the command line as it is parsed, so that neither can fall behind it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::error::{Error, Exit};
use crate::report::output::Output;

/// Runs `osmem completions`.
pub fn completions(args: &CompletionsArgs) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "osmem", &mut script);
    let mut out = Output::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Passed)
}

/// Runs `osmem man`.
pub fn man(args: &ManArgs) -> Result<Exit, Error> {
    let refused = |path: &Path, source| Error::Page { path: path.to_owned(), source };
    fs::create_dir_all(&args.folder).map_err(|source| refused(&args.folder, source))?;
    let mut out = Output::stdout();
    for (name, text) in pages()? {
        let path = args.folder.join(name);
        fs::write(&path, text).map_err(|source| refused(&path, source))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}

/// Returns the page of the command and one for each sub-command, by their file names.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    let version = whole.get_version().unwrap_or_default().to_owned();
    let commands: Vec<_> = whole.get_subcommands().cloned().collect();
    [whole].into_iter().chain(commands).map(|command| page(command, &version)).collect()
}

/// Returns a page with its file name. The help behind the options keeps its lines, which would otherwise flow together.
fn page(command: Command, version: &str) -> io::Result<(String, Vec<u8>)> {
    let behind = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let man = Man::new(command).source(format!("osmem {version}")).manual("osmem");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    sections(&behind).to_writer(&mut text)?;
    Ok((man.get_filename(), text))
}

/// Returns the sections that a help text has: a line that ends with a colon and has indented lines below it begins one.
fn sections(help: &str) -> Roff {
    let mut roff = Roff::new();
    let lines: Vec<_> = help.lines().collect();
    let mut open = false;
    for (at, line) in lines.iter().enumerate() {
        let heads = !line.starts_with(' ') && lines.get(at + 1).is_some_and(|next| next.starts_with("  "));
        if let Some(title) = line.strip_suffix(':').filter(|_| heads) {
            roff.control("SH", [title.to_uppercase().as_str()]);
            roff.control("nf", []);
            open = true;
        } else if line.is_empty() && open {
            roff.control("fi", []);
            open = false;
        } else if !line.is_empty() {
            if at == 0 {
                roff.control("SH", ["NOTES"]);
            }
            roff.text([roman(line.strip_prefix("  ").filter(|_| open).unwrap_or(line))]);
        }
    }
    if open {
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_examples_in_its_help_and_its_page() {
        let mut whole = Cli::command();
        whole.build();
        let names: Vec<_> = whole.get_subcommands().map(|one| one.get_name().to_owned()).collect();
        for command in whole.get_subcommands().chain([&whole]).filter(|one| one.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let name = command.get_name();
            let example = if name == "osmem" { "  osmem check".to_owned() } else { format!("  osmem {name}") };
            let from = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{name} shows no example"));
            assert!(from.contains(&example), "{name} shows no example of its own: {from}");
        }
        let pages = pages().unwrap();
        assert_eq!(pages.len(), names.iter().filter(|name| *name != "help").count() + 1);
        for (name, text) in pages {
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains(".SH EXAMPLES\n.nf\nosmem "), "{name}: {text}");
            assert_eq!(text.matches(".nf\n").count(), text.matches("\n.fi\n").count(), "{name}");
        }
    }

    #[test]
    fn lines_of_examples_stay_apart() {
        let text = sections("A note.\n\nExamples:\n  one\n  two\n\nExit codes:\n  0  fine").render();
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
        assert!(at(".SH NOTES\nA note.") < at(".SH EXAMPLES\n.nf\none\ntwo\n.fi"), "{text}");
        assert!(text.contains(".SH \"EXIT CODES\"\n.nf\n0  fine\n.fi"), "{text}");
    }
}
