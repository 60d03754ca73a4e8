//! `cckw man`: the man pages, made from the definition of the command line and from what [`facts`] adds.

mod facts;
mod keys;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use roff::{Inline, Roff, bold, italic, roman};

use super::definition::{ABOUT, Cli};
use super::output;
use crate::user_error::{files, verb as of_verb};
use facts::{Entry, PageFacts};

/// The day of this version's release, as the pages show it. `docs/internals/releasing.md` says when it
/// changes.
const RELEASED: &str = "2026-11-21";

/// Prints the page of cckw or of one verb, or writes all pages into a directory.
pub fn main(verb: Option<&str>, out: Option<&Path>) -> ExitCode {
    if let Some(dir) = out {
        return match write_all(dir) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => output::fail(&files::cannot_write_pages(dir, error)),
        };
    }
    let pages = pages();
    let name = verb.map_or_else(|| "cckw".to_owned(), |verb| format!("cckw-{verb}"));
    match pages.into_iter().find(|(page, _)| *page == name) {
        Some((_, text)) => output::print(&text),
        None => output::fail(&of_verb::no_page(&name[5..])),
    }
}

fn write_all(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    pages().into_iter().try_for_each(|(name, text)| fs::write(dir.join(format!("{name}.1")), text))
}

/// Every page with its name, such as `cckw-doctor`.
fn pages() -> Vec<(String, String)> {
    let mut cli = Cli::command();
    cli.build();
    let overview = cli.clone().about("Keep Claude Code running").long_about(ABOUT);
    let mut pages = vec![("cckw".to_owned(), page(&overview, "cckw", facts::of("")))];
    for verb in cli.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("cckw-{}", verb.get_name());
        let page = page(verb, &name, facts::of(verb.get_name()));
        pages.push((name, page));
    }
    pages
}

