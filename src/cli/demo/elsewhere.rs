//! The scene about another machine: it is added, a session there is attached, the link is lost, and comes back.

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid};

use super::machine;
use super::show::{Scene, Show, Trouble};
use crate::os::kill::Identity;
use crate::os::process;

/// Played after the second session has got its new host.
pub const SCENE: Scene = Scene {
    title: "`cckw attach box:other`: a session on another machine, over ssh",
    why: "This machine stands in for it, with an sshd of the demo's own. The link is killed under the attach, and \
          comes back by itself.",
    play,
};

/// The second session of the demo.
pub const OTHER: &str = "other";
/// What it shows.
const SAID: &str = "● You said: how are you?";

fn play(show: &mut Show) -> Result<(), Trouble> {
    let shell_is_back = |show: &Show, said: &str| {
        let text = show.unwrapped();
        text.rfind(said).is_some_and(|at| text[at..].contains('\n')) && text.ends_with("\n$")
    };
    show.enter(&format!("cckw machine add {}", machine::NAME))?;
    show.until("the machine", |show| shell_is_back(show, "\nbox"))?;
    show.look_closely()?;
    show.enter(&format!("cckw attach {}:{OTHER}", machine::NAME))?;
    show.until("the session there", |show| show.text().contains(SAID) && show.at_rest())?;
    let (client, link) = link(show, None)?;
    show.breath()?;
    show.note("kill -9 of the sshd that serves this link");
    let killed = link.is_some_and(|link| link.send(Signal::SIGKILL).is_ok());
    show.claim("it could be killed", killed)?;
    show.until("the line about the link", |show| {
        show.unwrapped().contains("[cckw: the link to box was lost")
    })?;
    show.look_closely()?;
    show.until("the same screen", |show| show.text().contains(SAID) && show.at_rest())?;
    let (_, link) = self::link(show, Some(client))?;
    show.claim("there is another link", link.is_some())?;
    show.glance()?;
    show.press("\x1c")?;
    show.until("the shell", |show| shell_is_back(show, "cckw attach box:other"))
}

/// The client there, other than this one, and the sshd that has started it for this link: nothing of it that is
/// not the demo's own.
fn link(show: &mut Show, other_than: Option<i32>) -> Result<(i32, Option<Identity>), Trouble> {
    let is_another = |client: Option<i32>| client.is_some() && client != other_than;
    let record = show.record_of(OTHER, "a client there", |record| is_another(record.client_pid))?;
    let client = record.client_pid.unwrap_or_default();
    let above = process::look_up(Pid::from_raw(client)).map(|client| client.parent);
    let own = above.filter(|above| process::distance(*above, getpid()).is_some_and(|steps| steps > 0));
    Ok((client, own.and_then(Identity::of)))
}
