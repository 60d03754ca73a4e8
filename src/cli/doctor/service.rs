//! One line on the service that brings sessions back.

use std::path::Path;

use super::{Finding, Mark, finding};
use crate::escape::escape;
use crate::paths;
use crate::registry::service_state;
use crate::service::service_manager::{InPlace, ServiceManager, in_place};

/// How the service stands. Who does not want one does not need it.
pub fn line() -> Option<Finding> {
    let runs = service_state::is_running(&paths::state_dir().ok()?);
    let path = ServiceManager::here().path();
    let installed = path.as_deref().filter(|path| matches!(in_place(path), InPlace::Ours(_)));
    Some(described(runs, installed))
}

fn described(runs: bool, installed: Option<&Path>) -> Finding {
    let about = "service";
    match (runs, installed) {
        (true, _) => {
            let text = "runs: it brings sessions back after a reboot, and when their host is killed";
            finding(Mark::Ok, about, text)
        }
        (false, Some(path)) => {
            let path = escape(path);
            let text = format!(
                "is installed ({path}), but does not run, so nothing comes back by itself; to start it: cckw service install"
            );
            finding(Mark::Warn, about, text)
        }
        (false, None) => {
            let text = "is not installed: after a reboot, cckw start --all brings sessions back; to have that done by itself: cckw service \
                        install";
            finding(Mark::Info, about, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_that_should_run_and_does_not_is_a_warning() {
        let path = Path::new("/home/you/cckw\u{1b}.service");
        for (runs, installed, mark, words) in [
            (true, Some(path), Mark::Ok, "runs: "),
            (true, None, Mark::Ok, "runs: "),
            (false, Some(path), Mark::Warn, "(/home/you/cckw\\u{1b}.service), but does not run"),
            (false, None, Mark::Info, "cckw start --all"),
        ] {
            let line = described(runs, installed);
            assert_eq!(line.mark, mark);
            assert!(line.text.contains(words), "{}", line.text);
        }
    }
}
