//! Another cckw goes on in the host's process while the real claude is in a turn.

use super::driver::{How, Place, leave, says, submit};
use super::mock::{HELD, HOLD};
use super::support::verb::well_said;
use super::support::{DEADLINE, wait_until};

#[test]
fn in_the_middle_of_a_turn_claude_and_its_user_notice_nothing() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &["-n", "work"]);
    submit(&mut terminal, "hello there");
    says(&place, "idle", 0);
    submit(&mut terminal, HOLD);
    wait_until("the mock is asked", DEADLINE, || {
        place.mock.arrived().iter().any(|prompt| prompt.contains(HOLD))
    });
    let before = says(&place, "busy", 0);
    for _ in 0..3 {
        let said = well_said(&place.sandbox, &["restart", "--hosts", "work"]);
        assert!(said.contains("runs it now"), "{said}");
    }
    place.mock.release();
    terminal.wait_for_text(HELD);
    let after = says(&place, "idle", 0);
    for key in ["host_pid", "host_start", "claude_pid", "client_pid", "conversation"] {
        assert_eq!(before.json[key], after.json[key], "{key}");
    }
    // What it is called, and what was said, is known to the program that runs now.
    let screen = well_said(&place.sandbox, &["screen", "work"]);
    assert!(screen.contains(HELD), "{screen}");
    leave(&place, terminal);
}
