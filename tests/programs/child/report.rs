//! The report: one JSON object in the file that `PTY_CHILD_REPORT` names.

use serde_json::{Map, Value};

/// What the child has to say so far. Without `PTY_CHILD_REPORT` it says nothing.
pub struct Report {
    path: Option<std::path::PathBuf>,
    values: Map<String, Value>,
}

impl Report {
    /// A report that knows the mode and the process id. Nothing is written yet.
    pub fn new(mode: &str) -> Self {
        let path = std::env::var_os("PTY_CHILD_REPORT").map(Into::into);
        let mut report = Self { path, values: Map::new() };
        report.set("mode", mode);
        report.set("pid", std::process::id());
        report.set("done", false);
        report
    }

    /// Sets one value.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.values.insert(key.to_owned(), value.into());
    }

    /// Appends to a list, which begins empty.
    pub fn push(&mut self, key: &str, value: impl Into<Value>) {
        let list = self.values.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value.into());
        }
    }

    /// Writes the file beside its place and moves it there, so that a reader never meets half of it.
    pub fn write(&self) {
        let Some(path) = &self.path else { return };
        let mut beside = path.clone().into_os_string();
        beside.push(format!(".{}", std::process::id()));
        let text = Value::Object(self.values.clone()).to_string();
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
        if let Err(error) = written {
            crate::child::tty::give_up(&format!("cannot write {}: {error}", path.display()));
        }
    }

    /// Writes the last report: `done` is true in it.
    pub fn finish(mut self) {
        self.set("done", true);
        self.write();
    }
}
