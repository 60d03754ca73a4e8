//! The size of the terminal, as the child sees it.

use serde_json::json;

use crate::support::{DEADLINE, Sandbox, Size, Terminal, wait_until};

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("winsize");
    sandbox
}

fn last_size(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.wait_for_report("a size", |report| report["sizes"].is_array())["sizes"]
        .as_array()
        .and_then(|sizes| sizes.last().cloned())
        .expect("a size")
}

#[test]
fn the_first_look_sees_the_size_in_cells_and_pixels() {
    let sandbox = sandbox();
    let size = Size { rows: 33, columns: 77, width: 1001, height: 667 };
    let mut terminal = Terminal::builder().exact_size(size).spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0));
    assert_eq!(sandbox.report()["sizes"][0], json!([33, 77, 1001, 667]));
}

#[test]
fn every_change_arrives() {
    let sandbox = sandbox();
    let mut terminal = Terminal::builder().size(24, 80).spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    for rows in 20..40 {
        terminal.resize(Size { rows, columns: 100, width: 900, height: 18 * rows });
        wait_until("the new size", DEADLINE, || last_size(&sandbox) == json!([rows, 100, 900, 18 * rows]));
    }
    terminal.type_text("q");
    terminal.finish();
    let sizes = sandbox.report()["sizes"].as_array().map_or(0, Vec::len);
    assert!(sizes >= 21, "{sizes} sizes seen for one start and 20 changes");
}

#[test]
fn of_a_storm_of_changes_the_last_one_wins() {
    let sandbox = sandbox();
    let mut terminal = Terminal::builder().size(24, 80).spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    for round in 0..500u16 {
        terminal.resize(Size::cells(10 + round % 50, 40 + round % 70));
    }
    terminal.resize(Size { rows: 31, columns: 91, width: 5, height: 6 });
    wait_until("the last size", DEADLINE, || last_size(&sandbox) == json!([31, 91, 5, 6]));
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn only_the_pixels_changing_is_a_change() {
    let sandbox = sandbox();
    let mut terminal = Terminal::builder().size(24, 80).spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    terminal.resize(Size { rows: 24, columns: 80, width: 1600, height: 1200 });
    wait_until("the new pixels", DEADLINE, || last_size(&sandbox) == json!([24, 80, 1600, 1200]));
    terminal.type_text("q");
    terminal.finish();
}
