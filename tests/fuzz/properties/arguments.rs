//! The table of claude's arguments: no word is lost, what is read is read the same again, and a pinned or a
//! second launch says what it is to say and keeps the rest.
//!
//! Input: the words, a line each.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use cckw::claude::args::{
    ConversationChoice, Item, Resume, Role, Run, What, choice, items, parse, pin, relaunch,
};
use cckw::claude::server;
use cckw::claude::transcript::is_id;
use uuid::Uuid;

const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";

pub fn check(data: &[u8]) {
    let line: Vec<OsString> = if data.is_empty() {
        vec![]
    } else {
        data.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec())).collect()
    };
    let words: Vec<OsString> = words(&line);
    let parsed = parse(&line);
    assert_eq!(parse(&words), parsed, "taken apart it says something else");
    assert_eq!(self::words(&words), words, "taken apart once, there is something left to take apart");
    assert_eq!(choice(&words), choice(&line));
    if let Some(ConversationChoice::Id(id)) = choice(&line) {
        assert!(is_id(&id) && parsed.chosen);
    }
    match parsed.run {
        Run::Interactive => session(&line),
        Run::Server => a_server(&line),
        Run::Straight => {}
    }
}

fn words(line: &[OsString]) -> Vec<OsString> {
    items(line).into_iter().flat_map(|item| item.words).collect()
}

/// What of a command line a relaunch has to keep.
fn settings(line: &[OsString]) -> Vec<Item> {
    let settles = |item: &Item| match item.what {
        What::Flag(flag) => flag.role == Role::Configure,
        what => what == What::Unknown,
    };
    items(line).into_iter().filter(settles).collect()
}

fn session(line: &[OsString]) {
    let before = parse(line);
    let pinned = pin(line, &Uuid::from_u128(7));
    let after = parse(&pinned);
    assert_eq!(&pinned[2..], line);
    assert!(after.chosen && after.run == Run::Interactive);
    assert_eq!((&after.prompt, &after.name), (&before.prompt, &before.name));

    let worktree = Some(OsStr::new("-odd"));
    for how in [
        Resume::Conversation(ID),
        Resume::Fresh { id: ID, worktree: None },
        Resume::Fresh { id: ID, worktree },
        Resume::AsChosen,
    ] {
        let relaunched = relaunch(line, how);
        let after = parse(&relaunched);
        assert_eq!((after.run, after.prompt), (Run::Interactive, None), "{relaunched:?}");
        assert_eq!(after.name, before.name);
        assert_eq!(settings(&relaunched), settings(line));
        assert_eq!(relaunch(&relaunched, how), relaunched, "a relaunch of a relaunch");
        assert_eq!(relaunch(&relaunched, Resume::Conversation(ID)), relaunch(line, Resume::Conversation(ID)));
        let chosen = |item: &Item| matches!(item.what, What::Flag(flag) if flag.role == Role::Conversation);
        if how != Resume::AsChosen {
            let chosen: Vec<Item> = items(&relaunched).into_iter().filter(chosen).collect();
            assert_eq!(chosen.len(), 1, "{relaunched:?}");
            assert_eq!(chosen[0].value.as_deref(), Some(ID.as_ref()));
            assert_eq!(choice(&relaunched), Some(ConversationChoice::Id(ID.into())));
        }
    }
}

fn a_server(line: &[OsString]) {
    server::name(line);
    for goes_on in [false, true] {
        let relaunched = server::relaunch(line, goes_on);
        assert_eq!(parse(&relaunched).run, Run::Server, "{relaunched:?}");
        assert_eq!(server::relaunch(&relaunched, goes_on), relaunched, "a relaunch of a relaunch");
    }
}
