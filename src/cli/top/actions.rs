//! What the view has others do: verbs of cckw without a terminal, the text of a pager, and names of directories.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::event::{Event, Outcome, VerbLine};
use super::home::below_home;
use crate::os::command::in_own_session;
use crate::os::own_program::own_program;

/// How long a verb may take. `adopt` and `send` wait up to ten minutes for a claude to come to rest.
const VERB_TIMEOUT: Duration = Duration::from_secs(11 * 60);
/// What is kept of the output of a verb, in bytes: the end.
const MAX_OUTPUT_BYTES: usize = 64 << 10;
/// The longest line that is shown of it, in characters.
const MAX_LINE_CHARS: usize = 400;
/// The most that a pager is given, in bytes.
const MAX_PAGER_BYTES: usize = 16 << 20;
/// How much of it is read at once, in bytes.
const PAGER_CHUNK_BYTES: usize = 64 << 10;
/// How many chunks of it wait to be shown.
const PAGER_CHUNKS: usize = 4;

/// Runs a verb, and tells what came of it.
pub fn run(verb: VerbLine, events: Sender<Event>) {
    tokio::spawn(async move {
        let outcome = match timeout(VERB_TIMEOUT, finish(&verb)).await {
            Ok(Ok((status, stdout, stderr))) => outcome(&verb, status, &stdout, &stderr),
            Ok(Err(error)) => failure(&verb, &format!("cckw cannot be run: {error}")),
            Err(_) => failure(&verb, &format!("given up after {} minutes", VERB_TIMEOUT.as_secs() / 60)),
        };
        // The view may have been left.
        let _ = events.send(Event::Finished(outcome)).await;
    });
}

fn failure(verb: &VerbLine, why: &str) -> Outcome {
    Outcome {
        label: verb.label.clone(),
        is_done: false,
        text: format!("{}: {why}", verb.label),
        select: None,
    }
}

/// A verb that is about to run, in a session of its own: it has no terminal, ctrl-z does not stop it, and ssh asks nothing
/// below it.
fn command(verb: &VerbLine) -> io::Result<Command> {
    let mut command = Command::new(own_program()?);
    command.args(words(verb)).env("NO_COLOR", "1");
    command.stdin(if verb.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    in_own_session(command.as_std_mut());
    Ok(command)
}

/// Its words, as a shell would give them: `~` is the home directory in the directory of `cckw new`.
fn words(verb: &VerbLine) -> Vec<String> {
    let mut words = verb.words.clone();
    let is_here = words.first().is_some_and(|verb| verb == "new")
        && !words.get(1).is_some_and(|name| name.contains(':'));
    if let Some(directory) = words.get_mut(2).filter(|_| is_here) {
        *directory = below_home(directory);
    }
    words
}

/// Runs it to its end.
async fn finish(verb: &VerbLine) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let mut child = command(verb)?.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let (Some(mut stdin), Some(text)) = (stdin, &verb.stdin) {
            // One that does not read it says why.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
    };
    let ((), stdout, stderr) = tokio::join!(write, end_of(stdout), end_of(stderr));
    Ok((child.wait().await?, stdout, stderr))
}

/// The end of what a program says.
async fn end_of(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; 8 << 10]);
    let Some(mut from) = from else { return kept };
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..count]);
        if kept.len() > 2 * MAX_OUTPUT_BYTES {
            kept.drain(..kept.len() - MAX_OUTPUT_BYTES);
        }
    }
    kept
}

fn outcome(verb: &VerbLine, status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Outcome {
    let is_done = status.success();
    let (out, err) = (last_line(stdout), last_line(stderr));
    let said = if is_done { out.clone().or(err) } else { err.or(out.clone()) };
    let first_word = verb.words.first().map(String::as_str);
    // The one prints the name and the id, with a tab between, the other a sentence that begins with the name.
    let made = match first_word {
        Some("new") => out.as_deref().and_then(|line| line.split_once('\t')),
        Some("adopt") if is_done => out.as_deref().and_then(|line| line.split_once(": ")),
        _ => None,
    };
    let made = made.map(|(name, _)| name.to_owned());
    let text = match (&made, said) {
        (Some(name), _) if is_done && first_word == Some("new") => format!("{name} has been started"),
        (_, Some(said)) => said,
        (_, None) if is_done => format!("{}: done", verb.label),
        (_, None) => format!("{}: it ended with {status}", verb.label),
    };
    Outcome { label: verb.label.clone(), is_done, text, select: made }
}

/// The last line that says something, without the name of the program before it.
fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?.trim_end();
    let line = line.strip_prefix("cckw: ").unwrap_or(line);
    Some(line.chars().take(MAX_LINE_CHARS).collect())
}

/// The text of a pager, as it comes. Dropped, it ends the verb that prints it.
pub struct PagerFeed {
    chunks: Receiver<Event>,
    task: JoinHandle<()>,
}

