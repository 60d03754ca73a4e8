//! What the far side is asked for: to attach its terminal to a session.
//!
//! Its stdin is a terminal, so the request stands on the command line. It is JSON in hexadecimal digits: nothing in
//! it means anything to a far shell.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::super::wire::{Protocol, is_nonce};
use crate::os::text::LosslessText;

/// The longest request, in bytes: it must fit into an argument.
const MAX_BYTES: usize = 32 << 10;

/// The request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachRequest {
    /// What the near side speaks.
    pub protocol: Protocol,
    /// It begins every marker of this link.
    pub nonce: String,
    /// What the far machine is called on the near side.
    pub machine: String,
    /// The session: what the user has typed for it, or its id; nothing for the only one that runs.
    #[serde(default)]
    pub session: Option<String>,
    /// Whether ctrl-\ detaches on the near side.
    #[serde(default)]
    pub has_detach_key: bool,
    /// This link was there before and was lost. The session is to be brought back if it is gone.
    #[serde(default)]
    pub again: bool,
    /// What describes the user's terminal.
    #[serde(default)]
    pub environment: Vec<(String, LosslessText)>,
}

impl AttachRequest {
    /// As it stands on a command line.
    pub fn to_digits(&self) -> String {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }

    /// Reads it. Nothing where it is none.
    pub fn from_digits(digits: &str) -> Option<Self> {
        if digits.len() > 2 * MAX_BYTES || !digits.len().is_multiple_of(2) {
            return None;
        }
        let pairs = digits.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        let request: Self = serde_json::from_slice(&bytes?).ok()?;
        is_nonce(&request.nonce).then_some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::PROTOCOL;
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_and_is_letters_and_digits_only() {
        let request = AttachRequest {
            protocol: PROTOCOL,
            nonce: "0a".into(),
            machine: "box".into(),
            session: Some("$(touch x) 'ü".into()),
            has_detach_key: true,
            again: false,
            environment: vec![("COLORTERM".into(), LosslessText::from(std::ffi::OsStr::new("truecolor")))],
        };
        let digits = request.to_digits();
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
        assert_eq!(AttachRequest::from_digits(&digits), Some(request));
    }

    #[test]
    fn what_is_no_request_is_none() {
        for wrong in ["", "7", "zz", "7b7d", "é", &"61".repeat(MAX_BYTES + 1)] {
            assert_eq!(AttachRequest::from_digits(wrong), None, "{wrong:.20}");
        }
    }
}
