//! tmux, as of version 3.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::unistd::{Pid, geteuid};

use super::{Pane, Sight, Transport};
use crate::os::{command, socket};
use crate::registry::record::now;
use crate::typing::Keystroke;

/// How long a server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The most servers that are asked.
const SERVERS: usize = 16;

/// What a look asks for; the pane first, because a pane that is gone is no error of `display-message`.
const STATE: &str = "#{pane_id} #{pane_height} #{pane_width} #{cursor_y} #{cursor_x} #{cursor_flag} #{alternate_on} \
                     #{pane_dead} #{pane_in_mode} #{pane_synchronized} #{pane_input_off}";
/// As of version 3.6 tmux says whether the program wants brackets. Before, this word is unknown to it, and
/// empty.
const BRACKETS: &str = "#{bracket_paste_flag}";
/// Those who look at a pane, and when they pressed a key, in seconds since 1970.
const CLIENTS: &str = "#{pane_id} #{client_activity}";
const MARK: &str = "=";
const PANES: &str = "#{pane_pid}\t#{pane_id}\t#{pane_tty}\t#{session_name}:#{window_index}.#{pane_index}";

/// The servers of this user, and their panes by the process that each was started with.
pub struct Tmux {
    panes: HashMap<Pid, Pane>,
}

/// Servers that were asked for their panes.
pub struct TmuxQuery(Vec<(PathBuf, command::PendingCommand)>);

impl TmuxQuery {
    /// Asks every server that there is. Nothing is started where there is none.
    pub fn start() -> Self {
        let servers = sockets().into_iter().take(SERVERS).filter_map(|socket| {
            let mut list = tmux(&socket);
            list.args(["list-panes", "-a", "-F", PANES]);
            Some((socket, command::PendingCommand::start(&mut list, ANSWER_TIMEOUT).ok()?))
        });
        Self(servers.collect())
    }

    /// Waits for the answers; nothing when there was no server.
    pub fn finish(self) -> Option<Tmux> {
        if self.0.is_empty() {
            return None;
        }
        let mut panes = HashMap::new();
        for (socket, query) in self.0 {
            let Ok(listed) = query.finish().and_then(command::answer) else { continue };
            panes.extend(parse(&String::from_utf8_lossy(&listed), &socket));
        }
        Some(Tmux { panes })
    }
}

impl Transport for Tmux {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pane(&self, chain: &[Pid]) -> Option<(usize, Pane)> {
        chain.iter().enumerate().find_map(|(steps, pid)| Some((steps, self.panes.get(pid)?.clone())))
    }

    fn look(&self, pane: &Pane) -> Result<Sight, String> {
        // One list of commands, which the server carries out without letting the pane draw in between.
        let state = ["display-message", "-p", "-t", &pane.id, STATE, ";"];
        let brackets = ["display-message", "-p", "-t", &pane.id, BRACKETS, ";"];
        let clients = ["list-clients", "-F", CLIENTS, ";", "display-message", "-p", MARK, ";"];
        let capture = ["capture-pane", "-p", "-e", "-N", "-t", &pane.id];
        let said = run(pane, &[&state[..], &brackets, &clients, &capture].concat())?;
        read(&said, &pane.id, now()).ok_or_else(|| "the pane is gone".into())
    }

