//! The ways to a program on the far host.

use std::process::Command;

use crate::bed::Bed;
use crate::far;

/// The far host.
pub const HOST: &str = "box";

/// Where the program is there.
pub const PROGRAM: &str = "/usr/local/bin/far-program";

/// A way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `ssh -t box PROGRAM`: nothing keeps the program.
    Ssh,
    /// `ssh -t box tmux attach`.
    Tmux,
    /// `ssh -t box cckw attach S`.
    Far,
    /// `cckw attach box:S`.
    Near,
    /// The same, by somebody who presses Enter as soon as the link is there again.
    Entered,
    /// mosh, without its guesses of what a key will show.
    Mosh,
}

/// Those that are compared while the link is well, in the order of the tables.
pub const ALL: [Way; 5] = [Way::Ssh, Way::Tmux, Way::Far, Way::Near, Way::Mosh];

/// Those that are compared when the link is lost.
pub const LASTING: [Way; 5] = [Way::Tmux, Way::Far, Way::Near, Way::Entered, Way::Mosh];

impl Way {
    /// What is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssh => "`ssh -t box PROGRAM`",
            Self::Tmux => "`ssh -t box tmux attach`",
            Self::Far => "`ssh -t box cckw attach S`",
            Self::Near => "`cckw attach box:S`",
            Self::Entered => "`cckw attach box:S`, and Enter when the link is there again",
            Self::Mosh => "mosh",
        }
    }

    /// The session of this way.
    fn session(self) -> &'static str {
        match self {
            Self::Far => "far",
            Self::Entered => "entered",
            _ => "near",
        }
    }

    /// Starts the program where it is kept.
    pub fn prepare(self, bed: &Bed) {
        let far = bed.far(HOST);
        match self {
            Self::Tmux => drop(far.runs(&[
                "tmux",
                "-u",
                "-L",
                "bench",
                "new-session",
                "-d",
                "-x",
                "80",
                "-y",
                "24",
                PROGRAM,
            ])),
            Self::Far | Self::Near | Self::Entered => {
                // It ends with 5 after half a minute, because the program draws nothing, and so does not come up as
                // claude does. The session goes on.
                let output = far.command(&["cckw", "new", self.session(), "/home/ada"]).output();
                let output = output.expect("nsenter");
                assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
            }
            Self::Ssh | Self::Mosh => {}
        }
    }

    /// The command that leads there.
    pub fn command(self, bed: &Bed) -> Command {
        let ssh = |words: &[&str]| bed.near(&[&["ssh", "-t", "ada@box"], words].concat());
        match self {
            Self::Ssh => ssh(&[PROGRAM]),
            Self::Tmux => ssh(&["tmux -u -L bench attach"]),
            Self::Far => ssh(&["cckw attach far"]),
            Self::Near | Self::Entered => bed.cckw(&["attach", &format!("{HOST}:{}", self.session())]),
            Self::Mosh => {
                let server = "--server=env LC_ALL=C.UTF-8 mosh-server";
                bed.near(&["mosh", "--predict=never", server, "ada@box", "--", PROGRAM])
            }
        }
    }
}

/// Puts the program on the host, where it is claude as well.
pub fn furnish(bed: &Bed) {
    let far = bed.far(HOST);
    let program = std::env::current_exe().expect("this program");
    std::fs::copy(program, far.path(PROGRAM)).expect("a copy on the host");
    far.root(&["chmod", "755", PROGRAM]);
    assert!(PROGRAM.ends_with(far::NAME));
    far.write(".config/cckw/config.toml", &format!("claude = \"{PROGRAM}\"\n[start]\nexisting = \"new\"\n"));
}

/// Why no hosts can be made here.
pub fn not_here() -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machines/bed");
    let check = Command::new(script).arg("--check").output().expect("bash");
    (!check.status.success()).then(|| String::from_utf8_lossy(&check.stdout).trim().to_owned())
}
