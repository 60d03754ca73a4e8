//! The Messages API, as far as Claude Code needs it for a dialogue, on loopback.
//!
//! A prompt is answered by what it contains: [`USE_TOOL`] by a call of the Bash tool, [`HOLD`] by a reply
//! that does not come before [`Mock::release`], everything else by [`REPLY`].

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Prompts that contain this are answered by a call of the Bash tool, which runs [`TOOL_COMMAND`].
pub const USE_TOOL: &str = "use the tool";
/// What the tool is to run.
pub const TOOL_COMMAND: &str = "touch made-by-the-tool";
/// What is said after the tool has run.
pub const AFTER_TOOL: &str = "The tool has run.";
/// Prompts that contain this are not answered until released.
pub const HOLD: &str = "hold the reply";
/// A held reply. Claude shows it when it is complete.
pub const HELD: &str = "Held back until now.";
/// Prompts that end with this and a status of HTTP are answered by that error: `fail with 529`. With
/// [`RESET`] in place of a status the connection is reset.
pub const FAIL: &str = "fail with ";
/// See [`FAIL`].
pub const RESET: &str = "reset";
/// The answer to all other prompts.
pub const REPLY: &str = "Hello from the mock.";

#[derive(Default)]
struct State {
    /// As they arrived, whether answered by now or not.
    arrived: Vec<String>,
    prompts: Vec<String>,
    released: bool,
}

/// A server for one test; its threads end with their connections.
pub struct Mock {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Mock {
    /// Starts to listen on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        // Listens until the test program ends.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that goes away in the middle is a part of these tests.
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, state }
    }

    /// What `ANTHROPIC_BASE_URL` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The prompts that were answered, oldest first.
    pub fn prompts(&self) -> Vec<String> {
        self.state.0.lock().expect("no poison").prompts.clone()
    }

    /// The prompts that have arrived, oldest first, those that are held too.
    pub fn arrived(&self) -> Vec<String> {
        self.state.0.lock().expect("no poison").arrived.clone()
    }

    /// Whether any prompt has arrived.
    pub fn asked(&self) -> bool {
        !self.arrived().is_empty()
    }

    /// Finishes the replies that are held, now and later.
    pub fn release(&self) {
        self.state.0.lock().expect("no poison").released = true;
        self.state.1.notify_all();
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.release();
    }
}

