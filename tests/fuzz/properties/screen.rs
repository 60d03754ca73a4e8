//! The reader of claude's screen: whatever is drawn, it reads something, and takes for the main prompt only
//! what has a box of claude's around the cursor.
//!
//! Input: rows, columns, and what is drawn.

use cckw::claude::screen::{Prompt, read};
use cckw::os::tty::Size;
use cckw::vt::screen::Screen;

pub fn check(data: &[u8]) {
    let Some((&[rows, columns], bytes)) = data.split_first_chunk() else { return };
    let (rows, columns) = (1 + u16::from(rows) % 100, 1 + u16::from(columns) % 200);
    let mut screen = Screen::new(Size { rows, columns, width: 0, height: 0 });
    screen.push(bytes);
    let view = screen.view();
    let reading = read(&view);
    assert_eq!(read(&view), reading);

    let lines: Vec<String> = screen.text().iter().map(|line| line.trim_end_matches(' ').to_owned()).collect();
    let (row, column) = screen.cursor();
    match &reading.prompt {
        Prompt::Elsewhere(_) => assert!(reading.notice.is_none() && reading.menu.is_none()),
        prompt => {
            is_in_a_box(&lines, row.into(), column.into());
            assert!(reading.panel.is_none());
            if let Prompt::Draft(draft) = prompt {
                assert!(!draft.text.is_empty() && draft.lines == draft.text.split('\n').count());
                // All of it is to be seen.
                for line in draft.text.split('\n').map(str::trim_end) {
                    assert!(lines.iter().any(|shown| shown.contains(line)), "{line:?} is nowhere");
                }
            }
        }
    }
    if let Some(panel) = &reading.panel {
        let disconnect = panel.disconnect.expect("a panel without it is none");
        assert!(panel.selected < panel.items.len() && panel.items[disconnect].starts_with("Disconnect"));
    }
}

/// Whether the cursor stands between two rules, the first row between which has claude's mark.
fn is_in_a_box(lines: &[String], row: usize, column: usize) {
    let is_rule = |line: &String| line.starts_with('─') && line.ends_with('─');
    let upper = (0..row).rev().find(|row| is_rule(&lines[*row])).expect("a rule above the cursor");
    assert!(lines[upper + 1].starts_with("❯\u{a0}"), "{:?}", lines[upper + 1]);
    assert!(lines[row + 1..].iter().any(is_rule), "no rule below the cursor");
    assert!(column >= 2, "the cursor is on the mark");
}
