//! The scenes of the demo, in their order. Each claims something in words, does it, and looks whether it is
//! so.

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::elsewhere::{self, OTHER};
use super::show::{Scene, Show, Trouble};
use super::stage;
use crate::claude::remote_control::{Link, classify};
use crate::os::kill::Identity;
use crate::os::process;
use crate::registry::link_record::RemoteState;
use crate::registry::record::Record;

/// How many of them come after the one about another machine.
const LAST: usize = 2;

/// All of them, in their order. The one about another machine needs one.
pub fn all(has_machine: bool) -> Vec<&'static Scene> {
    let mut scenes: Vec<&Scene> = SCENES.iter().collect();
    if has_machine {
        scenes.insert(scenes.len() - LAST, &elsewhere::SCENE);
    }
    scenes
}

/// Those that need nothing but cckw.
const SCENES: &[Scene] = &[
    Scene {
        title: "`cckw claude` in place of `claude`",
        why: "cckw owns the terminal that claude runs in, and has chosen the conversation's id: so it finds it \
              again, whatever happens.",
        play: start,
    },
    Scene {
        title: "A prompt, and its answer",
        why: "Nothing stands in the way: keys and output are the same bytes as without cckw.",
        play: talk,
    },
    Scene {
        title: "ctrl-z, a look around, `fg`",
        why: "Job control is as ever: the shell gets its terminal in order, and claude its own again.",
        play: suspend,
    },
    Scene {
        title: "kill -9: claude is gone, as when memory runs out",
        why: "It could put nothing in order. cckw undoes what it had switched on in the terminal, and says what \
              comes next.",
        play: crash,
    },
    Scene {
        title: "The same conversation is back by itself",
        why: "A new process with `--resume` and the same id. What was said before is there.",
        play: resume,
    },
    Scene {
        title: "`/remote-control`, and then the link drops",
        why: "The session is gone from your phone, and plain claude leaves it at that until you are back at \
              this keyboard.",
        play: drop_link,
    },
    Scene {
        title: "cckw looks, types the command, and the link is back",
        why: "Only when claude and the keyboard are at rest, and Enter only behind its own command, seen alone. \
              Your draft is put aside and comes back.",
        play: keep_link,
    },
    Scene {
        title: "claude asks something, and the terminal is closed",
        why: "A closed window, a dropped link: plain claude would end here. Now it waits, and does not notice.",
        play: hang_up,
    },
    Scene {
        title: "In another terminal: `cckw list`",
        why: "The session went on without a terminal, and the list says who waits for whom.",
        play: list,
    },
    Scene {
        title: "`cckw new` and `cckw send`: a second session, as from a script",
        why: "It needs no terminal. The text is sent once, and the answer comes from claude's own transcript.",
        play: script,
    },
    Scene {
        title: "kill -9 of its host: the service brings it back",
        why: "The host is the process of cckw that keeps a session. `cckw service install` has all hosts watched, and has \
              sessions back after a reboot.",
        play: heal,
    },
    Scene {
        title: "`cckw attach`: the same screen",
        why: "Drawn as if this terminal had been there all the time, and the question can be answered.",
        play: attach,
    },
    Scene {
        title: "`/exit`: back at the shell, with claude's status",
        why: "An end that was wanted stays one. `claude --resume` would still know the conversation.",
        play: end,
    },
];

const HELLO: &str = "hello";
const ECHO: &str = "● You said: hello";
const NAME: &str = "demo";
const DRAFT: &str = "a draft of yours";
/// The stand-in drops its link on order; in time for the draft to be typed before.
const DROP: &str = "/fault later 1500 drop";

fn start(show: &mut Show) -> Result<(), Trouble> {
    show.open_terminal("terminal 1")?;
    show.enter(&format!("cckw claude --name {NAME}"))?;
    show.until("claude's prompt", Show::at_rest)?;
    let record = up(show, None)?;
    let id = record.conversation.clone().unwrap_or_default();
    let claude = record.claude_pid.and_then(|claude| show.scratch.state_file(claude));
    show.claim("cckw chose the id", record.pinned && id == record.session.to_string())?;
    show.claim("claude has that id", claude.and_then(|file| file.session_id) == Some(id.clone()))?;
    show.note(&format!("--session-id {id}"));
    show.before = Some(record);
    Ok(())
}

fn talk(show: &mut Show) -> Result<(), Trouble> {
    show.enter(HELLO)?;
    show.until("the answer", |show| show.text().contains(ECHO) && show.at_rest())
}