fn serve(stream: &TcpStream, shared: &(Mutex<State>, Condvar)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = stream;
    let path = line.split_whitespace().nth(1)?;
    if !line.starts_with("POST") || path.split('?').next() != Some("/v1/messages") {
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return stream.write_all(answer.as_bytes()).ok();
    }
    let request: Value = serde_json::from_slice(&body).ok()?;
    if let Some((prompt, how)) = asked_to_fail(&request) {
        shared.0.lock().ok()?.arrived.push(prompt);
        return fail(stream, &how);
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    answer(stream, &request, shared)
}

/// The last prompt, and how it wants its request to fail, if it does.
fn asked_to_fail(request: &Value) -> Option<(String, String)> {
    let last = request["messages"].as_array()?.iter().rfind(|message| message["role"] == "user")?;
    let prompt = prompt(last)?;
    // What claude asks for a title of quotes it.
    let how = prompt.trim_end().rsplit_once(FAIL).filter(|_| !prompt.starts_with("<session>"))?.1;
    let is_known = how == RESET || how.parse::<u16>().is_ok();
    is_known.then(|| (prompt.clone(), how.to_owned()))
}

fn fail(mut stream: &TcpStream, status: &str) -> Option<()> {
    let kind = match status {
        RESET => {
            // With unread bytes, or no time to linger, closing is a reset.
            let linger = nix::sys::socket::sockopt::Linger;
            let none = libc::linger { l_onoff: 1, l_linger: 0 };
            return nix::sys::socket::setsockopt(stream, linger, &none).ok();
        }
        "529" => "overloaded_error",
        "429" => "rate_limit_error",
        "401" => "authentication_error",
        _ => "api_error",
    };
    let error =
        json!({"type": "error", "error": {"type": kind, "message": "as it was asked to"}}).to_string();
    let length = error.len();
    let head = format!(
        "HTTP/1.1 {status} Error\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(error.as_bytes()).ok()
}

fn answer(stream: &TcpStream, request: &Value, shared: &(Mutex<State>, Condvar)) -> Option<()> {
    let last = request["messages"].as_array()?.iter().rfind(|message| message["role"] == "user")?;
    let usage = json!({"input_tokens": 10, "output_tokens": 1});
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    event(stream, "message_start", &json!({"message": message}))?;
    let prompt = prompt(last);
    // Seen with 2.1.243: it has the first prompts made a title of, beside the turn.
    if prompt.as_deref().is_some_and(|prompt| prompt.starts_with("<session>")) {
        text(stream, &[REPLY])?;
        return end(stream, "end_turn");
    }
    shared.0.lock().ok()?.arrived.extend(prompt.clone());
    let mut reason = "end_turn";
    let says = |words| prompt.as_deref().is_some_and(|prompt| prompt.contains(words));
    if prompt.is_none() {
        text(stream, &[AFTER_TOOL])?;
    } else if says(USE_TOOL) && request["tools"].as_array().is_some_and(|tools| !tools.is_empty()) {
        tool_call(stream)?;
        reason = "tool_use";
    } else if says(HOLD) {
        start_text(stream)?;
        let state = shared.0.lock().ok()?;
        drop(shared.1.wait_while(state, |state| !state.released).ok()?);
        add_text(stream, HELD)?;
        event(stream, "content_block_stop", &json!({"index": 0}))?;
    } else {
        text(stream, &REPLY.split_inclusive(' ').collect::<Vec<_>>())?;
    }
    shared.0.lock().ok()?.prompts.extend(prompt);
    end(stream, reason)
}

fn end(stream: &TcpStream, reason: &str) -> Option<()> {
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    event(stream, "message_delta", &json!({"delta": delta, "usage": {"output_tokens": 5}}))?;
    event(stream, "message_stop", &json!({}))
}

fn text(stream: &TcpStream, pieces: &[&str]) -> Option<()> {
    start_text(stream)?;
    for piece in pieces {
        add_text(stream, piece)?;
    }
    event(stream, "content_block_stop", &json!({"index": 0}))
}

fn start_text(stream: &TcpStream) -> Option<()> {
    event(stream, "content_block_start", &json!({"index": 0, "content_block": {"type": "text", "text": ""}}))
}

fn add_text(stream: &TcpStream, piece: &str) -> Option<()> {
    event(stream, "content_block_delta", &json!({"index": 0, "delta": {"type": "text_delta", "text": piece}}))
}

fn tool_call(stream: &TcpStream) -> Option<()> {
    let block = json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}});
    event(stream, "content_block_start", &json!({"index": 0, "content_block": block}))?;
    let input = json!({"command": TOOL_COMMAND, "description": "Make a file"}).to_string();
    let delta = json!({"type": "input_json_delta", "partial_json": input});
    event(stream, "content_block_delta", &json!({"index": 0, "delta": delta}))?;
    event(stream, "content_block_stop", &json!({"index": 0}))
}

fn event(mut stream: &TcpStream, name: &str, data: &Value) -> Option<()> {
    let mut data = data.clone();
    data["type"] = name.into();
    stream.write_all(format!("event: {name}\ndata: {data}\n\n").as_bytes()).ok()
}

fn blocks(message: &Value) -> Vec<Value> {
    match &message["content"] {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    }
}

/// What the user typed, or none where a tool's result is the news: the last of it that is not one of the
/// reminders that claude adds.
fn prompt(message: &Value) -> Option<String> {
    blocks(message).into_iter().rev().find_map(|block| match block["text"].as_str() {
        Some(text) if text.trim_start().starts_with("<system-reminder>") => None,
        Some(text) => Some(Some(text.to_owned())),
        None => (block["type"] == "tool_result").then_some(None),
    })?
}
