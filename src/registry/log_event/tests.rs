//! Each event as it stands in the log. Other programs read these lines: a change here is a change for them.

use super::*;

fn id() -> String {
    "5f0c".into()
}

fn elsewhere() -> OpenElsewhere {
    OpenElsewhere { conversation: id(), pid: Some(7), session: Some(Uuid::nil()) }
}

fn text(text: &str) -> String {
    text.into()
}

fn hosts() -> Vec<(LogEvent, &'static str)> {
    use LogEvent as E;
    let unseen = OpenElsewhere { pid: None, session: None, ..elsewhere() };
    let why = "this host did not answer";
    vec![
        (E::AlertDropped { alert: "done" }, r#"{"alert":"done","at":1,"event":"alert-dropped"}"#),
        (
            E::AlertNotSent { alert: "asks", error: text("no") },
            r#"{"alert":"asks","at":1,"error":"no","event":"alert-not-sent"}"#,
        ),
        (
            E::AlertSent { alert: "asks", exit: Exit::Code(0) },
            r#"{"alert":"asks","at":1,"event":"alert-sent","exit":{"code":0}}"#,
        ),
        (E::AsksFirst { question: text("trust?") }, r#"{"at":1,"event":"asks-first","question":"trust?"}"#),
        (
            E::Attached { client: 7, terminal: text("/dev/pts/1") },
            r#"{"at":1,"client":7,"event":"attached","terminal":"/dev/pts/1"}"#,
        ),
        (E::BackgroundJob { job: Some(text("ab")) }, r#"{"at":1,"event":"background-job","job":"ab"}"#),
        (E::BackgroundJob { job: None }, r#"{"at":1,"event":"background-job","job":null}"#),
        (
            E::BackgroundJobEnded { job: Some(text("ab")), ended: true },
            r#"{"at":1,"ended":true,"event":"background-job-ended","job":"ab"}"#,
        ),
        (
            E::BackgroundJobEnding { job: text("ab") },
            r#"{"at":1,"event":"background-job-ending","job":"ab"}"#,
        ),
        (
            E::BackgroundJobGoesOn { job: text("ab") },
            r#"{"at":1,"event":"background-job-goes-on","job":"ab"}"#,
        ),
        (E::CannotWait { error: text("no") }, r#"{"at":1,"error":"no","event":"cannot-wait"}"#),
        (
            E::ClientBackgrounded { why },
            r#"{"at":1,"event":"client-backgrounded","why":"this host did not answer"}"#,
        ),
        (E::ClientLeft { why }, r#"{"at":1,"event":"client-left","why":"this host did not answer"}"#),
        (E::ClientLost { why: text("it ended") }, r#"{"at":1,"event":"client-lost","why":"it ended"}"#),
        (E::ClientStopped, r#"{"at":1,"event":"client-stopped"}"#),
        (E::ContinuedFromOutside, r#"{"at":1,"event":"continued-from-outside"}"#),
        (
            E::Conversation { id: id(), job: None },
            r#"{"at":1,"event":"conversation","id":"5f0c","job":null}"#,
        ),
        (E::Detached, r#"{"at":1,"event":"detached"}"#),
        (
            E::DifferentConversation { asked: text("a"), got: text("b") },
            r#"{"asked":"a","at":1,"event":"different-conversation","got":"b"}"#,
        ),
        (E::Displaced, r#"{"at":1,"event":"displaced"}"#),
        (E::Ended { exit: Exit::Code(3) }, r#"{"at":1,"event":"ended","exit":{"code":3}}"#),
        (E::Ended { exit: Exit::Signal(9) }, r#"{"at":1,"event":"ended","exit":{"signal":9}}"#),
        (E::Ending { signal: "SIGTERM" }, r#"{"at":1,"event":"ending","signal":"SIGTERM"}"#),
        (
            E::EnvironmentNotRecorded { error: text("no") },
            r#"{"at":1,"error":"no","event":"environment-not-recorded"}"#,
        ),
        (E::EventsMissed { count: 2 }, r#"{"at":1,"count":2,"event":"events-missed"}"#),
        (
            E::Expired { conversation: text("a"), instead: text("b"), why: text("its transcript is gone") },
            r#"{"at":1,"conversation":"a","event":"expired","instead":"b","why":"its transcript is gone"}"#,
        ),
        (E::FileNotifications, r#"{"at":1,"event":"file-notifications"}"#),
        (
            E::FilesMadeAnew { what: text("record, socket"), directory: text("/d"), could_not_before: None },
            r#"{"at":1,"could_not_before":null,"directory":"/d","event":"files-made-anew","what":"record, socket"}"#,
        ),
        (E::FilesNotMadeAnew { error: text("no") }, r#"{"at":1,"error":"no","event":"files-not-made-anew"}"#),
        (
            E::Finished { why: text("claude crashed 3 times") },
            r#"{"at":1,"event":"finished","why":"claude crashed 3 times"}"#,
        ),
        (E::GaveUp, r#"{"at":1,"event":"gave-up"}"#),
        (
            E::Held(elsewhere()),
            r#"{"at":1,"conversation":"5f0c","event":"held","pid":7,"session":"00000000-0000-0000-0000-000000000000"}"#,
        ),
        (E::HungUp { terminal_answers: true }, r#"{"at":1,"event":"hung-up","terminal_answers":true}"#),
        (E::LeftBehind { pid: 7 }, r#"{"at":1,"event":"left-behind","pid":7}"#),
        (E::Lingered, r#"{"at":1,"event":"lingered"}"#),
        (E::LogReplaced, r#"{"at":1,"event":"log-replaced"}"#),
        (
            E::HandedOver { from: text("0.1"), version: text("0.2") },
            r#"{"at":1,"event":"handed-over","from":"0.1","version":"0.2"}"#,
        ),
        (E::MarkerNotWritten { error: text("no") }, r#"{"at":1,"error":"no","event":"marker-not-written"}"#),
        (
            E::NewerClaude { running: Some(text("2.0.0")), installed: None, removed: true },
            r#"{"at":1,"event":"newer-claude","installed":null,"removed":true,"running":"2.0.0"}"#,
        ),
        (E::NoFileNotifications, r#"{"at":1,"event":"no-file-notifications"}"#),
        (E::NoJournalThread { error: text("no") }, r#"{"at":1,"error":"no","event":"no-journal-thread"}"#),
        (E::NoOwnScope { error: text("no") }, r#"{"at":1,"error":"no","event":"no-own-scope"}"#),
        (E::NoStateFile { version: None }, r#"{"at":1,"event":"no-state-file","version":null}"#),
        (
            E::NotHandedOver { program: LosslessText::String(text("/p")), error: text("no") },
            r#"{"at":1,"error":"no","event":"not-handed-over","program":"/p"}"#,
        ),
        (E::NotTakenUp { reason: text("no") }, r#"{"at":1,"event":"not-taken-up","reason":"no"}"#),
        (
            E::OpenTwice(unseen),
            r#"{"at":1,"conversation":"5f0c","event":"open-twice","pid":null,"session":null}"#,
        ),
        (
            E::OwnScope { scope: text("cckw-1.scope") },
            r#"{"at":1,"event":"own-scope","scope":"cckw-1.scope"}"#,
        ),
        (
            E::ProgramGone {
                program: LosslessText::String(text("/a")),
                instead: LosslessText::Bytes(vec![47, 255]),
            },
            r#"{"at":1,"event":"program-gone","instead":[47,255],"program":"/a"}"#,
        ),
        (E::RecordNotWritten { error: text("no") }, r#"{"at":1,"error":"no","event":"record-not-written"}"#),
        (
            E::RecordRebuilt { why: Some(text("it is empty")), version: 1, kept: None },
            r#"{"at":1,"event":"record-rebuilt","kept":null,"version":1,"why":"it is empty"}"#,
        ),
        (E::RecordWritten, r#"{"at":1,"event":"record-written"}"#),
        (
            E::RecordWrittenAgain { why: text("it is empty"), kept: Some(text("/d/kept")) },
            r#"{"at":1,"event":"record-written-again","kept":"/d/kept","why":"it is empty"}"#,
        ),
        (E::Refused { conversation: id() }, r#"{"at":1,"conversation":"5f0c","event":"refused"}"#),
        (E::RelaunchFailed { reason: text("no") }, r#"{"at":1,"event":"relaunch-failed","reason":"no"}"#),
        (
            E::Relaunched { child: 7, how: text("the conversation 5f0c") },
            r#"{"at":1,"child":7,"event":"relaunched","how":"the conversation 5f0c"}"#,
        ),
        (
            E::MessageNotSent { id: Uuid::nil(), why: text("a turn runs") },
            r#"{"at":1,"event":"message-not-sent","id":"00000000-0000-0000-0000-000000000000","why":"a turn runs"}"#,
        ),
        (
            E::MessageSubmitted { id: Uuid::nil(), how: "queued" },
            r#"{"at":1,"event":"message-submitted","how":"queued","id":"00000000-0000-0000-0000-000000000000"}"#,
        ),
        (
            E::MessageTyping { id: Uuid::nil() },
            r#"{"at":1,"event":"message-typing","id":"00000000-0000-0000-0000-000000000000"}"#,
        ),
        (
            E::MessageUnknown { id: Uuid::nil(), why: text("no") },
            r#"{"at":1,"event":"message-unknown","id":"00000000-0000-0000-0000-000000000000","why":"no"}"#,
        ),
        (E::RemoteRequested { cycle: true }, r#"{"at":1,"cycle":true,"event":"remote-requested"}"#),
        (
            E::Renamed { name: text("play-2"), wanted: Some(text("play")) },
            r#"{"at":1,"event":"renamed","name":"play-2","wanted":"play"}"#,
        ),
        (E::Renamed { name: text("work-2"), wanted: None }, r#"{"at":1,"event":"renamed","name":"work-2"}"#),
        (
            E::RestartAsked { at_once: false, status: Some(text("idle")) },
            r#"{"at":1,"at_once":false,"event":"restart-asked","status":"idle"}"#,
        ),
        (E::RestartCancelled { why: None }, r#"{"at":1,"event":"restart-cancelled"}"#),
        (E::RestartCancelled { why: Some("so") }, r#"{"at":1,"event":"restart-cancelled","why":"so"}"#),
        (
            E::Restarting { exit: Exit::Signal(9), delay_ms: 250, attempt: 1 },
            r#"{"at":1,"attempt":1,"delay_ms":250,"event":"restarting","exit":{"signal":9}}"#,
        ),
        (E::Resumed, r#"{"at":1,"event":"resumed"}"#),
        (
            E::SignalNotSent { pid: 7, signal: "SIGHUP", why: text("no") },
            r#"{"at":1,"event":"signal-not-sent","pid":7,"signal":"SIGHUP","why":"no"}"#,
        ),
        (
            E::SshAgent { agent: LosslessText::String(text("/a")) },
            r#"{"agent":"/a","at":1,"event":"ssh-agent"}"#,
        ),
        (E::Started { child: 7 }, r#"{"at":1,"child":7,"event":"started"}"#),
        (E::StateFileRemoved { pid: Some(7) }, r#"{"at":1,"event":"state-file-removed","pid":7}"#),
        (E::StateFileUnread { pid: None }, r#"{"at":1,"event":"state-file-unread","pid":null}"#),
        (E::StoppedAndContinued { signal: 20 }, r#"{"at":1,"event":"stopped-and-continued","signal":20}"#),
        (E::Suspended { signal: 20 }, r#"{"at":1,"event":"suspended","signal":20}"#),
        (
            E::TakenUp { how: text("the conversation 5f0c") },
            r#"{"at":1,"event":"taken-up","how":"the conversation 5f0c"}"#,
        ),
        (E::TerminalPassedOver, r#"{"at":1,"event":"terminal-passed-over"}"#),
        (E::ToldToEnd { signal: 15 }, r#"{"at":1,"event":"told-to-end","signal":15}"#),
        (
            E::TranscriptCut { conversation: Some(id()) },
            r#"{"at":1,"conversation":"5f0c","event":"transcript-cut"}"#,
        ),
        (
            E::TranscriptNotWritten { conversation: id(), problem: text("no") },
            r#"{"at":1,"conversation":"5f0c","event":"transcript-not-written","problem":"no"}"#,
        ),
        (
            E::TranscriptWritten { conversation: id() },
            r#"{"at":1,"conversation":"5f0c","event":"transcript-written"}"#,
        ),
        (
            E::TurnBrokeOff { cause: BrokenTurnCause::Crash },
            r#"{"at":1,"cause":"crash","event":"turn-broke-off"}"#,
        ),
        (E::TurnContinued { tries: 1 }, r#"{"at":1,"event":"turn-continued","tries":1}"#),
        (
            E::VariablesDropped(BTreeMap::from([("TMUX", text("gone")), ("STY", text("gone"))])),
            r#"{"STY":"gone","TMUX":"gone","at":1,"event":"variables-dropped"}"#,
        ),
    ]
}

fn links() -> Vec<(LinkEvent, &'static str)> {
    use LinkEvent as E;
    let what = || text("so");
    vec![
        (E::Back, r#"{"at":1,"event":"remote-back"}"#),
        (
            E::Cycle { what: "the machine slept" },
            r#"{"at":1,"event":"remote-cycle","what":"the machine slept"}"#,
        ),
        (E::Entering, r#"{"at":1,"event":"remote-entering"}"#),
        (E::Failed { what: what() }, r#"{"at":1,"event":"remote-failed","what":"so"}"#),
        (E::GaveUp { what: what() }, r#"{"at":1,"event":"remote-gave-up","what":"so"}"#),
        (E::LeftBehind { what: "so" }, r#"{"at":1,"event":"remote-left-behind","what":"so"}"#),
        (E::Status { what: LinkStatus::Up }, r#"{"at":1,"event":"remote-link","what":"up"}"#),
        (E::Status { what: LinkStatus::Down }, r#"{"at":1,"event":"remote-link","what":"down"}"#),
        (E::Status { what: LinkStatus::Connecting }, r#"{"at":1,"event":"remote-link","what":"connecting"}"#),
        (E::Status { what: LinkStatus::Disagree }, r#"{"at":1,"event":"remote-link","what":"disagree"}"#),
        (E::Status { what: LinkStatus::Unknown }, r#"{"at":1,"event":"remote-link","what":"unknown"}"#),
        (E::NotTidied { what: "so" }, r#"{"at":1,"event":"remote-not-tidied","what":"so"}"#),
        (E::NotYet, r#"{"at":1,"event":"remote-not-yet"}"#),
        (E::Refused { what: what() }, r#"{"at":1,"event":"remote-refused","what":"so"}"#),
        (E::RequestOver { what: what() }, r#"{"at":1,"event":"remote-request-over","what":"so"}"#),
        (E::Restart { what: what() }, r#"{"at":1,"event":"remote-restart","what":"so"}"#),
        (E::Submitted, r#"{"at":1,"event":"remote-submitted"}"#),
        (E::SwitchedOff, r#"{"at":1,"event":"remote-switched-off"}"#),
        (E::Tidied, r#"{"at":1,"event":"remote-tidied"}"#),
        (E::Typing { what: what() }, r#"{"at":1,"event":"remote-typing","what":"so"}"#),
        (E::Unrecognised { what: what() }, r#"{"at":1,"event":"remote-unrecognised","what":"so"}"#),
        (E::Waits { what: what() }, r#"{"at":1,"event":"remote-waits","what":"so"}"#),
        (
            E::WasUp { what: PanelLeft::Closed },
            r#"{"at":1,"event":"remote-was-up","what":"its panel was closed"}"#,
        ),
        (
            E::WasUp { what: PanelLeft::Open },
            r#"{"at":1,"event":"remote-was-up","what":"its panel is still open"}"#,
        ),
    ]
}

pub(super) fn samples() -> Vec<LogEvent> {
    let links = links().into_iter().map(|(event, _)| LogEvent::Link(event));
    hosts().into_iter().map(|(event, _)| event).chain(links).collect()
}

#[test]
fn each_event_is_this_line() {
    let links = links().into_iter().map(|(event, line)| (LogEvent::Link(event), line));
    for (event, line) in hosts().into_iter().chain(links) {
        assert_eq!(String::from_utf8(event.line(1)).expect("UTF-8"), format!("{line}\n"));
    }
}
