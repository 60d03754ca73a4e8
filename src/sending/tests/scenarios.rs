//! What happens in one case and another, step by step.

use super::*;
use crate::claude::pasted::SubmittedAs;
use crate::typing::{KEY_HOLD_LIMIT, KeyboardObstacle, KeyboardState, Keystroke};

/// A sender with one message, in front of an idle claude without a client.
fn waiting(when: SendWhen) -> Sender {
    let mut sender = Sender::new(ms(1500));
    for event in [SenderEvent::Started, SenderEvent::Status(ClaudeStatus::Idle)] {
        assert_eq!(sender.handle(ms(0), event), []);
    }
    let request = SenderEvent::Requested(message(1, TEXT, when, ms(60_000)));
    assert_eq!(sender.handle(ms(0), request), [SenderEffect::Look]);
    sender
}

fn see(sender: &mut Sender, at: u64, prompt: Prompt) -> Vec<SenderEffect> {
    sender.handle(ms(at), SenderEvent::Looked(look(prompt)))
}

/// The same, behind Enter.
fn entered() -> Sender {
    let mut sender = waiting(SendWhen::Idle);
    assert_eq!(see(&mut sender, 0, Prompt::Empty), [SenderEffect::Look]);
    let paste = SenderEffect::Type(Keystroke::Paste(TEXT.into()));
    assert_eq!(see(&mut sender, 0, Prompt::Empty), [SenderEffect::Begin(id(1)), paste]);
    assert_eq!(see(&mut sender, 50, draft(TEXT)), [SenderEffect::Type(Keystroke::Enter)]);
    sender
}

#[test]
fn a_text_is_pasted_looked_at_entered_and_found_in_the_transcript() {
    let mut sender = entered();
    assert_eq!(see(&mut sender, 90, draft(TEXT)), []);
    assert_eq!(see(&mut sender, 130, Prompt::Empty), [SenderEffect::Release]);
    assert!(!sender.is_typing());
    assert_eq!(sender.handle(ms(130), SenderEvent::Due), [SenderEffect::ReadTranscript]);
    assert_eq!(sender.handle(ms(130), SenderEvent::Transcript(None)), []);
    assert_eq!(sender.handle(ms(180), SenderEvent::Due), [SenderEffect::ReadTranscript]);
    let found = SenderEvent::Transcript(Some(SubmittedAs::Prompt));
    let answer = SenderEffect::Answer(id(1), SendOutcome::Submitted(SubmittedAs::Prompt));
    assert_eq!(sender.handle(ms(180), found), [answer]);
    assert_eq!(sender.deadline(), None);
}

#[test]
fn what_the_transcript_does_not_show_is_not_known() {
    let mut sender = entered();
    see(&mut sender, 130, Prompt::Empty);
    let said = sender.handle(ms(60_000), SenderEvent::Due);
    assert!(matches!(&said[..], [SenderEffect::Answer(_, SendOutcome::Unknown(_))]), "{said:?}");
}

#[test]
fn a_draft_is_put_aside_before() {
    let mut sender = waiting(SendWhen::Idle);
    see(&mut sender, 0, draft("a draft"));
    let stash = [SenderEffect::Begin(id(1)), SenderEffect::Type(Keystroke::Stash)];
    assert_eq!(see(&mut sender, 0, draft("a draft")), stash);
    assert_eq!(see(&mut sender, 40, draft("a draft")), []);
    let paste = SenderEffect::Type(Keystroke::Paste(TEXT.into()));
    assert_eq!(see(&mut sender, 80, Prompt::Empty), [paste]);
    assert_eq!(see(&mut sender, 120, draft(TEXT)), [SenderEffect::Type(Keystroke::Enter)]);
    // Claude brings it back by itself.
    assert_eq!(see(&mut sender, 160, Prompt::Empty), []);
    assert_eq!(see(&mut sender, 200, draft("a draft")), [SenderEffect::Release]);
}

#[test]
fn a_draft_that_is_the_same_text_is_left_alone() {
    let mut sender = waiting(SendWhen::Now);
    let said = see(&mut sender, 0, draft(TEXT));
    assert!(matches!(&said[..], [SenderEffect::Answer(_, SendOutcome::NotSent(_))]), "{said:?}");
}

