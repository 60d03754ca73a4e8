//! `cckw service`.

use std::process::ExitCode;

use super::definition::ServiceAction;
use super::output;
use crate::client;
use crate::escape::escape;
use crate::os::logout::linger_command;
use crate::registry::record;
use crate::service;
use crate::service::install::{Installed, Status};
use crate::service::service_manager::ServiceManager;
use crate::user_error::UserError;

/// What scripts expect of the status of a service (`systemctl status` has the same numbers).
const DOES_NOT_RUN: u8 = 3;
const NOT_INSTALLED: u8 = 4;

/// Does what is asked for.
pub fn main(action: &ServiceAction) -> ExitCode {
    let done = match action {
        ServiceAction::Run => service::run::main().map(|()| ExitCode::SUCCESS),
        ServiceAction::Install => return install(),
        ServiceAction::Uninstall => uninstall(),
        ServiceAction::Status { json } => status(*json),
    };
    done.unwrap_or_else(|error| output::fail(&error))
}

fn install() -> ExitCode {
    match service::install::install() {
        Ok(installed) => output::print(&told(&installed)),
        Err(error) => {
            let failed = output::fail(&error);
            // The other way to have it started, where it is the only one.
            if let Ok(definition) = service::install::definition()
                && ServiceManager::here() == ServiceManager::Systemd
                && ServiceManager::Systemd.answers().is_err()
            {
                client::complain("this line for `crontab -e` has cron start it at each boot:");
                output::print(&format!("{}\n", definition.cron_line()));
            }
            failed
        }
    }
}

fn told(installed: &Installed) -> String {
    let mut text = format!("the service is installed and runs: {}\n", escape(&installed.path));
    if installed.lingers == Some(false) {
        text += &format!(
            "lingering is off for you, so it begins with your first login after a boot, and ends with your last logout\n\
             to have it from boot on: {}\n",
            linger_command()
        );
    }
    if installed.left {
        text += "what went down with the machine before stays as it is; to bring it back: cckw start --all\n";
    }
    text
}

fn uninstall() -> Result<ExitCode, UserError> {
    let removed = service::install::uninstall()?;
    let mut text = match removed {
        Some(path) => format!("the service is removed: {}\nsessions go on\n", escape(&path)),
        None => "no service is installed\n".to_owned(),
    };
    let now = service::install::status()?;
    if now.running {
        let who = now.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
        text += &format!("a service that was started in another way goes on{who}\n");
    }
    Ok(output::print(&text))
}

fn status(json: bool) -> Result<ExitCode, UserError> {
    let status = service::install::status()?;
    let printed = if json {
        let text = serde_json::to_string(&status).unwrap_or_default();
        output::print(&format!("{text}\n"))
    } else {
        output::print(&described(&status))
    };
    let code = match (status.running, &status.installed) {
        (true, _) => return Ok(printed),
        (false, Some(_)) => DOES_NOT_RUN,
        (false, None) => NOT_INSTALLED,
    };
    Ok(ExitCode::from(code))
}

fn described(status: &Status) -> String {
    let mut text = match (status.running, status.pid) {
        (true, Some(pid)) => {
            let minutes = status.since.map_or(0, |since| record::now().saturating_sub(since) / 60);
            let version = status.version.as_deref().unwrap_or_default();
            format!("the service runs: process {pid}, cckw {}, for {minutes} minutes\n", escape(version))
        }
        (true, None) => "the service runs\n".into(),
        (false, _) => "the service does not run\n".into(),
    };
    text += &match (status.outdated, &status.not_taken) {
        (Some(true), None) => {
            "another cckw is installed by now; the service goes on as that one in a moment\n".into()
        }
        (Some(true), Some(why)) => {
            format!("another cckw is installed by now, and the service does not take it: {}\n", escape(why))
        }
        (Some(false) | None, _) => String::new(),
    };
    match (&status.installed, status.enabled) {
        (Some(path), enabled) => {
            let enabled = match enabled {
                Some(true) => ", and is started by itself",
                Some(false) => ", and is not started by itself; to change that: cckw service install",
                None => "",
            };
            text += &format!("it is installed: {}{enabled}\n", escape(path));
        }
        (None, _) => text += "it is not installed; to do that: cckw service install\n",
    }
    match status.lingering.filter(|_| status.installed.is_some()) {
        Some(true) => text += "lingering is on for you, so it begins at boot and outlives your logins\n",
        Some(false) => {
            text += &format!(
                "lingering is off for you, so it begins with your first login after a boot, and ends with your last logout; \
                 to change that: {}\n",
                linger_command()
            );
        }
        None => {}
    }
    text
}