fn suspend(show: &mut Show) -> Result<(), Trouble> {
    show.press("\x1a")?;
    show.until("the shell", |show| show.text().ends_with("\n$"))?;
    show.enter("echo the shell read this")?;
    show.until("the shell's answer", |show| show.text().contains("\nthe shell read this\n$"))?;
    show.enter("fg")?;
    let again = |text: &str| text.rfind("\n❯") > text.rfind("the shell read this");
    show.until("claude below what the shell said", |show| again(&show.text()) && show.at_rest())
}

fn crash(show: &mut Show) -> Result<(), Trouble> {
    let record = up(show, None)?;
    let claude = Pid::from_raw(record.claude_pid.unwrap_or_default());
    show.claim("claude runs", claude.as_raw() > 1 && process::look_up(claude).is_some())?;
    let identity =
        Identity::recorded(claude.as_raw(), record.claude_start.as_deref(), record.boot.as_deref()).ok();
    show.note(&format!("kill -9 {claude}"));
    show.crash_ahead();
    show.before = Some(record);
    let killed = identity.is_some_and(|claude| claude.send(Signal::SIGKILL).is_ok());
    show.claim("it could be killed", killed)?;
    show.until("cckw's line", |show| {
        show.unwrapped().contains("[cckw: claude was killed by SIGKILL; back in ")
    })
}

fn resume(show: &mut Show) -> Result<(), Trouble> {
    let old = before(show);
    let record = up(show, old.claude_pid)?;
    show.until("the conversation", |show| {
        let text = show.unwrapped();
        text.rfind(ECHO) > text.rfind("[cckw: claude was killed") && show.at_rest()
    })?;
    show.claim("it is the same conversation", record.conversation == old.conversation)?;
    show.claim("it is another process", record.claude_pid != old.claude_pid && record.restarts == 1)?;
    show.note(&format!("claude was process {}, and is {}", pid(old.claude_pid), pid(record.claude_pid)));
    Ok(())
}

fn drop_link(show: &mut Show) -> Result<(), Trouble> {
    show.enter("/remote-control")?;
    show.until("the link", |show| show.footer_says("/rc active"))?;
    let up = stands(show, RemoteState::Connected)?;
    show.claim("the state file names the bridge", link(show, &up) == Link::Connected)?;
    show.enter(DROP)?;
    // Behind the order, which stands above the prompt as soon as it was taken.
    show.until("an empty prompt", Show::at_rest)?;
    show.breath()?;
    show.type_text(DRAFT)?;
    show.until("the end of the link", |show| show.footer_says("/rc failed"))?;
    let down = stands(show, RemoteState::Disconnected)?;
    show.claim("the state file names no bridge any more", link(show, &down) == Link::Disconnected)?;
    show.note("the state file names no link, the footer says that it failed");
    show.before = Some(down);
    Ok(())
}

fn keep_link(show: &mut Show) -> Result<(), Trouble> {
    let draft = format!("❯ {DRAFT}");
    let (old, record) = (before(show), stands(show, RemoteState::Connected)?);
    show.until("the link, and the draft", |show| {
        show.footer_says("/rc active") && show.text().lines().any(|line| line == draft)
    })?;
    show.claim("the state file names a bridge again", link(show, &record) == Link::Connected)?;
    show.claim("it is the same claude", record.claude_pid == old.claude_pid)?;
    let outcome =
        record.remote.last_try.map_or_else(|| "nothing".into(), |attempt| attempt.outcome.to_string());
    show.claim(&format!("it took one try, and not {}", record.remote.tries), record.remote.tries == 1)?;
    show.note(&format!("one try: {outcome}"));
    Ok(())
}

fn hang_up(show: &mut Show) -> Result<(), Trouble> {
    // The draft is in the way of what comes. ctrl-u takes it away.
    show.press("\x15")?;
    show.until("an empty prompt", Show::at_rest)?;
    show.breath()?;
    // The stand-in asks for a permission when it reads this word.
    show.enter("permission")?;
    show.until("claude's question", |show| show.text().contains("Do you want to proceed?"))?;
    let asked = show.record("a claude that waits", |record| record.status.as_deref() == Some("waiting"))?;
    show.screen = show.text();
    show.look_closely()?;
    show.close_terminal();
    let alone = show.record("a session without a terminal", |record| record.client_pid.is_none())?;
    let same = (alone.host_pid, alone.claude_pid) == (asked.host_pid, asked.claude_pid);
    show.claim("host and claude are the same", same)?;
    show.claim("they run", lives(Some(alone.host_pid)) && lives(alone.claude_pid))?;
    show.note(&format!("host {} and claude {} run on", alone.host_pid, pid(alone.claude_pid)));
    show.before = Some(alone);
    Ok(())
}