#[test]
fn a_text_that_is_not_alone_is_taken_back() {
    let mut sender = waiting(SendWhen::Idle);
    see(&mut sender, 0, Prompt::Empty);
    see(&mut sender, 0, Prompt::Empty);
    let mixed = || draft(&format!("x{TEXT}"));
    assert_eq!(see(&mut sender, 50, mixed()), []);
    assert_eq!(see(&mut sender, 2_100, mixed()), [SenderEffect::Type(Keystroke::Undo)]);
    let said = see(&mut sender, 2_200, Prompt::Empty);
    assert!(
        matches!(&said[..], [SenderEffect::Release, SenderEffect::Answer(_, SendOutcome::NotSent(_))]),
        "{said:?}"
    );
}

#[test]
fn a_message_that_is_to_go_now_is_refused_where_claude_is_elsewhere() {
    let mut sender = waiting(SendWhen::Now);
    let said = see(&mut sender, 0, Prompt::Elsewhere("the transcript view is open"));
    let why = SendOutcome::NotSent("the transcript view is open".into());
    assert_eq!(said, [SenderEffect::Answer(id(1), why)]);
}

#[test]
fn a_message_waits_but_a_moment_where_claude_is_elsewhere_and_for_long_if_it_is_patient() {
    let request = |is_patient| {
        SenderEvent::Requested(Message { is_patient, ..message(1, TEXT, SendWhen::Idle, ms(60_000)) })
    };
    let asks = || SenderEvent::Status(ClaudeStatus::Elsewhere("claude asks".into()));
    for is_patient in [false, true] {
        // As the state file says.
        let mut sender = Sender::new(ms(1500));
        sender.handle(ms(0), SenderEvent::Started);
        sender.handle(ms(0), asks());
        assert_eq!(sender.handle(ms(10), request(is_patient)), []);
        assert_eq!(sender.deadline(), Some(ms(if is_patient { 60_000 } else { 5_010 })));
        let due = sender.deadline().expect("a bound");
        let why = SendOutcome::NotSent("claude asks".into());
        assert_eq!(sender.handle(due, SenderEvent::Due), [SenderEffect::Answer(id(1), why)]);
        // As the screen says.
        let mut sender = Sender::new(ms(1500));
        sender.handle(ms(0), SenderEvent::Started);
        sender.handle(ms(0), SenderEvent::Status(ClaudeStatus::Idle));
        assert_eq!(sender.handle(ms(0), request(is_patient)), [SenderEffect::Look]);
        let view = || Prompt::Elsewhere("the transcript view is open");
        assert_eq!(see(&mut sender, 0, view()), []);
        let said = see(&mut sender, 5_000, view());
        assert_eq!(said.is_empty(), is_patient, "{said:?}");
    }
    // A turn that runs meanwhile is waited for.
    let mut sender = Sender::new(ms(1500));
    sender.handle(ms(0), SenderEvent::Started);
    sender.handle(ms(0), asks());
    sender.handle(ms(0), request(false));
    sender.handle(ms(1_000), SenderEvent::Status(ClaudeStatus::Busy));
    assert_eq!(sender.handle(ms(10_000), SenderEvent::Due), []);
    sender.handle(ms(20_000), asks());
    assert_eq!(sender.deadline(), Some(ms(25_000)));
}

#[test]
fn a_message_waits_for_an_idle_prompt_and_wakes_nobody_up_meanwhile() {
    let mut sender = waiting(SendWhen::Idle);
    sender.handle(ms(10), SenderEvent::Status(ClaudeStatus::Busy));
    assert_eq!(sender.deadline(), Some(ms(60_000)));
    let said = sender.handle(ms(60_000), SenderEvent::Due);
    assert_eq!(said, [SenderEffect::Answer(id(1), SendOutcome::NotSent("a turn runs".into()))]);
}

#[test]
fn a_message_that_nobody_waits_for_any_more_is_not_typed() {
    let mut sender = waiting(SendWhen::Idle);
    assert_eq!(sender.handle(ms(0), SenderEvent::Withdrawn(id(1))), []);
    assert_eq!(see(&mut sender, 0, Prompt::Empty), []);
    assert_eq!(sender.deadline(), None);
    // Once it is typed it goes on.
    let mut sender = entered();
    sender.handle(ms(60), SenderEvent::Withdrawn(id(1)));
    assert_eq!(sender.current().map(|message| message.id), Some(id(1)));
}

