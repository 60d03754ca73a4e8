//! Against anything that can happen in any order, and with a claude that is slow and a user who does not keep
//! still.

mod any_order;
mod evidence;
mod model;
mod scenarios;
mod soak;
mod typing;

use std::time::Duration;

use super::{File, ScreenSnapshot};
use crate::claude::remote_control::classify;
use crate::claude::screen::{Draft, Indicator, Prompt, Reading, Room};
use crate::claude::state_file::{BridgeId, StateFile};

const LINE: &str = "/remote-control";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What the file of an interactive session says.
fn state_file(up: bool, status: &str) -> StateFile {
    StateFile {
        kind: Some("interactive".into()),
        entrypoint: Some("cli".into()),
        status: Some(status.into()),
        bridge: if up { BridgeId::Id("session_1".into()) } else { BridgeId::Absent },
        ..StateFile::default()
    }
}

fn file(up: bool, status: &str) -> File {
    let file = File::of(&state_file(up, status));
    assert_eq!(file.verdict, classify(Some(&state_file(up, status))));
    file
}

fn reading(prompt: Prompt, indicator: Indicator) -> Reading {
    Reading {
        tail: None,
        prompt,
        stashed: false,
        vim: None,
        busy: false,
        menu: None,
        indicator,
        notice: None,
        first_use: false,
        panel: None,
        room: Room::default(),
    }
}

fn prompt(text: &str) -> Prompt {
    if text.is_empty() {
        return Prompt::Empty;
    }
    Prompt::Draft(Draft { text: text.into(), lines: 1, cursor_at_end: true })
}

fn look(prompt: Prompt, indicator: Indicator) -> ScreenSnapshot {
    ScreenSnapshot {
        reading: reading(prompt, indicator),
        settled: true,
        rested: true,
        own_command: false,
        pastes: true,
        line_before_cursor: false,
        written: None,
    }
}
