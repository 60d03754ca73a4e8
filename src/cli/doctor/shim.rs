//! The shims on `PATH`: which of them a shell finds first, and whether they lead to this cckw.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, Mark, VERSION_DEADLINE, finding, version};
use crate::claude::executable;
use crate::claude::executable::Unfit;
use crate::claude::shim::{Program, target};
use crate::cli::advice::quoted;
use crate::escape::escape;

const ABOUT: &str = "shim";

/// Where a shim leads to.
#[derive(Debug)]
enum Leads {
    /// To this program.
    Here,
    /// To nothing.
    Nowhere,
    /// To another cckw, which says its version, or why not.
    Elsewhere(Result<String, String>),
}

/// A shim that is on `PATH`.
#[derive(Debug)]
struct Shim {
    path: PathBuf,
    target: PathBuf,
    leads: Leads,
    /// What a shell finds before it: another claude, or another shim.
    behind: Option<(PathBuf, bool)>,
    /// Claude's installer puts its own program there.
    in_installers_place: bool,
}

/// What is to be said of the shims among all that is called `claude` on `PATH`, in its order.
pub fn findings(candidates: &[(PathBuf, Option<Unfit>)]) -> Vec<Finding> {
    let mut before = None;
    let mut found = Vec::new();
    for (path, unfit) in candidates {
        let target = target(path);
        if let Some(target) = target.clone() {
            found.push(line(&Shim {
                leads: leads(path, &target),
                in_installers_place: path.parent().is_some_and(executable::is_the_installers),
                behind: before.clone(),
                path: path.clone(),
                target,
            }));
        }
        let is_run = matches!(unfit, None | Some(Unfit::IsCckw | Unfit::Shim));
        before = before.or_else(|| is_run.then(|| (path.clone(), unfit.is_some())));
    }
    found
}

fn leads(path: &Path, target: &Path) -> Leads {
    match fs::metadata(path) {
        Err(_) => Leads::Nowhere,
        Ok(about) if Program::running().is_some_and(|own| own.is(&about)) => Leads::Here,
        // By its own name: by the shim's it would start claude.
        Ok(_) => Leads::Elsewhere(version::of(target, VERSION_DEADLINE)),
    }
}

fn line(shim: &Shim) -> Finding {
    let Shim { path, target, leads, behind, in_installers_place } = shim;
    let directory = path.parent().unwrap_or(path);
    let (shown, leads_to) = (escape(path), escape(target));
    let renew = format!("cckw shell-init --shim {}", quoted(directory));
    let remove = format!("{renew} --remove");
    let warn = |text: String| finding(Mark::Warn, ABOUT, text);
    if let Leads::Nowhere = leads {
        return warn(format!(
            "{shown} leads to {leads_to}, which is not there, so claude runs without cckw; to let it lead here: \
             {renew}; to remove it: {remove}"
        ));
    }
    if *in_installers_place {
        return warn(format!(
            "{shown} is where Claude Code's installer puts its own claude, and the next update may replace it; \
             choose another directory: cckw shell-init --shim ~/.local/share/cckw/bin; to remove this one: {remove}"
        ));
    }
    match behind {
        Some((other, false)) => {
            return warn(format!(
                "{shown} goes through cckw, but {} comes before it on PATH; put {} first in PATH, or remove the shim: \
                 {remove}",
                escape(other),
                escape(directory)
            ));
        }
        Some((other, true)) => {
            let text =
                format!("{shown} is not needed: {} comes first and goes through cckw too", escape(other));
            return finding(Mark::Info, ABOUT, text);
        }
        None => {}
    }
    let own = env!("CARGO_PKG_VERSION");
    match leads {
        Leads::Elsewhere(Ok(version)) if version.strip_prefix("cckw ").unwrap_or(version) == own => {
            finding(Mark::Ok, ABOUT, format!("{shown} goes through another cckw of this version, {leads_to}"))
        }
        Leads::Elsewhere(Ok(version)) => warn(format!(
            "{shown} goes through {leads_to}, which is {}; this is cckw {own}; to let it lead here: {renew}",
            escape(version)
        )),
        Leads::Elsewhere(Err(reason)) => warn(format!(
            "{shown} goes through {leads_to}, and that with --version {}; to let it lead here: {renew}",
            escape(reason)
        )),
        Leads::Here | Leads::Nowhere => {
            finding(Mark::Ok, ABOUT, format!("{shown} is the first claude on PATH and goes through cckw"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_says_what_to_do() {
        let shim = |leads, behind: Option<(&str, bool)>, in_installers_place| Shim {
            path: "/my bin/claude".into(),
            target: "/usr/bin/cckw".into(),
            leads,
            behind: behind.map(|(path, is_shim)| (path.into(), is_shim)),
            in_installers_place,
        };
        let version = |text: &str| Leads::Elsewhere(Ok(text.into()));
        for (shim, mark, said) in [
            (shim(Leads::Here, None, false), Mark::Ok, "is the first claude on PATH and goes through cckw"),
            (
                shim(Leads::Here, Some(("/usr/bin/claude", false)), false),
                Mark::Warn,
                "put /my bin first in PATH",
            ),
            (shim(Leads::Here, Some(("/a/claude", true)), false), Mark::Info, "/a/claude comes first"),
            (shim(Leads::Here, None, true), Mark::Warn, "the next update may replace it"),
            (shim(Leads::Nowhere, None, false), Mark::Warn, "cckw shell-init --shim '/my bin'; "),
            (shim(version("cckw 99.0.0"), None, false), Mark::Warn, "/usr/bin/cckw, which is cckw 99.0.0"),
            (shim(Leads::Elsewhere(Err("failed: x".into())), None, false), Mark::Warn, "--version failed: x"),
            (
                shim(version(concat!("cckw ", env!("CARGO_PKG_VERSION"))), None, false),
                Mark::Ok,
                "this version",
            ),
        ] {
            let said_is = line(&shim);
            assert!(said_is.mark == mark && said_is.text.contains(said), "{said_is:?}");
        }
    }
}
