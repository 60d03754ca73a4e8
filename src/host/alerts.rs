//! Tells a command of the user's what happens to the session (`[notify]` in the configuration).
//!
//! [`moments`] decides when something has happened, [`dispatch`] when the command is run, [`runner`] runs it in
//! a process of its own. Where no command is configured nothing here does anything.

mod alert;
mod dispatch;
mod moments;
mod process;
pub mod runner;

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Host;
use crate::claude::state_file::{OPENED_DIALOG, is_rest};
use crate::claude::transcript::failure::FailureKind;
use crate::claude::transcript::turn::{TurnEnd, TurnStatus};
use crate::config::{AlertKind, Notify};
use crate::os::exit::Exit;
use crate::registry::event_log;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{Record, SessionState};
use alert::Alert;
use dispatch::{Dispatch, DispatchEffect, DispatchEvent};
pub(super) use moments::MomentEvent;
use moments::{Activity, Moment, Moments};
use process::AlertRun;

/// The alerts of a session.
pub(super) struct Alerts {
    settings: Notify,
    moments: Moments,
    dispatch: Dispatch<Alert>,
    /// What goes on now, and what it tells.
    run: Option<(AlertRun, AlertKind)>,
    /// The user was told that the command does not work.
    has_complained: bool,
}

impl Alerts {
    /// None yet.
    pub(super) fn new(settings: &Notify) -> Self {
        Self {
            settings: settings.clone(),
            moments: Moments::default(),
            dispatch: Dispatch::default(),
            run: None,
            has_complained: false,
        }
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.moments.deadline(), self.dispatch.deadline()].into_iter().flatten().min()
    }
}

/// The alerts as they are handed over to the program that goes on with them, while no run goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AlertsState {
    moments: Moments,
    dispatch: Dispatch<Alert>,
    has_complained: bool,
}

impl Alerts {
    /// All that is needed to go on.
    pub(super) fn hand_over(&self) -> AlertsState {
        AlertsState {
            moments: self.moments.clone(),
            dispatch: self.dispatch.clone(),
            has_complained: self.has_complained,
        }
    }

    /// Goes on with what another program has handed over.
    pub(super) fn take_over(state: AlertsState, settings: &Notify) -> Self {
        let AlertsState { moments, dispatch, has_complained } = state;
        Self { moments, dispatch, has_complained, ..Self::new(settings) }
    }

    /// Whether a run goes on.
    pub(super) fn is_running(&self) -> bool {
        self.run.is_some()
    }
}

/// What claude does, as the record has it.
fn activity(record: &Record) -> Activity {
    let waiting_for = record.waiting_for.as_deref();
    match record.status.as_deref() {
        _ if record.state != SessionState::Running => Activity::Other,
        Some("busy") => Activity::Works,
        Some(status) if is_rest(status) => Activity::Rests,
        // Whoever has the terminal has opened it.
        Some("waiting") if record.client_pid.is_some() && waiting_for == Some(OPENED_DIALOG) => {
            Activity::Other
        }
        Some("waiting") => Activity::Asks(waiting_for.unwrap_or("an answer").to_owned()),
        // Whoever has the terminal has just started it.
        None if record.client_pid.is_none() && record.asks_first.is_some() => {
            Activity::Asks(record.asks_first.clone().unwrap_or_default())
        }
        _ => Activity::Other,
    }
}

/// What is told of a turn that is over. Nothing where its user has broken it off.
fn turn_over(turn: Option<&TurnStatus>) -> Option<(AlertKind, String)> {
    let over = || (AlertKind::Done, "claude has ended its turn".to_owned());
    Some(match turn.and_then(|turn| turn.end.as_ref()) {
        Some(TurnEnd::Interrupted) => return None,
        Some(TurnEnd::Failed(failure)) => {
            let kind = match failure.kind {
                FailureKind::RateLimit => AlertKind::Limited,
                _ => AlertKind::Failed,
            };
            (kind, format!("claude's turn failed ({}): {}", failure.kind.word(), failure.text.trim()))
        }
        Some(TurnEnd::Done) => {
            let answer =
                turn.filter(|turn| turn.answers_last_prompt).and_then(|turn| turn.last_answer.as_ref());
            answer.map_or_else(over, |answer| (AlertKind::Done, answer.trim().to_owned()))
        }
        _ => over(),
    })
}

