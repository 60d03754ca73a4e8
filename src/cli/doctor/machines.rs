//! The machines that the user has named: each is asked, all at once. Where there is none, nothing is said and
//! nothing is done.

use std::time::Duration;

use semver::Version;

use super::{Finding, Mark, finding};
use crate::escape::escape;
use crate::machines::call::{Answer, Shown};
use crate::machines::failure::Failure;
use crate::machines::run;
use crate::machines::store;
use crate::machines::store::Machine;
use crate::machines::wire::{Ask, Condition};
use crate::update::run::own_version;

/// What the findings are about.
const ABOUT: &str = "machine";
/// How long a machine may take. All of them are asked at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How the machines are.
pub fn findings() -> Vec<Finding> {
    let machines = match store::load() {
        Ok(machines) if machines.is_empty() => return Vec::new(),
        Ok(machines) => machines,
        Err(error) => return vec![finding(Mark::Fail, "machines", error.to_string())],
    };
    match run::ask_all(&machines, &Ask::Condition, Shown::default(), ANSWER_TIMEOUT) {
        Ok(answers) => machines
            .iter()
            .zip(answers)
            .map(|(machine, answered)| {
                let understood = answered.and_then(|(answer, said)| {
                    let condition = serde_json::from_slice(&said.stdout);
                    Ok((condition.map_err(|why| Failure::NotUnderstood(why.to_string()))?, answer))
                });
                described(machine, &understood)
            })
            .collect(),
        Err(error) => vec![finding(Mark::Warn, "machines", error.to_string())],
    }
}

fn described(machine: &Machine, understood: &Result<(Condition, Answer), Failure>) -> Finding {
    let (condition, answer) = match understood {
        Ok(understood) => understood,
        // This machine works without it.
        Err(failure) => return finding(Mark::Warn, ABOUT, failure.error(machine).to_string()),
    };
    let name = machine.name.as_str();
    let mut text = format!("{name}: cckw {}", escape(&answer.hello.version));
    let mut mark = Mark::Ok;
    let claude = condition.claude.as_deref().filter(|claude| !claude.is_empty());
    match claude {
        Some(claude) => text += &format!(", claude {}", escape(claude)),
        None => {
            mark = Mark::Warn;
            let why = condition.no_claude.as_deref().unwrap_or("there is none");
            text += &format!(", no claude ({})", escape(why));
        }
    }
    text += &match condition.sessions.len() {
        0 => ", no session".to_owned(),
        1 => ", 1 session".to_owned(),
        count => format!(", {count} sessions"),
    };
    text += &format!(", answered after {} ms", answer.took.as_millis());
    let theirs = Version::parse(&answer.hello.version).ok();
    if theirs.is_some_and(|theirs| theirs < own_version()) {
        text +=
            &format!("; it is older than this one; to copy this one there: cckw machine add {name} --copy");
    }
    finding(mark, ABOUT, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machines::name::MachineName;
    use crate::machines::wire::Hello;

    fn machine() -> Machine {
        let name = MachineName::new("box").expect("a name");
        Machine { name, destination: "me@box".into(), program: None }
    }

    fn answered(version: &str, claude: Option<&str>) -> Finding {
        let hello = Hello { version: version.into(), ..Hello::own() };
        let condition = Condition {
            claude: claude.map(str::to_owned),
            no_claude: claude.is_none().then(|| "no \u{1b}".into()),
            sessions: Vec::new(),
            program: None,
        };
        let took = Duration::from_millis(12);
        described(&machine(), &Ok((condition, Answer { hello, status: 0, took })))
    }

    #[test]
    fn a_machine_that_answers_is_well_and_one_without_claude_is_not() {
        let well = answered(env!("CARGO_PKG_VERSION"), Some("2.1.332"));
        assert_eq!(well.mark, Mark::Ok);
        assert_eq!(
            well.text,
            concat!(
                "box: cckw ",
                env!("CARGO_PKG_VERSION"),
                ", claude 2.1.332, no session, answered after 12 ms"
            )
        );
        let without = answered("0.0.1", None);
        assert_eq!(without.mark, Mark::Warn);
        assert!(without.text.contains("no claude (no \\u{1b})"), "{}", without.text);
        assert!(without.text.ends_with("cckw machine add box --copy"), "{}", without.text);
    }

    #[test]
    fn a_machine_that_does_not_answer_keeps_nothing_here_from_working() {
        let silent = described(&machine(), &Err(Failure::NameUnknown));
        assert_eq!(silent.mark, Mark::Warn);
        assert!(silent.text.starts_with("box: its name is unknown"), "{}", silent.text);
    }
}