impl PagerFeed {
    /// Runs a verb that prints a text.
    pub fn open(verb: VerbLine) -> Self {
        let (sender, chunks) = channel(PAGER_CHUNKS);
        let task = tokio::spawn(async move {
            let error = feed(&verb, &sender).await;
            let _ = sender.send(Event::PagerEnd(error)).await;
        });
        Self { chunks, task }
    }

    /// The next piece; nothing when it has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.chunks.recv().await
    }
}

impl Drop for PagerFeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes on what a verb prints. What went wrong, if anything.
async fn feed(verb: &VerbLine, to: &Sender<Event>) -> Option<String> {
    let started = command(verb).and_then(|mut command| command.kill_on_drop(true).spawn());
    let mut child: Child = match started {
        Ok(child) => child,
        Err(error) => return Some(format!("cckw cannot be run: {error}")),
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (is_whole, said) = tokio::join!(pass_on(stdout, to), end_of(stderr));
    if !is_whole {
        return Some(format!("there is more than {} MiB of it; the rest is left out", MAX_PAGER_BYTES >> 20));
    }
    match child.wait().await {
        Ok(status) if status.success() => None,
        Ok(status) => Some(last_line(&said).unwrap_or_else(|| format!("it ended with {status}"))),
        Err(error) => Some(error.to_string()),
    }
}

/// Whether all of it was passed on.
async fn pass_on(from: Option<impl AsyncRead + Unpin>, to: &Sender<Event>) -> bool {
    let Some(mut from) = from else { return true };
    let (mut waiting, mut chunk) = (Vec::new(), vec![0; PAGER_CHUNK_BYTES]);
    let mut total = 0;
    loop {
        let count = from.read(&mut chunk).await.unwrap_or_default();
        total += count;
        waiting.extend_from_slice(&chunk[..count]);
        let taken = if count == 0 { waiting.len() } else { whole_characters(&waiting) };
        let text = String::from_utf8_lossy(&waiting[..taken]).into_owned();
        waiting.drain(..taken);
        if !text.is_empty() && to.send(Event::PagerText(text)).await.is_err() {
            return true;
        }
        match count {
            0 => return true,
            _ if total > MAX_PAGER_BYTES => return false,
            _ => {}
        }
    }
}

/// How many of the bytes are no beginning of a character that is cut at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let cut = match bytes.utf8_chunks().last() {
        Some(chunk) if chunk.invalid().len() < 4 => std::str::from_utf8(chunk.invalid())
            .is_err_and(|error| error.error_len().is_none())
            .then_some(chunk.invalid().len()),
        _ => None,
    };
    bytes.len() - cut.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn verb(words: &[&str]) -> VerbLine {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        VerbLine { words, stdin: None, label: "doing it".into() }
    }

    fn told(words: &[&str], code: i32, stdout: &str, stderr: &str) -> (bool, String, Option<String>) {
        let status = ExitStatus::from_raw(code << 8);
        let Outcome { is_done, text, select, .. } =
            outcome(&verb(words), status, stdout.as_bytes(), stderr.as_bytes());
        (is_done, text, select)
    }

    #[test]
    fn what_came_of_a_verb_is_its_last_line() {
        let plain = |is_done, text: &str| (is_done, text.to_owned(), None);
        assert_eq!(told(&["stop", "api"], 0, "x\napi: stopped\n\n", ""), plain(true, "api: stopped"));
        assert_eq!(
            told(&["stop", "api"], 1, "half\n", "cckw: api: gone; see cckw list\n"),
            plain(false, "api: gone; see cckw list")
        );
        assert_eq!(told(&["rename"], 0, "", ""), plain(true, "doing it: done"));
        assert_eq!(told(&["rename"], 3, "", ""), plain(false, "doing it: it ended with exit status: 3"));
        let started = (true, "api has been started".to_owned(), Some("api".to_owned()));
        assert_eq!(told(&["new", "api"], 0, "api\t0123\n", ""), started);
        let taken = "web: taken over, into a session without a terminal. To use it here: cckw attach web";
        let adopted = (true, taken.to_owned(), Some("web".to_owned()));
        assert_eq!(told(&["adopt", "--takeover", "4711"], 0, &format!("{taken}\n"), ""), adopted);
        let asks = (false, "claude asks something first".to_owned(), Some("api".to_owned()));
        assert_eq!(told(&["new", "api"], 3, "api\t0123\n", "cckw: claude asks something first\n"), asks);
    }

    #[test]
    fn characters_are_never_cut() {
        for (bytes, whole) in [
            (&b"abc"[..], 3),
            ("aé".as_bytes(), 3),
            (b"a\xc3", 1),
            (b"a\xe6\x97", 1),
            (b"a\xff", 2),
            (b"", 0),
        ] {
            assert_eq!(whole_characters(bytes), whole, "{}", bytes.escape_ascii());
        }
    }
}