impl Host {
    /// Claude's state file says what it does.
    pub(super) fn note_activity(&mut self) {
        let activity = activity(&self.record);
        self.note_moment(MomentEvent::Does(activity));
    }

    /// Something may have happened that the command is told of.
    pub(super) fn note_moment(&mut self, event: MomentEvent) {
        if self.alerts.settings.command.is_empty() {
            return;
        }
        match self.alerts.moments.handle(Instant::now(), event) {
            None => {}
            Some(Moment::Question(what)) => {
                self.alert(AlertKind::Asks, &format!("claude waits for you: {what}"));
            }
            Some(Moment::TurnOver) => {
                if let Some((kind, text)) = turn_over(self.record.turn.as_ref()) {
                    self.alert(kind, &text);
                }
            }
        }
    }

    /// This has happened: the command is told, where it is to be.
    pub(super) fn alert(&mut self, kind: AlertKind, text: &str) {
        if self.alerts.settings.wants(kind) {
            let alert = Alert::new(&self.record, event_log::now_ms(), kind, text);
            self.dispatch_alerts(DispatchEvent::Alert(alert));
        }
    }

    /// The time has come.
    pub(super) fn alerts_due(&mut self) {
        self.note_moment(MomentEvent::Due);
        self.dispatch_alerts(DispatchEvent::Due);
    }

    /// A child of this process has ended; perhaps it was a run.
    pub(super) fn look_at_alert_run(&mut self) {
        let Some((exit, kind)) = self.alerts.run.as_mut().and_then(|(run, kind)| Some((run.exit()?, *kind)))
        else {
            return;
        };
        self.alerts.run = None;
        self.events.write(LogEvent::AlertSent { alert: kind.name(), exit });
        match exit {
            Exit::Code(127) => self.complain_of_command("was not found"),
            Exit::Code(126) => self.complain_of_command("cannot be executed"),
            _ => {}
        }
        self.dispatch_alerts(DispatchEvent::Ended);
    }

    fn dispatch_alerts(&mut self, event: DispatchEvent<Alert>) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            for effect in self.alerts.dispatch.handle(Instant::now(), event) {
                match effect {
                    DispatchEffect::Run(alert) if !self.run_for(&alert) => next = Some(DispatchEvent::Ended),
                    DispatchEffect::Run(_) => {}
                    DispatchEffect::GiveUp => {
                        if let Some((mut run, _)) = self.alerts.run.take() {
                            run.abandon();
                        }
                    }
                    DispatchEffect::Drop(alert) => {
                        self.events.write(LogEvent::AlertDropped { alert: alert.event.name() });
                    }
                }
            }
        }
    }

    /// Whether it was started.
    fn run_for(&mut self, alert: &Alert) -> bool {
        let launcher = self.claude.launcher();
        let (variables, _) = launcher.environment.later();
        let command = &self.alerts.settings.command;
        match AlertRun::start(command, std::slice::from_ref(alert), &variables, &launcher.signals) {
            Ok(run) => {
                self.alerts.run = Some((run, alert.event));
                true
            }
            Err(error) => {
                let alert = alert.event.name();
                self.events.write(LogEvent::AlertNotSent { alert, error: error.to_string() });
                false
            }
        }
    }

    fn complain_of_command(&mut self, what: &str) {
        if std::mem::replace(&mut self.alerts.has_complained, true) {
            return;
        }
        let program = self.alerts.settings.command.first().cloned().unwrap_or_default();
        self.notice(&format!("`command` in [notify] does not work: {program} {what}"));
    }

    /// The session is over. What waits is told by one last run, which ends by itself.
    pub(super) fn finish_alerts(&mut self) {
        let waiting = self.alerts.dispatch.take_waiting();
        if waiting.is_empty() || self.system_stop.is_under_way() {
            return;
        }
        let launcher = self.claude.launcher();
        let (variables, _) = launcher.environment.later();
        let _ = AlertRun::start(&self.alerts.settings.command, &waiting, &variables, &launcher.signals);
    }
}
