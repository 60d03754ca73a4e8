//! What the far shell is told, and how its answers are read.
//!
//! The shell is `sh -s`: it reads commands from its stdin until that ends, and then removes what was not
//! installed. So nothing is left there when the near side is killed or the link is lost. What is written to it is
//! made of the texts here, and of hexadecimal digits.

use semver::Version;

use super::super::ssh::PLACES;
use super::plan::{FarSide, Kind, Target};

/// What ssh is told to run: the login shell, whichever it is, becomes the shell of the standard.
pub const SHELL: &str = "exec sh -s";

/// Defines what the other texts use. `MARK` and `NAME` are replaced.
const BEGIN: &str = r#"
say() { printf '\nMARK %s=%s\n' "$1" "$2"; }
directory=$HOME/.local/bin
target=$directory/cckw
place=$directory/NAME
copy=$place/cckw
trap 'rm -rf "$place"' 0
trap 'exit 1' 1 2 13 15
version_of() { "$1" --version </dev/null 2>/dev/null | head -n 1; }
kind_of() {
    if [ -h "$1" ]; then printf link
    elif [ -f "$1" ]; then printf file
    elif [ -e "$1" ]; then printf other
    else printf nothing; fi
}
PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin
"#;

/// Says how the machine is, and removes what a copy has left that was cut off more than a day ago. `PLACES` is
/// replaced.
const LOOK: &str = r#"
say system "$(uname -s)"
say machine "$(uname -m)"
say home "$HOME"
say target "$(kind_of "$target")"
if [ -h "$target" ]; then say link "$(readlink "$target")"; fi
if [ -f "$target" ]; then say version "$(version_of "$target")"; fi
if grep -q '"cckw ' "$HOME/.local/.crates2.json" 2>/dev/null; then say cargo yes; fi
found=$(command -v cckw)
case $found in
    /*) if [ ! "$found" -ef "$target" ] 2>/dev/null; then say before "$found"; say before-version "$(version_of "$found")"; fi ;;
esac
if [ ! -e "$target" ]; then
    for other in PLACES; do
        if [ -f "$other" ]; then say after "$other"; say after-version "$(version_of "$other")"; break; fi
    done
fi
case ":$path_before:" in *":$directory:"*) say on-path yes ;; esac
find "$directory" -maxdepth 1 -type d -name '.cckw.copy-*' -mtime +0 -exec rm -rf '{}' ';' 2>/dev/null
"#;

/// Makes the place for the copy: a directory, which only the user may enter. Whoever still copies when it is removed
/// cannot make the file again.
const MAKE_READY: &str = r#"
if said=$(mkdir -p "$directory" 2>&1 && mkdir -m 700 "$place" 2>&1); then say ready yes
else say ready no; say why "$(printf '%s\n' "$said" | head -n 1)"; fi
"#;

/// Takes the copy from stdin, for a machine to which scp cannot copy. ssh runs this text itself. `NAME` is
/// replaced.
const TAKE: &str = r#"exec sh -c 'exec cat >"$HOME/.local/bin/NAME/cckw"'"#;

/// Compares the hash of the copy before it is run for the first time. `HASH` is replaced.
const CHECK: &str = r#"
hash_of() {
    if command -v sha256sum >/dev/null 2>&1; then by=sha256sum; hash=$(sha256sum <"$copy")
    elif command -v shasum >/dev/null 2>&1; then by=shasum; hash=$(shasum -a 256 <"$copy")
    elif command -v openssl >/dev/null 2>&1; then by=openssl; hash=$(openssl dgst -sha256 -r <"$copy")
    else by=itself; hash=$("$copy" self-check sha256 </dev/null 2>/dev/null); fi
    hash=${hash%% *}
}
chmod 755 "$copy"
hash_of
say hash "$hash"
say by "$by"
if [ "$hash" = HASH ]; then
    said=$("$copy" --version </dev/null 2>&1); say status $?
    say version "$(printf '%s\n' "$said" | head -n 1)"
    said=$("$copy" self-check </dev/null 2>&1); say self-check $?
    say complaint "$(printf '%s\n' "$said" | head -n 1)"
fi
"#;

/// Puts the copy in the place of what was there at the look, and keeps that as `cckw.old`.
const INSTALL: &str = r#"
if [ "$(kind_of "$target")" != BEFORE ]; then say installed no; say why 'it has changed meanwhile'
else
    sync "$copy" 2>/dev/null
    if [ -f "$target" ] && [ ! -d "$target.old" ]; then
        if rm -f "$target.old" && ln "$target" "$target.old" 2>/dev/null; then say kept yes; fi
    fi
    if said=$(mv -f "$copy" "$target" 2>&1 </dev/null); then
        sync "$directory" 2>/dev/null
        say installed yes
        say version "$(version_of "$target")"
    else say installed no; say why "$(printf '%s\n' "$said" | head -n 1)"; fi
fi
"#;

/// The texts for one copy.
pub struct Script {
    mark: String,
    name: String,
}

impl Script {
    /// For a copy that is told from others by this nonce.
    pub fn new(nonce: u64) -> Self {
        Self { mark: format!("cckw-copy-{nonce:016x}"), name: format!(".cckw.copy-{nonce:016x}") }
    }

    /// The first text: says how the machine is.
    pub fn look(&self) -> String {
        let begin = BEGIN.replace("MARK", &self.mark).replace("NAME", &self.name);
        let places = PLACES.iter().skip(1).map(|place| format!("\"{place}\"")).collect::<Vec<_>>().join(" ");
        format!("path_before=$PATH{begin}{}{}", LOOK.replace("PLACES", &places), self.end())
    }

    /// Makes the place for the copy.
    pub fn make_ready(&self) -> String {
        format!("{MAKE_READY}{}", self.end())
    }

    /// The command that takes the copy from its stdin.
    pub fn take(&self) -> String {
        TAKE.replace("NAME", &self.name)
    }

    /// Checks the copy, which must have this hash.
    pub fn check(&self, sha256: &str) -> String {
        debug_assert!(sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
        format!("{}{}", CHECK.replace("HASH", sha256), self.end())
    }

    /// Installs the copy, if what it replaces is still what it was.
    pub fn install(&self, is_replacing: bool) -> String {
        let before = if is_replacing { "file" } else { "nothing" };
        format!("{}{}", INSTALL.replace("BEFORE", before), self.end())
    }

    /// What scp is told of the place of the copy, below this home. Nothing where a home has characters that may
    /// mean something on the way.
    pub fn path_for_scp(&self, home: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        (home.starts_with('/') && home.chars().all(is_plain))
            .then(|| format!("{home}/.local/bin/{}/cckw", self.name))
    }

    fn end(&self) -> String {
        "\nsay end yes\n".to_owned()
    }

    /// What a line of the far shell says. Lines of anybody else say nothing.
    pub fn read_line(&self, line: &str) -> Option<(String, String)> {
        let (key, value) = line.strip_prefix(&self.mark)?.strip_prefix(' ')?.split_once('=')?;
        Some((key.to_owned(), value.trim_end_matches('\r').to_owned()))
    }
}

/// What the far shell has said to one text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answers(pub Vec<(String, String)>);

impl Answers {
    /// The last value of this key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether the value of this key is `yes`.
    pub fn is_yes(&self, key: &str) -> bool {
        self.get(key) == Some("yes")
    }

    /// The version that a cckw says.
    pub fn version(&self, key: &str) -> Option<Version> {
        Version::parse(self.get(key)?.strip_prefix("cckw ")?.trim()).ok()
    }

    /// What the first text has brought. Nothing where it said too little.
    pub fn far_side(&self) -> Option<FarSide> {
        let target = match (self.get("target")?, self.version("version")) {
            ("nothing", _) => Target::Nothing,
            ("link", _) => Target::Link(self.get("link").unwrap_or_default().to_owned()),
            ("file", Some(_)) if self.is_yes("cargo") => Target::OfCargo,
            ("file", Some(version)) => Target::Cckw(version),
            _ => Target::Other,
        };
        let other =
            |key: &str, version: &str| self.get(key).map(|path| (path.to_owned(), self.version(version)));
        Some(FarSide {
            kind: Kind::of_uname(self.get("system")?, self.get("machine")?),
            target,
            before: other("before", "before-version"),
            after: other("after", "after-version").and_then(|(_, version)| version),
            is_on_path: self.is_yes("on-path"),
        })
    }
}
