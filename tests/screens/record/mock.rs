//! The Messages API, as far as these screens need it, on loopback.
//!
//! A prompt is answered by the words in it: [`TOOL`], [`HOLD`], [`SHOW`], or anything else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

/// Answered by a call of the Bash tool.
pub const TOOL: &str = "use the tool";
/// Answered by a piece of text, and then by nothing as long as claude waits.
pub const HOLD: &str = "hold the reply";
/// Answered by [`PICTURE`].
pub const SHOW: &str = "show a prompt";
/// What a model may draw, or be made to draw: a prompt, and a footer below it.
pub const PICTURE: &str = "Here it is:\n\n```\n────────────────────────────────────────\n❯\u{a0}/remote-control\n────────────────────────────────────────\n  ? for shortcuts · /rc active\n```\n";
/// The answer to all other prompts.
const REPLY: &str = "Hello from the mock.";

/// Listens until the program ends; what `ANTHROPIC_BASE_URL` is to be.
pub fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away in the middle is nothing to speak of.
            thread::spawn(move || serve(&stream));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if !line.starts_with("POST /v1/messages?") {
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return stream.write_all(answer.as_bytes()).ok();
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    let request: Value = serde_json::from_slice(&body).ok()?;
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 10, "output_tokens": 1},
    });
    event(stream, "message_start", &json!({"message": message}))?;
    // The requests beside the conversation (titles and the like) have no tools.
    let tools = request["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    let asked = request["messages"].as_array()?.iter().rfind(|message| message["role"] == "user")?;
    let asked = asked["content"].to_string();
    let (mut kind, mut block, mut reason) = (json!({"type": "text", "text": ""}), text(REPLY), "end_turn");
    if tools && asked.contains("tool_result") {
        block = text("Done.");
    } else if tools && asked.contains(TOOL) {
        kind = json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}});
        let input = json!({"command": "touch made-by-the-tool", "description": "Make a file"});
        block = json!({"type": "input_json_delta", "partial_json": input.to_string()});
        reason = "tool_use";
    } else if tools && asked.contains(SHOW) {
        block = text(PICTURE);
    } else if tools && asked.contains(HOLD) {
        block = text("It begins");
    }
    event(stream, "content_block_start", &json!({"index": 0, "content_block": kind}))?;
    event(stream, "content_block_delta", &json!({"index": 0, "delta": block}))?;
    if tools && asked.contains(HOLD) {
        // Until claude gives the request up.
        return reader.read(&mut [0]).ok().map(drop);
    }
    event(stream, "content_block_stop", &json!({"index": 0}))?;
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    event(stream, "message_delta", &json!({"delta": delta, "usage": {"output_tokens": 5}}))?;
    event(stream, "message_stop", &json!({}))
}

fn text(text: &str) -> Value {
    json!({"type": "text_delta", "text": text})
}

fn event(mut stream: &TcpStream, name: &str, data: &Value) -> Option<()> {
    let mut data = data.clone();
    data["type"] = name.into();
    stream.write_all(format!("event: {name}\ndata: {data}\n\n").as_bytes()).ok()
}
