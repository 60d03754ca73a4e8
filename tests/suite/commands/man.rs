//! The man pages: what each must have, and that its examples and references are not stale.

use std::process::Command;

use crate::support::Sandbox;
use crate::support::verb::well_said;

const SECTIONS: [&str; 9] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "EXIT STATUS",
    "ENVIRONMENT",
    "FILES",
    "EXAMPLES",
    "SEE ALSO",
];

/// The verbs, and cckw itself as the empty one; each with its page.
fn pages() -> Vec<(String, String)> {
    let sandbox = Sandbox::new();
    let definition = cckw::cli::command();
    let verbs = definition.get_subcommands().map(|verb| verb.get_name().to_owned());
    let mut pages: Vec<(String, String)> =
        verbs.map(|verb| (verb.clone(), well_said(&sandbox, &["man", &verb]))).collect();
    pages.push((String::new(), well_said(&sandbox, &["man"])));
    pages
}

/// The lines of a section, without the escapes of roff.
fn section<'a>(page: &'a str, name: &str) -> Vec<String> {
    let quoted = format!(".SH \"{name}\"");
    let is_head = |line: &&'a str| **line == quoted || line.strip_prefix(".SH ") == Some(name);
    let lines = page.lines().skip_while(|line| !is_head(line)).skip(1);
    let plain = |line: &str| {
        let line = line.replace("\\fB", "").replace("\\fI", "").replace("\\fR", "");
        line.replace("\\-", "-").replace("\\*(Aq", "'").replace("\\&", "")
    };
    lines.take_while(|line| !line.starts_with(".SH")).map(plain).collect()
}

#[test]
fn every_page_has_every_section() {
    for (verb, page) in pages() {
        for name in SECTIONS {
            let text = section(&page, name);
            assert!(text.iter().any(|line| !line.starts_with('.')), "{verb}: {name} is empty:\n{page}");
        }
        let title = page.lines().find(|line| line.starts_with(".TH")).expect("a title");
        assert!(title.contains(concat!(" \"cckw ", env!("CARGO_PKG_VERSION"), "\"")), "{title}");
        // `NAME - what it does`, in one line: apropos reads that.
        let name = section(&page, "NAME");
        let start = if verb.is_empty() { "cckw - ".into() } else { format!("cckw-{verb} - ") };
        assert!(name.len() == 1 && name[0].starts_with(&start), "{name:?}");
    }
}

#[test]
fn every_option_is_in_its_page() {
    let mut definition = cckw::cli::command();
    definition.build();
    for (verb, page) in pages() {
        let Some(command) = definition.find_subcommand(&verb) else { continue };
        let options = section(&page, "OPTIONS");
        for arg in command.get_arguments() {
            let name = arg.get_long().map_or_else(
                || arg.get_value_names().expect("a name")[0].to_string(),
                |long| format!("--{long}"),
            );
            let shown = |line: &String| line.split([' ', ',']).any(|word| word == name);
            assert!(options.iter().any(shown), "{verb}: {name} is missing in {options:?}");
        }
    }
}

/// The words of a command as a shell takes them apart, where nothing but single quotes is special.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![];
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn examples_are_understood() {
    for (verb, page) in pages() {
        let mut count = 0;
        for line in section(&page, "EXAMPLES") {
            let Some(at) = line.find("cckw").filter(|_| !line.ends_with(':') && !line.starts_with('.'))
            else {
                continue;
            };
            let words = words(line[at..].split(['|', '>', ')']).next().expect("a command"));
            count += 1;
            if words.get(1).is_some_and(|verb| verb == "claude") {
                continue;
            }
            let parsed = cckw::cli::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{verb}: {line}: {}", parsed.unwrap_err());
        }
        assert!(count > 0, "{verb}: no example is a command of cckw");
    }
}

#[test]
fn references_lead_to_pages() {
    const OTHERS: [&str; 6] = ["bash", "zsh", "fish", "man", "screen", "tmux"];
    let pages = pages();
    let names: Vec<String> =
        pages.iter().map(|(verb, _)| format!("cckw-{verb}").trim_end_matches('-').to_owned()).collect();
    for (verb, page) in &pages {
        for reference in section(page, "SEE ALSO").join(" ").split(", ") {
            let name = reference.strip_suffix("(1)").unwrap_or_else(|| panic!("{verb}: {reference}"));
            assert!(names.iter().any(|page| page == name) || OTHERS.contains(&name), "{verb}: {name}");
            assert!(name != format!("cckw-{verb}"), "{verb} refers to itself");
        }
    }
}

/// Characters that a terminal in any language shows, and no line of roff but what was meant as one.
#[test]
fn pages_are_plain() {
    let macros = ["ie", "el", "TH", "SH", "SS", "PP", "TP", "IP", "RS", "RE", "nf", "fi"];
    for (verb, page) in pages() {
        for line in page.lines() {
            assert!(line.is_ascii() && !line.is_empty(), "{verb}: {line:?}");
            if let Some(request) = line.strip_prefix('.') {
                let name = request.split(' ').next().unwrap_or_default();
                assert!(macros.contains(&name), "{verb}: {line}");
            }
        }
    }
}

/// What installed pages look like in the reader that every Linux has.
#[test]
fn man_shows_the_pages() {
    let sandbox = Sandbox::new();
    let out = sandbox.path("home/man/man1");
    well_said(&sandbox, &["man", "--out", out.to_str().expect("text")]);
    let mut command: Command = sandbox.command("groff");
    command.args(["-man", "-Tutf8", "-ww", "-P-cbou"]).arg(out.join("cckw-attach.1"));
    let output = command.output().expect("groff runs: install it");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for needed in ["cckw attach [--watch] [SESSION]", "       cckw attach parser", "cckw(1), cckw-detach(1)"]
    {
        assert!(text.contains(needed), "{needed}: {text}");
    }
}
