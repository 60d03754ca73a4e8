//! The bytes that switch off what is on, and those that switch it on again.

use std::fmt::Write as _;

use super::colours::COLOURS;
use super::{ALTERNATE, ANSI, CURSOR, Modes, PRIVATE, SYNCHRONISED};

impl Modes {
    pub(super) fn undo(&self, blindly: bool, out: &mut String) {
        let alternate = self.alternate();
        if blindly || self.is_changed(SYNCHRONISED) {
            out.push_str("\x1b[?2026l");
        }
        if self.progress {
            out.push_str("\x1b]9;4;0\x07");
        }
        if blindly || self.hyperlink {
            out.push_str("\x1b]8;;\x07");
        }
        for (index, number) in COLOURS.iter().enumerate() {
            if self.colours[index] {
                let _ = write!(out, "\x1b]{}\x07", number + 100);
            }
        }
        if blindly || self.style != 0 {
            out.push_str("\x1b[m");
        }
        for (index, (number, from_start)) in PRIVATE.iter().enumerate() {
            let special = *number == SYNCHRONISED || ALTERNATE.contains(number);
            let changed = self.changed & (1 << index) != 0 || blindly && *number == CURSOR;
            if changed && !special {
                let _ = write!(out, "\x1b[?{number}{}", if *from_start { 'h' } else { 'l' });
            }
        }
        self.write_ansi(false, out);
        if self.keypad {
            out.push_str("\x1b>");
        }
        if self.modify_other_keys != 0 {
            out.push_str("\x1b[>4m");
        }
        if self.cursor_shape != 0 {
            out.push_str("\x1b[0 q");
        }
        if self.margins.is_some() {
            // Taking the margins away moves the cursor home.
            out.push_str("\x1b7\x1b[r\x1b8");
        }
        if self.charsets[0].is_some() {
            out.push_str("\x1b(B");
        }
        if self.charsets[1].is_some() {
            out.push_str("\x1b)B");
        }
        if self.shifted {
            out.push('\x0f');
        }
        if alternate {
            undo_kitty(&self.kitty[1], out);
            for number in ALTERNATE.iter().filter(|number| self.is_changed(**number)) {
                let _ = write!(out, "\x1b[?{number}l");
            }
        }
        undo_kitty(&self.kitty[0], out);
        for _ in 0..self.saved_titles.min(10) {
            out.push_str("\x1b[23;0t");
        }
        if self.saved_titles == 0 && !self.title.is_empty() {
            out.push_str("\x1b]0;\x07");
        }
    }

    pub(super) fn redo(&self, out: &mut String) {
        self.redo_screen(out);
        self.redo_rest(out);
        if let Some(margins) = &self.margins {
            let _ = write!(out, "\x1b7\x1b[{margins}r\x1b8");
        }
    }

    pub(super) fn redo_screen(&self, out: &mut String) {
        redo_kitty(&self.kitty[0], out);
        for number in ALTERNATE.iter().filter(|number| self.is_changed(**number)) {
            let _ = write!(out, "\x1b[?{number}h");
        }
        if self.alternate() {
            redo_kitty(&self.kitty[1], out);
        }
    }

    pub(super) fn redo_rest(&self, out: &mut String) {
        for (index, (number, from_start)) in PRIVATE.iter().enumerate() {
            let special = *number == SYNCHRONISED || ALTERNATE.contains(number);
            if !special && self.changed & (1 << index) != 0 {
                let _ = write!(out, "\x1b[?{number}{}", if *from_start { 'l' } else { 'h' });
            }
        }
        self.write_ansi(true, out);
        if self.keypad {
            out.push_str("\x1b=");
        }
        if self.modify_other_keys != 0 {
            let _ = write!(out, "\x1b[>4;{}m", self.modify_other_keys);
        }
        if self.cursor_shape != 0 {
            let _ = write!(out, "\x1b[{} q", self.cursor_shape);
        }
        for (slot, charset) in ['(', ')'].into_iter().zip(self.charsets) {
            if let Some(charset) = charset {
                let _ = write!(out, "\x1b{slot}{}", char::from(charset));
            }
        }
        if self.shifted {
            out.push('\x0e');
        }
        self.colour_values.redo(out);
        if !self.progress_value.is_empty() {
            let _ = write!(out, "\x1b]9;4;{}\x07", self.progress_value);
        }
        for _ in 0..self.saved_titles.min(10) {
            out.push_str("\x1b[22;0t");
        }
        if !self.title.is_empty() {
            self.redo_title(out);
        }
    }

    /// Sets those of `ANSI` that are not as they were from the start, as claude has them or as they were.
    fn write_ansi(&self, as_set: bool, out: &mut String) {
        for (index, (number, from_start)) in ANSI.iter().enumerate() {
            if self.ansi & (1 << index) != 0 {
                let _ = write!(out, "\x1b[{number}{}", if *from_start == as_set { 'l' } else { 'h' });
            }
        }
    }

    pub(super) fn redo_title(&self, out: &mut String) {
        // Written by a program, and about to be written again: nothing in it may end the sequence.
        let title: String =
            String::from_utf8_lossy(&self.title).chars().filter(|char| !char.is_control()).collect();
        let _ = write!(out, "\x1b]0;{title}\x07");
    }
}

fn undo_kitty(stack: &[u8], out: &mut String) {
    if stack.len() > 1 {
        let _ = write!(out, "\x1b[<{}u", stack.len() - 1);
    }
    if stack[0] != 0 {
        out.push_str("\x1b[=0u");
    }
}

fn redo_kitty(stack: &[u8], out: &mut String) {
    if stack[0] != 0 {
        let _ = write!(out, "\x1b[={}u", stack[0]);
    }
    for flags in &stack[1..] {
        let _ = write!(out, "\x1b[>{flags}u");
    }
}