fn page(command: &Command, name: &str, facts: &PageFacts) -> String {
    let mut roff = Roff::new();
    let source = concat!("cckw ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [name.to_uppercase().as_str(), "1", RELEASED, source, "cckw"]);
    roff.control("SH", ["NAME"]);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    roff.text([roman(format!("{name} - {}", decapitalized(&about.replace('`', ""))))]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text(synopsis(command));
    roff.control("SH", ["DESCRIPTION"]);
    let about = command.get_long_about().map_or(about, ToString::to_string);
    prose(&mut roff, &about, "PP");
    let verbs: Vec<&Command> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
    if !verbs.is_empty() {
        roff.control("SH", ["COMMANDS"]);
    }
    for verb in verbs {
        roff.control("TP", []);
        if name == "cckw" {
            roff.text([bold(format!("cckw-{}", verb.get_name())), roman("(1)")]);
            prose(&mut roff, &styled(verb.get_about()), "IP");
            continue;
        }
        // What a verb of several parts does has no page of its own.
        let options = verb.get_arguments().filter_map(|arg| arg.get_long()).filter(|long| *long != "help");
        let options: String = options.map(|long| format!(" [--{long}]")).collect();
        roff.text([bold(verb.get_name().to_owned()), roman(options)]);
        prose(&mut roff, &styled(verb.get_long_about().or(verb.get_about())), "IP");
    }
    options(&mut roff, command);
    if command.get_name() == "top" {
        keys::add(&mut roff);
    }
    for (name, entries) in
        [("EXIT STATUS", facts.exit), ("ENVIRONMENT", facts.environment), ("FILES", facts.files)]
    {
        list(&mut roff, name, entries);
    }
    roff.control("SH", ["EXAMPLES"]);
    for (number, (command, what)) in facts.examples.iter().enumerate() {
        if number > 0 {
            roff.control("PP", []);
        }
        roff.text(inlines(what));
        block(&mut roff, &[command]);
    }
    roff.control("SH", ["SEE ALSO"]);
    let pages = facts.see_also.iter().enumerate();
    let pages = pages.flat_map(|(number, page)| {
        let comma = (number > 0).then(|| roman(", "));
        comma.into_iter().chain([bold(*page), roman("(1)")])
    });
    roff.text(pages.collect::<Vec<Inline>>());
    roff.render()
}

fn styled(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn decapitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The name and what follows it, options first.
fn synopsis(command: &Command) -> Vec<Inline> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut line = vec![bold(name)];
    let shown = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    for option in command.get_opts().filter(shown).chain(flags(command).filter(shown)) {
        line.push(roman(" ["));
        line.extend(option_names(option, "|"));
        line.push(roman("]"));
    }
    for positional in command.get_positionals() {
        let more =
            if positional.get_num_args().is_some_and(|range| range.max_values() > 1) { "..." } else { "" };
        let (open, close) = if positional.is_required_set() { (" ", "") } else { (" [", "]") };
        line.extend([roman(open), italic(value_name(positional)), roman(format!("{close}{more}"))]);
    }
    if command.has_subcommands() {
        line.extend([roman(" ["), italic("COMMAND"), roman(" ...]")]);
    }
    line.retain(|piece| *piece != roman(""));
    line
}

/// Options without a value.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.get_action().takes_values())
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names().map_or_else(|| arg.get_id().to_string().to_uppercase(), |names| names.join(" "))
}

/// `-f, --follow`, or `--state STATE`.
fn option_names(option: &Arg, between: &str) -> Vec<Inline> {
    let short = option.get_short().map(|short| bold(format!("-{short}")));
    let long = option.get_long().map(|long| bold(format!("--{long}")));
    let both = short.is_some() && long.is_some();
    let mut names: Vec<Inline> = short.into_iter().chain(both.then(|| roman(between))).chain(long).collect();
    if option.get_action().takes_values() {
        names.extend([roman(" "), italic(value_name(option))]);
    }
    names
}

fn options(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["OPTIONS"]);
    let positionals = command.get_positionals();
    for arg in positionals.chain(command.get_opts()).chain(flags(command)).filter(|arg| !arg.is_hide_set()) {
        roff.control("TP", []);
        let name = if arg.is_positional() { vec![italic(value_name(arg))] } else { option_names(arg, ", ") };
        roff.text(name);
        prose(roff, &styled(arg.get_long_help().or(arg.get_help())), "IP");
        let possible = arg.get_possible_values();
        if arg.get_action().takes_values() && !possible.is_empty() {
            let possible: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
            roff.text([roman(format!("One of {}.", possible.join(", ")))]);
        }
        if let [default] = arg.get_default_values()
            && arg.get_action().takes_values()
        {
            roff.text([roman(format!("The default is {}.", default.to_string_lossy()))]);
        }
    }
}

fn list(roff: &mut Roff, name: &str, entries: &[Entry]) {
    roff.control("SH", [name]);
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text(inlines(text));
    }
}

/// Paragraphs, the first of which goes on where the page is; `next` is the macro before each further one.
/// Lines that are indented by four are shown as they are.
fn prose(roff: &mut Roff, text: &str, next: &str) {
    for (number, paragraph) in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()).enumerate()
    {
        if paragraph.starts_with("    ") {
            block(roff, &paragraph.lines().map(str::trim).collect::<Vec<&str>>());
            continue;
        }
        if number > 0 {
            roff.control(next, []);
        }
        let paragraph = paragraph.trim();
        let stop = if paragraph.ends_with(['.', ':', '!']) { "" } else { "." };
        roff.text(inlines(&format!("{}{stop}", paragraph.replace('\n', " "))));
    }
}

/// Lines to type, indented.
fn block(roff: &mut Roff, lines: &[&str]) {
    roff.control("RS", ["4"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(*line)]);
    }
    roff.control("fi", []);
    roff.control("RE", []);
}

/// Text in which what stands between backticks is bold.
fn inlines(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
    pieces.map(|(number, piece)| if number % 2 == 1 { bold(piece) } else { roman(piece) }).collect()
}
