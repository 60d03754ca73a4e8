//! The configuration: it is read the same each time, and what is refused is refused on one line that names
//! the file, a place in it that exists, and nothing that a terminal obeys.
//!
//! Input: the text of the file.

use std::path::Path;

use cckw::config::{Config, parse};

const FILE: &str = "/c/config.toml";

pub fn check(data: &[u8]) {
    let path = Path::new(FILE);
    let read = parse(path, data);
    assert_eq!(parse(path, data), read);
    match read {
        Ok(config) => {
            assert!(config.claude.program.as_ref().is_none_or(|program| program.is_absolute()));
            assert!(config.restart.max_delay >= config.restart.initial_delay);
            assert!(config.remote_control.max_cooldown >= config.remote_control.cooldown);
            let line = config.remote_control.line();
            assert!(line.starts_with('/') && !line.chars().any(char::is_control), "{line:?}");
            // A file of the same settings and comments around them says the same. A byte order mark is one at
            // the beginning only.
            let marked = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
            let framed = [b"# above\n", marked, b"\n# below\n"].concat();
            assert_eq!(parse(path, &framed), Ok(config));
            assert_eq!(parse(path, b""), Ok(Config::default()));
        }
        Err(error) => {
            let said = error.to_string();
            assert!(!said.chars().any(char::is_control), "{said:?}");
            let place = said.strip_prefix(FILE).and_then(|rest| rest.strip_prefix(':')).expect("the file");
            let mut numbers = place.splitn(3, ':').map(|number| number.parse::<usize>().ok());
            let (line, column) = (numbers.next().flatten(), numbers.next().flatten());
            let (Some(line @ 1..), Some(column @ 1..)) = (line, column) else { panic!("no place: {said}") };
            let text = String::from_utf8_lossy(data);
            let lines: Vec<&str> = text.split('\n').collect();
            assert!(
                line <= lines.len() && column <= lines[line - 1].chars().count() + 1,
                "no such place: {said}"
            );
        }
    }
}