fn list(show: &mut Show) -> Result<(), Trouble> {
    show.open_terminal("terminal 2")?;
    show.enter("cckw list")?;
    let hint = format!("cckw attach {NAME}");
    show.until("the session in the list", |show| {
        let text = show.unwrapped();
        text.contains("waiting") && text.contains("detached") && text.contains(&hint) && text.ends_with("\n$")
    })
}

fn script(show: &mut Show) -> Result<(), Trouble> {
    let shell_is_back =
        |show: &Show, said: &str| show.unwrapped().contains(said) && show.text().ends_with("\n$");
    show.enter("clear")?;
    show.until("an empty screen", |show| show.text() == "$")?;
    show.enter(&format!("cckw new {OTHER}"))?;
    show.until("the name of the session", |show| shell_is_back(show, &format!("\n{OTHER} ")))?;
    show.enter(&format!("cckw send {OTHER} --wait 'how are you?'"))?;
    show.until("the answer", |show| shell_is_back(show, "\nYou said: how are you?"))?;
    show.enter(&format!("cckw transcript {OTHER} --last"))?;
    let answers = |show: &Show| show.unwrapped().matches("\nYou said: how are you?").count();
    show.until("the last answer", |show| shell_is_back(show, "--last") && answers(show) == 2)
}

fn heal(show: &mut Show) -> Result<(), Trouble> {
    let service = show.scratch.service();
    let _service = match service {
        Ok(service) => service,
        Err(error) => return show.claim(&format!("the service can be started: {error}"), false),
    };
    show.until("the service", |show| show.scratch.service_runs())?;
    let idle = |record: &Record| record.status.as_deref() == Some("idle");
    let old = show.record_of(OTHER, "a session at rest", idle)?;
    let host = Identity::recorded(old.host_pid, old.host_start.as_deref(), old.boot.as_deref()).ok();
    show.note(&format!("kill -9 {}", old.host_pid));
    let killed = host.is_some_and(|host| host.send(Signal::SIGKILL).is_ok());
    show.claim("it could be killed", killed)?;
    let new =
        show.record_of(OTHER, "another host", |record| idle(record) && record.host_pid != old.host_pid)?;
    show.claim("it is the same conversation", new.conversation == old.conversation)?;
    show.note(&format!("its host was process {}, and is {}", old.host_pid, new.host_pid));
    show.enter("cckw list")?;
    show.until("the session in the list", |show| {
        let text = show.unwrapped();
        let said = text.rsplit("cckw list").next().unwrap_or_default();
        said.contains(&format!("\n{OTHER} ")) && text.ends_with("\n$")
    })
}

fn attach(show: &mut Show) -> Result<(), Trouble> {
    show.enter(&format!("cckw attach {NAME}"))?;
    show.until("the same screen as before", |show| show.text() == show.screen)?;
    let old = before(show);
    let now = show.record("a terminal", |record| record.client_pid.is_some())?;
    show.claim(
        "claude was not started again",
        now.claude_pid == old.claude_pid && now.restarts == old.restarts,
    )?;
    show.look_closely()?;
    show.press("\r")?;
    show.until("the answer", |show| show.text().contains("● You said: permission") && show.at_rest())
}

fn end(show: &mut Show) -> Result<(), Trouble> {
    show.enter("/exit")?;
    show.until("the shell", |show| show.text().ends_with("\n$"))?;
    show.enter("exit")?;
    let status = show.end()?;
    show.claim(&format!("its status is 0, and not {}", stage::describe(status)), status.success())
}

/// Waits until a claude other than this one has come up, and says that it is idle.
fn up(show: &mut Show, other_than: Option<i32>) -> Result<Record, Trouble> {
    show.record("a claude that waits for a prompt", |record| {
        record.status.as_deref() == Some("idle")
            && record.claude_pid.is_some()
            && record.claude_pid != other_than
    })
}

/// Waits until the record says so of the link.
fn stands(show: &mut Show, state: RemoteState) -> Result<Record, Trouble> {
    show.record("a record that says so", |record| record.remote.state == state)
}

/// Whether claude's state file names a link.
fn link(show: &Show, record: &Record) -> Link {
    let file = record.claude_pid.and_then(|claude| show.scratch.state_file(claude));
    classify(file.as_ref()).link
}

/// The record as an earlier scene left it.
fn before(show: &Show) -> Record {
    show.before.clone().expect("the first scene leaves one")
}

fn lives(pid: Option<i32>) -> bool {
    pid.is_some_and(|pid| process::look_up(Pid::from_raw(pid)).is_some())
}

fn pid(pid: Option<i32>) -> String {
    pid.map_or_else(|| "unknown".into(), |pid| pid.to_string())
}
