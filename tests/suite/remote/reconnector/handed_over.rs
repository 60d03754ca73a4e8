//! Another program goes on in the host while the link is being brought back.

use super::session::*;

/// It waits for the end of what is being typed: nothing is typed twice, and the keys of the user come behind it.
#[test]
fn a_program_that_goes_on_waits_for_the_end_of_the_attempt() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "slow-echo 600");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    let mut asked = cckw(&sandbox, &["restart", "--hosts", "--force"]).spawn().expect("runs");
    for key in ["a", "b", "c ", "d"] {
        terminal.type_text(key);
    }
    logged(&sandbox, "handed-over", 1);
    assert!(asked.wait().expect("ends").success());
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "abc d");
    let order: Vec<String> = log(&sandbox).into_iter().map(|(name, _)| name).collect();
    let at = |event: &str| order.iter().position(|name| name == event).expect("is logged");
    assert!(
        at("remote-typing") < at("remote-entering") && at("remote-entering") < at("handed-over"),
        "{order:?}"
    );
    assert_eq!((count(&sandbox, "remote-entering"), count(&sandbox, "remote-failed")), (1, 0));
    // What was typed is not there twice, and the next program keeps the link as this one did.
    assert!(submitted(&sandbox).is_empty());
    terminal.type_text("\x15");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-back", 2);
    assert_eq!(count(&sandbox, "remote-entering"), 2);
}