    fn press(&self, pane: &Pane, keys: &Keystroke, seen: &Sight) -> Result<(), String> {
        let send = ["send-keys", "-t", &pane.id];
        let count;
        let words: &[&str] = match keys {
            Keystroke::Stash => &["C-s"],
            Keystroke::Escape => &["Escape"],
            Keystroke::Up => &["Up"],
            Keystroke::Down => &["Down"],
            Keystroke::Undo => &["C-_"],
            Keystroke::Append => &["-l", "a"],
            Keystroke::DeleteToEnd => &["-l", "D"],
            Keystroke::Backspaces(number) => {
                count = number.to_string();
                &["-N", &count, "BSpace"]
            }
            Keystroke::Paste(line) => {
                let buffer = format!("cckw-{}", std::process::id());
                // At the end of a word a semicolon ends the command.
                let line = line.strip_suffix(';').map_or_else(|| line.clone(), |line| format!("{line}\\;"));
                let set = ["set-buffer", "-b", &buffer, "--", &line, ";"];
                // -p: with brackets if the program has asked for them; -d: and the buffer is gone.
                let paste = ["paste-buffer", "-d", "-p", "-r", "-b", &buffer, "-t", &pane.id];
                return run(pane, &[&set[..], &paste].concat()).map(drop);
            }
            Keystroke::Enter => {
                // The server itself looks once more where the cursor is, and nothing comes between that look
                // and the key.
                let (row, column) = seen.cursor;
                let same = format!(
                    "#{{&&:#{{==:#{{cursor_y}},{row}}},#{{&&:#{{==:#{{cursor_x}},{column}}},#{{==:#{{pane_in_mode}},0}}}}}}"
                );
                let enter = format!("send-keys -t '{}' Enter", pane.id);
                return run(pane, &["if-shell", "-F", "-t", &pane.id, &same, &enter]).map(drop);
            }
        };
        run(pane, &[&send[..], words].concat()).map(drop)
    }
}

/// Has the server of a pane carry out a list of commands.
fn run(pane: &Pane, words: &[&str]) -> Result<String, String> {
    let mut command = tmux(Path::new(&pane.server));
    let said = command::ask(command.args(words), ANSWER_TIMEOUT).map_err(|error| format!("tmux: {error}"))?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// What a look brought; nothing when it is not about this pane.
fn read(said: &str, id: &str, now: u64) -> Option<Sight> {
    let (head, shown) = said.split_once(&format!("\n{MARK}\n"))?;
    let mut lines = head.lines();
    let mut fields = lines.next()?.split(' ');
    if fields.next()? != id {
        return None;
    }
    let mut number = || fields.next()?.parse::<u16>().ok();
    let size = (number().filter(|rows| *rows > 0)?, number().filter(|columns| *columns > 0)?);
    let cursor = (number()?, number()?);
    let (cursor_shown, alternate) = (number()? != 0, number()? != 0);
    let (dead, mode, synchronized, off) = (number()? != 0, number()? != 0, number()? != 0, number()? != 0);
    let obstacle = [
        (dead, "the program in the pane has ended"),
        (mode, "the pane is in a mode of tmux, such as its copy mode"),
        (synchronized, "the panes are synchronized, what is typed goes to others too"),
        (off, "the pane takes no input"),
    ];
    let pastes = lines.next() != Some("0");
    let typed = lines.filter_map(|line| {
        let (pane, at) = line.split_once(' ')?;
        // Of whole seconds: it may have been at the end of that one.
        let ago = now.saturating_sub(at.parse().ok()?).saturating_sub(1);
        (pane == id).then_some(Duration::from_secs(ago))
    });
    Some(Sight {
        size,
        lines: shown.lines().take(size.0.into()).map(|line| line.as_bytes().to_vec()).collect(),
        cursor,
        cursor_shown,
        alternate,
        pastes,
        obstacle: obstacle.into_iter().find(|(is, _)| *is).map(|(_, why)| why),
        typed: typed.min(),
    })
}

const NAME: &str = "tmux";

fn tmux(socket: &Path) -> Command {
    let mut command = Command::new("tmux");
    // -u: it must not write what it takes for a terminal without UTF-8 as underscores.
    command.arg("-u").arg("-S").arg(socket).env_remove("TMUX");
    command
}

fn parse(listed: &str, socket: &Path) -> Vec<(Pid, Pane)> {
    let pane = |line: &str| {
        let mut fields = line.splitn(4, '\t');
        let pid = fields.next()?.parse().ok().filter(|pid| *pid > 0).map(Pid::from_raw)?;
        let (id, tty, target) = (fields.next()?.to_owned(), fields.next()?, fields.next()?.to_owned());
        let terminal = fs::metadata(tty).map_or(0, |metadata| metadata.rdev());
        let server = socket.to_str()?.to_owned();
        Some((pid, Pane { transport: NAME, server, id, target, terminal }))
    };
    listed.lines().filter_map(pane).collect()
}

/// The sockets of the servers that run: the one that this process is in, and those in the directory where
/// tmux keeps them.
fn sockets() -> Vec<PathBuf> {
    let own = std::env::var_os("TMUX").and_then(|value| {
        // path,pid,session
        let path = value.into_vec().split(|byte| *byte == b',').next()?.to_vec();
        Some(PathBuf::from(OsString::from_vec(path))).filter(|path| path.is_absolute())
    });
    let folder = std::env::var_os("TMUX_TMPDIR").filter(|value| !value.is_empty());
    let folder = PathBuf::from(folder.unwrap_or_else(|| "/tmp".into())).join(format!("tmux-{}", geteuid()));
    let usual = if is_ours(&folder) { fs::read_dir(&folder).ok() } else { None };
    let usual = usual.into_iter().flatten().flatten().map(|entry| entry.path());
    let all: BTreeSet<PathBuf> =
        own.into_iter().chain(usual).filter_map(|path| path.canonicalize().ok()).collect();
    all.into_iter().filter(|path| is_served(path)).collect()
}

/// As tmux checks it: with another's directory, somebody else would answer.
fn is_ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o007 == 0
    })
}

