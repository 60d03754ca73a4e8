//! What another machine prints, as rows.

use std::io;

use serde_json::Value;
use tokio::sync::watch;

use super::json_row::row_of;
use crate::cli::top::event::Update;
use crate::cli::top::row::Source;
use crate::machines::cache;
use crate::machines::call::Sink;
use crate::machines::store::Machine;
use crate::machines::wire::SeenSession;

/// The longest line that a machine may print, in bytes.
const MAX_LINE_BYTES: usize = 16 << 20;
/// How much of what it says on stderr is kept, in bytes.
const MAX_ERROR_BYTES: usize = 4 << 10;

/// Takes what a machine prints, line by line. Only the newest rows are kept for whoever is too slow.
pub struct Lines {
    machine: Machine,
    source: Source,
    newest: watch::Sender<Option<Update>>,
    line: Vec<u8>,
    /// The objects of a list that has one a line.
    objects: Vec<Value>,
    /// Whether each line has one session, and not all.
    pub is_one_a_line: bool,
    /// Whether it has said anything.
    pub has_said: bool,
    /// The end of what it said on stderr.
    pub errors: Vec<u8>,
}

impl Lines {
    /// Of this machine. The rows go to `newest`.
    pub fn new(machine: Machine, newest: watch::Sender<Option<Update>>) -> Self {
        let source = Source::Machine(machine.name.to_string());
        let (line, objects, errors) = (Vec::new(), Vec::new(), Vec::new());
        Self { machine, source, newest, line, objects, is_one_a_line: false, has_said: false, errors }
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let value: Value = serde_json::from_slice(line).map_err(io::Error::other)?;
        match value {
            Value::Array(lines) => self.tell(&lines),
            object @ Value::Object(_) if self.is_one_a_line => self.objects.push(object),
            _ => return Err(io::Error::other("it is no list of sessions")),
        }
        Ok(())
    }

    /// The list that has one object a line is whole.
    pub fn end(&mut self) {
        let lines = std::mem::take(&mut self.objects);
        self.tell(&lines);
    }

    fn tell(&mut self, lines: &[Value]) {
        if !std::mem::replace(&mut self.has_said, true) {
            // For completions.
            cache::note_sessions(&self.machine.name, lines.iter().map(seen).collect());
        }
        let rows = lines.iter().filter_map(|line| row_of(&self.source, line, None)).collect();
        self.newest.send_replace(Some(Update::Rows(self.source.clone(), rows)));
    }
}

fn seen(line: &Value) -> SeenSession {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    SeenSession { name: text("name"), session: text("session"), state: text("state") }
}

impl Sink for Lines {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() > MAX_LINE_BYTES {
                return Err(io::Error::other("it says too much"));
            }
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take(&line)?;
            }
        }
        Ok(())
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.errors.extend_from_slice(bytes);
        let extra = self.errors.len().saturating_sub(MAX_ERROR_BYTES);
        self.errors.drain(..extra);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machines::name::MachineName;

    fn lines() -> (Lines, watch::Receiver<Option<Update>>) {
        let name = MachineName::new("box").expect("a name");
        let machine = Machine { name, destination: "box".into(), program: None };
        let (newest, rows) = watch::channel(None);
        let mut lines = Lines::new(machine, newest);
        // Nothing is written down in a test.
        lines.has_said = true;
        (lines, rows)
    }

    fn names(rows: &watch::Receiver<Option<Update>>) -> Vec<String> {
        match &*rows.borrow() {
            Some(Update::Rows(source, rows)) => {
                assert_eq!(*source, Source::Machine("box".into()));
                rows.iter().map(|row| row.full_name()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_comes_in_pieces_is_told_when_a_line_is_whole() {
        let (mut lines, rows) = lines();
        let text = br#"[{"session":"1","name":"a"},{"name":"of no session"}]
[{"session":"1","name":"b"}]
"#;
        for piece in text.chunks(7) {
            lines.stdout(piece).expect("is understood");
        }
        assert_eq!(names(&rows), ["box:b"]);
        lines.stdout(b"[]\n[{\"session\":\"2\",\"name\":\"c\"}").expect("is understood");
        assert_eq!(names(&rows), [""; 0]);
    }

    #[test]
    fn what_is_no_list_is_not_taken() {
        for text in [&b"hello\n"[..], b"{}\n", b"7\n", b"\xff\n"] {
            let (mut lines, _rows) = lines();
            assert!(lines.stdout(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        let (mut lines, _rows) = lines();
        let much = vec![b'['; 1 << 20];
        assert!((0..17).any(|_| lines.stdout(&much).is_err()));
    }

    #[test]
    fn an_older_list_has_one_session_a_line() {
        let (mut lines, rows) = lines();
        lines.is_one_a_line = true;
        lines
            .stdout(b"{\"session\":\"1\",\"name\":\"a\"}\n{\"session\":\"2\",\"name\":\"b\"}\n")
            .expect("a list");
        lines.end();
        assert_eq!(names(&rows), ["box:a", "box:b"]);
    }
}
