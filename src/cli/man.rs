//! `cckw man`: the man pages, made from the definition of the command line.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::definition::{ABOUT, Cli};
use super::output;
use crate::escape::escape;

/// Prints the page of cckw or of one verb, or writes all pages into a directory.
pub fn main(verb: Option<&str>, out: Option<&Path>) -> ExitCode {
    if let Some(dir) = out {
        return match write_all(dir) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => output::fail(&format!("cannot write the man pages to {}: {error}", escape(dir))),
        };
    }
    let pages = pages();
    let name = verb.map_or_else(|| "cckw".to_owned(), |verb| format!("cckw-{verb}"));
    match pages.into_iter().find(|(page, _)| *page == name) {
        Some((_, text)) => output::print(&text),
        None => {
            output::fail(&format!("no man page for `{}`; `cckw --help` lists the verbs", escape(&name[5..])));
            ExitCode::from(2)
        }
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
    let mut pages = vec![(
        "cckw".to_owned(),
        page(cli.clone().about("keeps Claude Code running").long_about(ABOUT), "cckw", overview()),
    )];
    for verb in cli.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("cckw-{}", verb.get_name());
        pages.push((name.clone(), page(verb.clone(), &name, see_also())));
    }
    pages
}

fn page(command: Command, name: &str, more: Roff) -> String {
    // Man pages are about the command; the first steps are for the help on the screen.
    let command =
        command.before_help(None::<&str>).after_help(None::<&str>).version(env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    let rendered = Man::new(command)
        .title(name.to_uppercase())
        .source(format!("cckw {}", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .and_then(|()| more.to_writer(&mut page));
    debug_assert!(rendered.is_ok(), "writing to memory does not fail");
    String::from_utf8_lossy(&page).into_owned()
}

/// What only the page of cckw itself has.
fn overview() -> Roff {
    let mut roff = Roff::new();
    let mut section = |name: &str, entries: &[(&str, &str)]| {
        roff.control("SH", [name]);
        for (term, text) in entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*text)]);
        }
    };
    section(
        "EXIT STATUS",
        &[
            ("cckw claude", "That of claude; 128+n if signal n killed it; 127 if there is no claude."),
            ("cckw detect", "0 if there is a session that was asked for, 1 if there is none, 2 on an error."),
            ("cckw reconnect", "0, or 2 if it failed for a session."),
            (
                "other verbs",
                "0 if all went well, 1 if something failed, 2 for a command line that makes no sense.",
            ),
        ],
    );
    section(
        "ENVIRONMENT",
        &[
            ("CCKW_CLAUDE", "The program to run as claude: a path, or a name to be found on PATH."),
            ("CCKW_SESSION", "Set by cckw for claude and what it starts: the session that they belong to."),
            ("NO_COLOR", "If it is set and not empty, cckw prints no colours."),
            ("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR", "Where the files below are."),
        ],
    );
    section(
        "FILES",
        &[
            (
                "$XDG_CONFIG_HOME/cckw/config.toml",
                "The configuration; ~/.config/cckw/config.toml by default.",
            ),
            ("$XDG_STATE_HOME/cckw/", "A directory for each session; ~/.local/state/cckw/ by default."),
            ("$XDG_RUNTIME_DIR/cckw/", "The sockets of the sessions that are running."),
        ],
    );
    roff
}

fn see_also() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("cckw"), roman("(1)")]);
    roff
}