#[test]
fn keys_of_the_users_wait_for_a_second_and_then_all_is_undone_before_them() {
    let mut sender = waiting(SendWhen::Idle);
    sender.handle(ms(0), SenderEvent::Attached);
    assert_eq!(see(&mut sender, 60, Prompt::Empty), [SenderEffect::Hold]);
    assert_eq!(sender.handle(ms(70), SenderEvent::Held(KeyboardState::default())), [SenderEffect::Look]);
    see(&mut sender, 70, Prompt::Empty);
    assert_eq!(sender.handle(ms(80), SenderEvent::KeyWaits), []);
    let said = sender.handle(ms(80) + KEY_HOLD_LIMIT, SenderEvent::Due);
    assert_eq!(said, [SenderEffect::Type(Keystroke::Undo), SenderEffect::Release]);
    assert_eq!(see(&mut sender, 1_200, draft(TEXT)), []);
    let said = see(&mut sender, 1_300, Prompt::Empty);
    assert!(matches!(&said[..], [SenderEffect::Answer(_, SendOutcome::NotSent(_))]), "{said:?}");
}

#[test]
fn somebody_who_types_goes_first() {
    let mut sender = waiting(SendWhen::Idle);
    sender.handle(ms(0), SenderEvent::Attached);
    see(&mut sender, 60, Prompt::Empty);
    let typing = KeyboardState { typed: Some(ms(200)), ..KeyboardState::default() };
    assert_eq!(typing.obstacle(ms(1500)), Some(KeyboardObstacle::Typing));
    assert_eq!(sender.handle(ms(60), SenderEvent::Held(typing)), [SenderEffect::Release]);
    assert_eq!(sender.deadline(), Some(ms(60 + 1300)));
}

#[test]
fn a_claude_that_is_stopped_or_gone_is_sent_nothing() {
    for (event, why) in
        [(SenderEvent::Ended, "claude does not run"), (SenderEvent::Away, "claude is suspended")]
    {
        let mut sender = waiting(SendWhen::Idle);
        let said = sender.handle(ms(0), event);
        assert!(
            matches!(&said[..], [SenderEffect::Answer(_, SendOutcome::NotSent(said))] if said.starts_with(why)),
            "{said:?}"
        );
    }
}

#[test]
fn a_claude_that_ends_behind_enter_has_written_down_what_it_took() {
    let mut sender = entered();
    assert_eq!(sender.handle(ms(60), SenderEvent::Ended), [SenderEffect::Release]);
    assert_eq!(sender.handle(ms(60), SenderEvent::Due), [SenderEffect::ReadTranscript]);
    let said = sender.handle(ms(60), SenderEvent::Transcript(Some(SubmittedAs::Prompt)));
    assert_eq!(said, [SenderEffect::Answer(id(1), SendOutcome::Submitted(SubmittedAs::Prompt))]);
}

#[test]
fn a_request_that_is_repeated_is_typed_once() {
    let mut sender = waiting(SendWhen::Idle);
    sender.handle(ms(0), SenderEvent::Requested(message(1, TEXT, SendWhen::Idle, ms(60_000))));
    see(&mut sender, 0, Prompt::Empty);
    sender.handle(ms(0), SenderEvent::Withdrawn(id(1)));
    sender.handle(ms(1), SenderEvent::Due);
    assert_eq!((sender.current(), sender.deadline()), (None, None));
}

#[test]
fn no_more_wait_than_there_is_room_for() {
    let mut sender = Sender::new(ms(0));
    sender.handle(ms(0), SenderEvent::Started);
    for number in 0..20 {
        let request = SenderEvent::Requested(message(number, TEXT, SendWhen::Idle, ms(60_000)));
        let said = sender.handle(ms(0), request);
        assert_eq!(said.len(), usize::from(number >= 16), "{number}: {said:?}");
    }
}

#[test]
fn two_never_type_at_once() {
    let mut sender = waiting(SendWhen::Idle);
    sender.handle(ms(0), SenderEvent::OtherTypes(true));
    assert_eq!(see(&mut sender, 0, Prompt::Empty), []);
    sender.handle(ms(100), SenderEvent::OtherTypes(false));
    assert_eq!(sender.handle(ms(200), SenderEvent::Due), [SenderEffect::Look]);
}
