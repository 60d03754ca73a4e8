//! Command lines in the documentation.

/// The command lines of cckw in a piece of code, also within others: `eval "$(cckw …)"`, `x | cckw …`.
pub fn commands(code: &str) -> Vec<Vec<String>> {
    // A bar in a table is written with a backslash.
    let code = code.split(" #").next().unwrap_or_default().replace("\\|", "|");
    let mut found = Vec::new();
    for piece in code.split_inclusive(['|', ';', '&', '(', ')', '"', '\'', '`']) {
        // A text in quotes behind a blank is one word.
        let quoted = (piece.ends_with(" '") || piece.ends_with(" \"")).then_some("TEXT");
        let piece = piece.trim_end_matches(['|', ';', '&', '(', ')', '"', '\'', '`']);
        let mut words =
            piece.split_whitespace().chain(quoted).skip_while(|word| *word == "$" || is_assignment(word));
        match words.next() {
            Some(word) if word == "cckw" || word.ends_with("/cckw") => {
                found.push(words.map(str::to_owned).collect());
            }
            Some("cargo") => {
                let rest: Vec<&str> = words.collect();
                if let Some(at) = rest.iter().position(|word| *word == "--")
                    && rest[0] == "run"
                {
                    found.push(rest[at + 1..].iter().map(ToString::to_string).collect());
                }
            }
            _ => {}
        }
    }
    found
}

pub fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// What a page leaves open, filled in.
fn filled_in(word: &str) -> &str {
    match word {
        "SHELL" => "bash",
        "VERB" => "doctor",
        "DIR" => "/tmp/pages",
        _ => word,
    }
}

pub fn check(command: &[impl AsRef<str>]) -> Result<(), String> {
    let command = command.iter().map(AsRef::as_ref);
    let words: Vec<&str> = command.map(filled_in).filter(|word| *word != "…").collect();
    if matches!(words.first(), Some(&"claude" | &"host")) {
        // The rest is claude's; and the host is no verb for users, so that the parser does not know it.
        return Ok(());
    }
    let definition = cckw::cli::command();
    if let [verb] = words[..]
        && definition.find_subcommand(verb).is_some()
    {
        // The name of a verb, not a line to type.
        return Ok(());
    }
    match definition.try_get_matches_from(std::iter::once("cckw").chain(words)) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}
