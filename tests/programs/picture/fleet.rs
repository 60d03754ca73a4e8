//! README's second picture: somebody uses the fleet view.

use std::path::Path;

use super::cells::Frame;
use super::place::{MACHINE, Place};
use super::player::Player;

/// The terminal; two lines stand above it.
const ROWS: u16 = 24;
const COLUMNS: u16 = 92;

/// Who does not want things to move sees the first frame with this text.
pub const STILL: &str = "Do you want to proceed?";

/// What is sent.
const TEXT: &str = "write the changelog";

/// Plays the scene: what there is to see, the same each time.
///
/// # Errors
/// When something does not happen as it should.
pub fn play(program: &Path) -> Result<Vec<Frame>, String> {
    let place = Place::new(program).map_err(|error| format!("no scratch directory: {error}"))?;
    place.furnish()?;
    fit(&place)?;
    let mut player = Player::start(place.shell("here"), ROWS, COLUMNS);
    player.call(place.home(), "/home/you");
    let played = open(&mut player)
        .and_then(|()| look(&mut player))
        .and_then(|()| send(&mut player))
        .and_then(|()| attach(&mut player))
        .and_then(|()| leave(&mut player));
    let frames = player.finish();
    played.and(frames)
}

/// Gives the screens of the sessions the size of the terminal: each one was in it for a moment.
fn fit(place: &Place) -> Result<(), String> {
    for (home, name, said) in [
        (MACHINE, "train", "train the small model"),
        ("here", "docs", "hello"),
        ("here", "web", "build the new page"),
        ("here", "api", STILL),
    ] {
        let mut player = Player::start(place.shell(home), ROWS, COLUMNS);
        player.press(&format!("cckw attach {name}\r"))?;
        player.until(name, |text| text.contains(said) && !text.contains("cckw attach"))?;
        player.press("\x1c")?;
        player.until("the shell", |text| text.trim_end().ends_with('$'))?;
        player.finish()?;
    }
    Ok(())
}

/// Whether the view shows the screen of this session.
fn shows(text: &str, name: &str) -> bool {
    text.contains("NAME") && text.lines().any(|line| line.starts_with(&format!("── {name} ")))
}

/// What the row of a session says.
fn row<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().skip(2).find(|line| line.split(' ').any(|word| word == name)).unwrap_or_default()
}

/// The view is opened.
fn open(player: &mut Player) -> Result<(), String> {
    player.say("Four sessions run, one of them on another machine.");
    player.until("the shell", |text| text.trim_end() == "$")?;
    player.keep(1500);
    player.type_text("cckw")?;
    player.keep(500);
    player.press("\r")?;
    player.say("Those that need you come first. Below: the screen of the selected one.");
    player.until("the view", |text| {
        let is_there = shows(text, "api") && text.contains("box:train") && text.contains(STILL);
        is_there && text.matches(" detached ").count() == 4
    })?;
    player.keep(4000);
    Ok(())
}

/// The other sessions are looked at.
fn look(player: &mut Player) -> Result<(), String> {
    player.say("Every screen is live, also those of other machines.");
    for (key, name, said) in [
        ("j", "web", "build the new page"),
        ("j", "docs", "● You said: hello"),
        ("j", "box:train", "● You said: train the small model"),
        ("k", "docs", "● You said: hello"),
    ] {
        player.press(key)?;
        player.until(name, |text| shows(text, name) && text.contains(said))?;
        player.keep(1300);
    }
    Ok(())
}

/// A session is sent a text, and is seen at work.
fn send(player: &mut Player) -> Result<(), String> {
    player.say("s sends a text. What comes of it is seen as it comes.");
    player.press("s")?;
    player.until("the editor", |text| text.contains("new line"))?;
    player.keep(800);
    player.type_text(TEXT)?;
    player.keep(700);
    player.press("\r")?;
    player.until("what came of it", |text| row(text, "docs").contains("busy") && text.contains("docs: "))?;
    player.keep(1500);
    let answer = format!("● You said: {TEXT}");
    let pieces: Vec<char> = answer.chars().collect();
    for end in (6..pieces.len()).step_by(4) {
        let shown: String = pieces[..end].iter().collect();
        player.until(&shown, |text| text.contains(shown.trim_end()))?;
        player.keep(280);
    }
    let said = format!("< You said: {TEXT}");
    player.until("the end of the turn", |text| row(text, "docs").contains("idle") && text.contains(&said))?;
    player.keep(2000);
    Ok(())
}

/// A session is attached, and left again.
fn attach(player: &mut Player) -> Result<(), String> {
    player.say("Enter goes in: claude has the whole terminal.");
    player.press("g")?;
    player.until("the first row", |text| shows(text, "api") && text.contains(STILL))?;
    player.keep(900);
    player.press("\r")?;
    player.until("claude", |text| !shows(text, "api") && text.contains(STILL))?;
    player.keep(2000);
    player.press("\r")?;
    player.until("the answer", |text| {
        text.contains("● You said: permission") && text.contains("? for shortcuts")
    })?;
    player.keep(1500);
    player.say("ctrl-\\ comes back to the view. Nobody needs you any more.");
    player.press("\x1c")?;
    // That its terminal has gone may be known a moment later.
    player.until("the view", |text| {
        let row = row(text, "api");
        text.contains("back from api") && row.contains("idle") && row.contains("detached")
    })?;
    player.keep(3500);
    Ok(())
}

/// The view is left.
fn leave(player: &mut Player) -> Result<(), String> {
    player.say("q leaves. The sessions go on.");
    player.press("q")?;
    player.until("the shell", |text| !text.contains("NAME") && text.trim_end().ends_with('$'))?;
    player.keep(2500);
    Ok(())
}
