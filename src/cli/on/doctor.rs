//! `cckw doctor --on MACHINE…`.

use std::process::ExitCode;

use super::super::colours::Colours;
use super::super::definition::{On, Verb};
use super::super::doctor;
use super::super::output::{columns, fail, print};
use super::Printed;
use crate::machines::call::Shown;
use crate::user_error::UserError;

/// Prints the reports of the machines that are meant, one below the other. Status 1 if something fails on one of them,
/// or one does not answer.
pub fn main(on: &On) -> ExitCode {
    run(on).unwrap_or_else(|error| fail(&error))
}

fn run(on: &On) -> Result<ExitCode, UserError> {
    let shown = Shown { has_colours: Colours::of_stdout().are_shown(), columns: columns() };
    let verb = Verb::Doctor { place: On::default() };
    let here = || {
        let (stdout, has_failed) = doctor::report_here();
        Ok(Printed { stdout, stderr: String::new(), status: u8::from(has_failed) })
    };
    let places = super::ask(on, &verb, shown, here, |_, printed| Ok(printed))?;
    let mut text = String::new();
    let mut all_well = true;
    for place in &places {
        let name = place.machine.as_ref().map_or("here", |machine| machine.name.as_str());
        if !text.is_empty() {
            text.push('\n');
        }
        match &place.said {
            Ok(printed) => {
                all_well &= printed.status == 0;
                text += &format!("{name}:\n{}{}", printed.stdout, printed.stderr);
            }
            Err(not_said) => {
                let why = not_said.text.strip_prefix(&place.prefix()).unwrap_or(&not_said.text);
                text += &format!("{name}:{why}\n");
            }
        }
    }
    let printed = print(&text);
    Ok(super::status(&places, if all_well { printed } else { ExitCode::FAILURE }))
}
