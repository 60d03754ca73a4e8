//! Faults to order: from the environment (`CCKW_STANDIN_*`) and by the prompt `/fault KIND [ARGUMENT]`.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// One fault, ready to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Die of this signal, in its default disposition.
    Crash(i32),
    /// Exit with this code, undoing nothing.
    Exit(i32),
    /// The bridge goes, for this reason.
    Drop(String),
    /// The file says that the bridge is gone while it is up.
    Lag,
    /// The next so many attempts to connect fail.
    BridgeFails(u32),
    /// The state file is cut in the middle for this long.
    HalfWritten(Duration),
    /// No state file any more.
    NoState,
    /// Nothing is read, drawn or answered, for this long or for ever; TERM does not help.
    Hang(Option<Duration>),
    /// So many bytes of output at once.
    Flood(usize),
    /// Each key is answered this much later.
    SlowEcho(Duration),
    /// Another fault, after this time.
    Later(Duration, Box<Self>),
}

/// What `/fault` without a known kind answers.
pub const USAGE: &str = "Usage: /fault crash N | exit N | drop [REASON] | lag | bridge-fails N | half-written [MS] \
                         | no-state | hang [MS] | flood N | slow-echo MS | later MS KIND [ARGUMENT]";

impl Fault {
    /// Reads `KIND [ARGUMENT]`; `None` when there is no such fault.
    pub fn parse(order: &str) -> Option<Self> {
        let (kind, argument) = order.trim().split_once(char::is_whitespace).unwrap_or((order.trim(), ""));
        let argument = argument.trim();
        let optional_ms = || match argument {
            "" => Some(None),
            text => Some(Some(Duration::from_millis(text.parse().ok()?))),
        };
        Some(match kind {
            "crash" => Self::Crash(argument.parse().ok()?),
            "exit" => Self::Exit(argument.parse().ok()?),
            "drop" if argument.is_empty() => Self::Drop("the connection was lost".into()),
            "drop" => Self::Drop(argument.into()),
            "lag" => Self::Lag,
            "bridge-fails" => Self::BridgeFails(argument.parse().ok()?),
            "half-written" => Self::HalfWritten(optional_ms()?.unwrap_or(Duration::from_secs(1))),
            "no-state" => Self::NoState,
            "hang" => Self::Hang(optional_ms()?),
            "flood" => Self::Flood(argument.parse().ok()?),
            "slow-echo" => Self::SlowEcho(optional_ms()??),
            "later" => {
                let (time, fault) = argument.split_once(char::is_whitespace)?;
                Self::Later(Duration::from_millis(time.parse().ok()?), Box::new(Self::parse(fault)?))
            }
            _ => return None,
        })
    }
}

/// The variable `CCKW_STANDIN_<name>`, where it is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var(format!("CCKW_STANDIN_{name}")).ok()?;
    Some(value).filter(|v| !v.is_empty())
}

/// Whether the variable is set to something other than 0.
pub fn switch(name: &str) -> bool {
    variable(name).is_some_and(|v| v != "0")
}

/// The variable as milliseconds.
pub fn milliseconds(name: &str) -> Option<Duration> {
    variable(name)?.parse().ok().map(Duration::from_millis)
}

/// Whether this start is one of those that `CCKW_STANDIN_CRASH_STARTS=COUNT:FILE` wants to fail: FILE counts
/// them.
pub fn start_crashes(order: &str) -> bool {
    let Some((count, path)) = order.split_once(':') else { return false };
    let path = Path::new(path);
    let starts: u32 = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let _ = fs::write(path, format!("{}\n", starts + 1));
    count.parse().is_ok_and(|wanted: u32| starts < wanted)
}

/// Dies of `signal`, leaving everything as it is.
pub fn die_of(signal: i32) -> ! {
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer names a limit that outlives the call. A test has no use for a core file.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core) };
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    let _ = nix::sys::signal::SigSet::empty().thread_set_mask();
    // SAFETY: raise(3) has no preconditions; the disposition was just reset.
    unsafe { libc::raise(signal) };
    // A signal that does not kill, such as CONT: the order cannot be carried out.
    std::process::exit(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_with_and_without_arguments() {
        assert_eq!(Fault::parse("crash 11"), Some(Fault::Crash(11)));
        assert_eq!(
            Fault::parse(" drop taken over by another device "),
            Some(Fault::Drop("taken over by another device".into()))
        );
        assert_eq!(Fault::parse("hang"), Some(Fault::Hang(None)));
        assert_eq!(Fault::parse("half-written 50"), Some(Fault::HalfWritten(Duration::from_millis(50))));
        assert_eq!(
            Fault::parse("later 20 drop"),
            Fault::parse("drop").map(|drop| Fault::Later(Duration::from_millis(20), Box::new(drop)))
        );
        for wrong in ["", "later", "later 5", "later x drop", "crash", "crash x", "slow-echo", "meteor"] {
            assert_eq!(Fault::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn starts_are_counted_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let order = format!("2:{}", directory.path().join("starts").display());
        let crashes: Vec<bool> = (0..4).map(|_| start_crashes(&order)).collect();
        assert_eq!(crashes, [true, true, false, false]);
        assert!(!start_crashes("nonsense"));
    }
}
