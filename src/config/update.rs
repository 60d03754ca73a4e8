//! `[update]`: where new versions of cckw come from, and who has to have signed them.

use serde::Deserialize;

/// Where new versions of cckw come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateConfig {
    /// The manifest: an address with https, or a file.
    pub url: Option<String>,
    /// The minisign key that the manifest is signed with.
    pub public_key: Option<String>,
    /// What is done without being asked.
    pub auto: AutoUpdate,
    /// When a running host goes on as a cckw that has taken the place of its own on disk.
    pub hosts: HostUpdate,
}

/// When a running host goes on as the cckw that is on disk now, without being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostUpdate {
    /// When claude is idle.
    #[default]
    Idle,
    /// Not at all.
    Never,
}

/// What is done about a new version without being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoUpdate {
    /// Nothing.
    #[default]
    Off,
    /// It is looked for, and said.
    Check,
    /// It is installed.
    Apply,
}

/// The key, the reason, and what to do.
type Mistake = (&'static str, String, &'static str);

impl UpdateConfig {
    /// What no type can say.
    ///
    /// # Errors
    /// The key that is wrong, why, and what to do.
    pub fn check(&self) -> Result<(), Mistake> {
        if let Some(url) = &self.url
            && !is_address(url)
        {
            let advice = "write an address such as \"https://example.org/cckw/manifest.json\" or \"file:///srv/cckw/manifest.json\"";
            return Err(("url", "neither an address with https nor a file".into(), advice));
        }
        let is_missing = self.url.is_none() || self.public_key.is_none();
        if self.auto != AutoUpdate::Off && is_missing {
            return Err((
                "auto",
                "`url` or `public_key` is not set".into(),
                "set both of them, or set `auto` to \"off\"",
            ));
        }
        match self.public_key.as_deref().map(minisign_verify::PublicKey::from_base64) {
            Some(Err(_)) => Err((
                "public_key",
                "no public key of minisign".into(),
                "write the second line of the file that `minisign -G` calls the public key",
            )),
            _ => Ok(()),
        }
    }
}

/// Whether it is `https://HOST/PATH` or `file:///PATH`, in the characters of an address.
pub fn is_address(text: &str) -> bool {
    let is_plain = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let has_host = |rest: &str| !rest.starts_with(['/', '?', '#', ':', '@']) && rest.contains('/');
    is_plain
        && (text.strip_prefix("https://").is_some_and(has_host)
            || text.strip_prefix("file://").is_some_and(|path| path.starts_with('/') && path.len() > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_a_file() {
        for good in ["https://example.org/m.json", "https://127.0.0.1:8443/a/m.json", "file:///srv/m.json"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "http://example.org/m.json",
            "https://",
            "https:///m.json",
            "https://example.org",
            "file://host/m.json",
            "file:///",
            "/srv/m.json",
            "https://example.org/a b",
            "https://example.org/\u{e9}",
            "ftp://example.org/m",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
