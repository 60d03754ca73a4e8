//! Whether a manifest was signed with the key of the configuration.

use minisign_verify::{PublicKey, Signature};

/// The largest signature that is read, in bytes.
pub const MAX_SIGNATURE_BYTES: u64 = 4 << 10;

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSignature {
    /// The configured key is none.
    Key,
    /// It is no signature of minisign.
    Malformed,
    /// It was made with another key.
    OtherKey,
    /// It is over something else, or of the old kind that hashes nothing first.
    Wrong,
}

impl BadSignature {
    /// Why, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Key => "`public_key` is no key of minisign",
            Self::Malformed => "what is beside the manifest is no signature of minisign",
            Self::OtherKey => "it was made with another key than `public_key`",
            Self::Wrong => "it is not over these bytes, or not of the kind that minisign makes today",
        }
    }
}

/// Verifies the signature over a manifest.
///
/// # Errors
/// Why it is not accepted.
pub fn verify(manifest: &[u8], signature: &[u8], public_key: &str) -> Result<(), BadSignature> {
    let key = PublicKey::from_base64(public_key).map_err(|_| BadSignature::Key)?;
    let text = std::str::from_utf8(signature).map_err(|_| BadSignature::Malformed)?;
    let signature = Signature::decode(text).map_err(|_| BadSignature::Malformed)?;
    key.verify(manifest, &signature, false).map_err(|error| match error {
        minisign_verify::Error::UnexpectedKeyId => BadSignature::OtherKey,
        _ => BadSignature::Wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `minisign` 0.11 for this test, over "cckw\n"; the secret key was thrown away.
    const KEY: &str = "RWS+A9RzWhufrDmlT+0yUj5Y/uKuXpnTEf0BPcLBg7LR4NxtYQKSPEHd";
    const OTHER_KEY: &str = "RWQZeStYh1/vokf7Y6AGgsEdz3OJ32NqWnz3aaVdM8G1iFi+cLJxrHAq";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\nRUS+A9RzWhufrEDucT3HvD4NCTfjlLAv9+lPUoiTUEI8cJy+UyLl7XvOQF4TvXa9xwSqCE6eqF+qAEh5/uuHgnSXQRwgkp8fGgQ=\ntrusted comment: t\nhRx6yAIPy9/GU2FkCKkH32NEMz1JZhOdRFlqPzTI67Derrf6457B5hEh9IveowK+oEv7nzIGSDZi2381HyR+CQ==";
    const OLD_KIND: &str = "untrusted comment: signature from minisign secret key\nRWS+A9RzWhufrAmKKElUfIQEpPdfBmKnEWAsAh07d7ZPnCMCHMit8hxyCQSs08LO0b170xmgN5iFovhnxfvoJsXo/mXne84mewk=\ntrusted comment: t\nA647rHBwE56itDErZ9EglCT4jOtsGcoaG9a9Jta+8wPrkMled0m+Cdt+gcksg1GD8Ji375AnztnRd5SwQdGIAw==";

    #[test]
    fn only_the_signature_over_these_bytes_with_this_key_is_accepted() {
        let verify =
            |text: &str, signature: &str, key: &str| verify(text.as_bytes(), signature.as_bytes(), key);
        assert_eq!(verify("cckw\n", SIGNATURE, KEY), Ok(()));
        assert_eq!(verify("cckw", SIGNATURE, KEY), Err(BadSignature::Wrong));
        assert_eq!(verify("cckw\n", SIGNATURE, OTHER_KEY), Err(BadSignature::OtherKey));
        assert_eq!(verify("cckw\n", OLD_KIND, KEY), Err(BadSignature::Wrong));
        assert_eq!(verify("cckw\n", "", KEY), Err(BadSignature::Malformed));
        assert_eq!(verify("cckw\n", SIGNATURE, "x"), Err(BadSignature::Key));
        // The comment that is signed, too.
        assert_eq!(
            verify("cckw\n", &SIGNATURE.replace("trusted comment: t", "trusted comment: u"), KEY),
            Err(BadSignature::Wrong)
        );
    }
}