/// By this user: any other server would be told the whole environment by the `tmux` that asks it.
fn is_served(path: &Path) -> bool {
    socket::connect_to_own(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server says of a pane of two rows, with two clients that look at it and one that looks
    /// elsewhere.
    fn said(flags: &str, brackets: &str) -> String {
        format!("%7 2 80 1 5 0 1 {flags}\n{brackets}\n%7 90\n%7 95\n%8 99\n=\nfirst\n\u{1b}[7msecond\n")
    }

    #[test]
    fn a_look_is_understood() {
        let sight = read(&said("0 0 0 0", ""), "%7", 100).expect("a sight");
        assert_eq!((sight.size, sight.cursor), ((2, 80), (1, 5)));
        assert_eq!((sight.cursor_shown, sight.alternate, sight.pastes), (false, true, true));
        assert_eq!(sight.lines, [b"first".to_vec(), b"\x1b[7msecond".to_vec()]);
        assert_eq!((sight.obstacle, sight.typed), (None, Some(Duration::from_secs(4))));
        for flags in ["1 0 0 0", "0 1 0 0", "0 0 1 0", "0 0 0 1"] {
            assert!(
                read(&said(flags, "1"), "%7", 100).is_some_and(|sight| sight.obstacle.is_some()),
                "{flags}"
            );
        }
        assert!(!read(&said("0 0 0 0", "0"), "%7", 100).expect("a sight").pastes);
        // A key from the future, and a screen that holds what stands between the parts.
        assert_eq!(read(&said("0 0 0 0", ""), "%7", 1).expect("a sight").typed, Some(Duration::ZERO));
        let equals = "%7 1 9 0 0 1 0 0 0 0 0\n\n=\n=\n";
        assert_eq!(read(equals, "%7", 1).expect("a sight").lines, [b"=".to_vec()]);
    }

    #[test]
    fn a_pane_that_is_gone_is_none() {
        for said in ["", "\n\n=\n", " 2 80 1 5 0 1 0 0 0 0\n\n=\n", "%7 0 80 1 5 0 1 0 0 0 0\n\n=\n"] {
            assert_eq!(read(said, "%7", 100), None, "{said}");
        }
    }

    #[test]
    fn panes_are_found_by_the_nearest_process_above() {
        let listed = "12\t%1\t/x\tmain:0.1\nx\t%2\t/x\tmain:0.2\n30\t%3\t/x\ta\tb:1.0\n40\n";
        let panes: HashMap<Pid, Pane> = parse(listed, Path::new("/s")).into_iter().collect();
        let tmux = Tmux { panes };
        let chain = |pids: &[i32]| pids.iter().map(|pid| Pid::from_raw(*pid)).collect::<Vec<_>>();
        let (steps, pane) = tmux.pane(&chain(&[7, 12, 30])).expect("a pane");
        assert_eq!((steps, pane.id.as_str(), pane.target.as_str()), (1, "%1", "main:0.1"));
        assert_eq!(tmux.pane(&chain(&[30])).expect("a pane").1.target, "a\tb:1.0");
        assert_eq!(tmux.pane(&chain(&[7, 40, 1])), None);
    }
}
