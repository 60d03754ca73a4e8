//! Which modes a program has switched on in the terminal, read from its output alone.

use std::collections::BTreeMap;

use super::escape::Sequence;

/// Private modes that a terminal has on when nobody has touched it: autowrap, cursor, and auto-repeat.
const ON_AT_FIRST: [u16; 3] = [7, 8, 25];

/// The state of one terminal. Two of them are equal when the terminals would behave the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Private modes that are not as at first: `CSI ? n h` and `CSI ? n l`.
    private: BTreeMap<u16, bool>,
    /// Kitty keyboard flags, a stack for the main and one for the alternate screen.
    kitty: [Vec<u32>; 2],
    modify_other_keys: u32,
    keypad: bool,
    margins: Option<String>,
    charset: Option<String>,
    shifted_out: bool,
    cursor_shape: u32,
}

impl Modes {
    /// Whether private mode `mode` (25, 1004, 2004 …) is on.
    pub fn is_on(&self, mode: u16) -> bool {
        self.private.get(&mode).copied().unwrap_or(ON_AT_FIRST.contains(&mode))
    }

    /// The flags of the kitty keyboard protocol that apply now; 0 is the legacy encoding.
    pub fn kitty_flags(&self) -> u32 {
        self.kitty[self.screen()].last().copied().unwrap_or(0)
    }

    /// How many entries the kitty keyboard stack of the shown screen has.
    pub fn kitty_depth(&self) -> usize {
        self.kitty[self.screen()].len()
    }

    /// Everything that differs from a terminal nobody has touched, in words; empty means left as it was.
    pub fn left_on(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .private
            .iter()
            .map(|(mode, on)| format!("?{mode} {}", if *on { "on" } else { "off" }))
            .collect();
        for (screen, stack) in ["main", "alternate"].iter().zip(&self.kitty) {
            if !stack.is_empty() {
                found.push(format!("kitty keyboard {stack:?} on the {screen} screen"));
            }
        }
        if self.modify_other_keys != 0 {
            found.push(format!("modifyOtherKeys {}", self.modify_other_keys));
        }
        if self.keypad {
            found.push("application keypad".into());
        }
        if let Some(margins) = &self.margins {
            found.push(format!("margins {margins}"));
        }
        if let Some(charset) = &self.charset {
            found.push(format!("charset {charset}"));
        }
        if self.shifted_out {
            found.push("shifted out".into());
        }
        if self.cursor_shape > 1 {
            found.push(format!("cursor shape {}", self.cursor_shape));
        }
        found
    }

    fn screen(&self) -> usize {
        usize::from([47, 1047, 1049].into_iter().any(|mode| self.is_on(mode)))
    }

    /// Takes the next sequence of the output.
    pub fn apply(&mut self, sequence: &Sequence) {
        match sequence {
            Sequence::Csi { prefix, params, intermediates, last } => {
                self.apply_csi(*prefix, params, intermediates, *last);
            }
            Sequence::Esc { intermediates, last } => match (intermediates.as_str(), last) {
                ("", b'c') => *self = Self::default(),
                ("", b'=') => self.keypad = true,
                ("", b'>') => self.keypad = false,
                ("(", b'B') => self.charset = None,
                ("(", other) => self.charset = Some(char::from(*other).into()),
                _ => {}
            },
            Sequence::Shift(out) => self.shifted_out = *out,
            Sequence::Osc(_) | Sequence::Dcs(_) => {}
        }
    }

    fn apply_csi(&mut self, prefix: u8, params: &str, intermediates: &str, last: u8) {
        let numbers: Vec<u32> = params.split([';', ':']).map(|part| part.parse().unwrap_or(0)).collect();
        let first = numbers.first().copied().unwrap_or(0);
        match (prefix, intermediates, last) {
            (b'?', "", b'h' | b'l') => {
                for mode in numbers {
                    self.set_private(mode as u16, last == b'h');
                }
            }
            (b'>', "", b'u') => {
                let screen = self.screen();
                self.kitty[screen].push(first);
            }
            (b'<', "", b'u') => {
                let screen = self.screen();
                let stack = &mut self.kitty[screen];
                stack.truncate(stack.len().saturating_sub(first.max(1) as usize));
            }
            (b'=', "", b'u') => self.set_kitty(first, numbers.get(1).copied().unwrap_or(1)),
            (b'>', "", b'm') if first == 4 => {
                self.modify_other_keys = numbers.get(1).copied().unwrap_or(0);
            }
            (b'>', "", b'n') if first == 4 => self.modify_other_keys = 0,
            (0, "", b'r') => self.margins = (!params.is_empty()).then(|| params.to_owned()),
            (0, " ", b'q') => self.cursor_shape = first,
            (0, "!", b'p') => {
                self.private.retain(|mode, _| !matches!(mode, 1 | 6 | 7 | 25));
                self.margins = None;
                self.charset = None;
                self.keypad = false;
            }
            _ => {}
        }
    }

    fn set_private(&mut self, mode: u16, on: bool) {
        // A frame marker and a saved cursor are not modes that could be left on.
        if matches!(mode, 2026 | 1048) {
            return;
        }
        if on == ON_AT_FIRST.contains(&mode) {
            self.private.remove(&mode);
        } else {
            self.private.insert(mode, on);
        }
    }

    fn set_kitty(&mut self, flags: u32, how: u32) {
        let screen = self.screen();
        let stack = &mut self.kitty[screen];
        let old = stack.pop().unwrap_or(0);
        let new = match how {
            2 => old | flags,
            3 => old & !flags,
            _ => flags,
        };
        if new != 0 || !stack.is_empty() {
            stack.push(new);
        }
    }
}
