//! ctrl-z and `fg`, from each shell and in each encoding of the key.

use super::driver::{How, Place, prompt_holds, submit, wait_for_prompt};
use super::mock::REPLY;
use super::support::{Answers, DEADLINE, Key, Terminal, process, wait_until};

fn suspend_and_return(how: How, shell: &str, answers: Answers) {
    let place = Place::new();
    let mut terminal = Terminal::builder().answers(answers).shell(shell, &place.sandbox);
    let manners = terminal.manners();
    let command = how.words();
    terminal.run(command);
    wait_for_prompt(&mut terminal);
    if how == How::Through {
        place.wait_for_host();
    }
    if answers == Answers::Kitty {
        terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    }
    let job = process::children(terminal.pid())[0];

    for round in 1..=2 {
        terminal.type_text("a draft");
        terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft"));
        terminal.press(Key::Ctrl('z'));
        terminal.wait_for_prompt();
        let shown = terminal.history().join("\n");
        // Earlier versions: `has been suspended`, `to bring Claude Code back`.
        assert!(shown.contains(" suspended. Run `fg` to bring "), "{shown}");
        let line = terminal.history().into_iter().rev().find(|row| row.contains(command)).unwrap_or_default();
        assert!(
            line.to_lowercase().contains(if shell == "zsh" { "suspended" } else { "stopped" }),
            "{shown}"
        );
        assert!(process::is_stopped(job), "{:?}", process::stat(job));
        terminal.wait_for_manners(&manners);
        terminal.run(&format!("echo it-is-$((40+{round}))"));
        terminal.wait_for_text(&format!("it-is-{}", 40 + round));

        terminal.run("fg");
        terminal.wait_for("the draft again", |screen| prompt_holds(screen, "a draft"));
        if answers == Answers::Kitty {
            terminal.wait_for_modes("the kitty keyboard again", |modes| modes.kitty_flags() != 0);
        }
        terminal.press(Key::Ctrl('u'));
        wait_for_prompt(&mut terminal);
    }
    submit(&mut terminal, "hello");
    terminal.wait_for_text(REPLY);
    wait_for_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&manners);
    terminal.run("echo status $?");
    terminal.wait_for_text("status 0");
    wait_until("nobody but the shell", DEADLINE, || place.sandbox.processes() == [terminal.pid()]);
}

#[test]
fn from_bash_with_the_kitty_keyboard_as_without_cckw() {
    suspend_and_return(How::Direct, "bash", Answers::Kitty);
    suspend_and_return(How::Through, "bash", Answers::Kitty);
}

#[test]
fn from_bash_with_legacy_keys() {
    suspend_and_return(How::Through, "bash", Answers::Mute);
}

#[test]
fn from_zsh_with_the_kitty_keyboard() {
    suspend_and_return(How::Through, "zsh", Answers::Kitty);
}

#[test]
fn from_zsh_with_legacy_keys_as_without_cckw() {
    suspend_and_return(How::Direct, "zsh", Answers::Mute);
    suspend_and_return(How::Through, "zsh", Answers::Mute);
}

#[test]
fn from_dash_with_the_kitty_keyboard_as_without_cckw() {
    suspend_and_return(How::Direct, "dash", Answers::Kitty);
    suspend_and_return(How::Through, "dash", Answers::Kitty);
}

#[test]
fn from_dash_with_legacy_keys() {
    suspend_and_return(How::Through, "dash", Answers::Mute);
}
