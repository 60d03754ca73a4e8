//! Whether a cckw is put on a machine, and which one. Neither input nor output: what was seen of the machine
//! comes in, the decision goes out.

use std::cmp::Ordering;

use semver::Version;

/// A kind of machine, by Rust's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// `linux`, `macos`.
    pub os: String,
    /// `x86_64`, `aarch64`.
    pub architecture: String,
}

impl Kind {
    /// The kind that `uname -s` and `uname -m` say.
    pub fn of_uname(system: &str, machine: &str) -> Self {
        let os = match system {
            "Linux" => "linux".into(),
            "Darwin" => "macos".into(),
            other => other.to_lowercase(),
        };
        let architecture = match machine {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            "i386" | "i486" | "i586" | "i686" => "x86",
            "ppc64le" => "powerpc64",
            other if other.starts_with("armv") => "arm",
            other => other,
        };
        Self { os, architecture: architecture.into() }
    }

    /// The kind of this machine.
    pub fn own() -> Self {
        Self { os: std::env::consts::OS.into(), architecture: std::env::consts::ARCH.into() }
    }

    /// The targets of a release whose programs run there without anything of the machine.
    pub fn targets(&self) -> Vec<String> {
        let architecture = match self.architecture.as_str() {
            "riscv64" => "riscv64gc",
            "powerpc64" => "powerpc64le",
            other => other,
        };
        match self.os.as_str() {
            "linux" => vec![format!("{architecture}-unknown-linux-musl")],
            "macos" => vec![format!("{architecture}-apple-darwin")],
            _ => Vec::new(),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.os, self.architecture)
    }
}

/// What has the name of the program there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nothing.
    Nothing,
    /// A cckw of this version.
    Cckw(Version),
    /// A link that leads there.
    Link(String),
    /// A program that cargo has installed.
    OfCargo,
    /// Something that is no cckw, or does not run.
    Other,
}

/// What is on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FarSide {
    /// What kind of machine it is.
    pub kind: Kind,
    /// What `~/.local/bin/cckw` is.
    pub target: Target,
    /// Another program that is found before it: its path and its version, if it says one.
    pub before: Option<(String, Option<Version>)>,
    /// The version of a cckw that is found where `~/.local/bin` has none.
    pub after: Option<Version>,
    /// Whether `~/.local/bin` is on the `PATH` of a command over ssh.
    pub is_on_path: bool,
}

/// Why nothing is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwanted {
    /// The same version is there.
    Same(Version),
    /// A newer one is there.
    Newer(Version),
    /// What is there belongs to whoever made this link.
    Link(String),
    /// What is there is cargo's.
    OfCargo,
    /// What is there is no cckw.
    Other,
    /// Another program would be found before the copied one.
    Hidden(String, Option<Version>),
}

impl FarSide {
    /// Whether a cckw of this version may be put there. Without a version, as far as that can be said.
    ///
    /// # Errors
    /// Why not.
    pub fn takes(&self, offered: Option<&Version>) -> Result<(), Unwanted> {
        if let Some((path, version)) = &self.before {
            return Err(match (version, offered) {
                (Some(version), Some(offered)) if version == offered => Unwanted::Same(version.clone()),
                (Some(version), Some(offered)) if version > offered => Unwanted::Newer(version.clone()),
                _ => Unwanted::Hidden(path.clone(), version.clone()),
            });
        }
        if let (Some(there), Some(offered)) = (&self.after, offered) {
            match there.cmp(offered) {
                Ordering::Less => {}
                Ordering::Equal => return Err(Unwanted::Same(there.clone())),
                Ordering::Greater => return Err(Unwanted::Newer(there.clone())),
            }
        }
        match (&self.target, offered) {
            (Target::Nothing, _) => Ok(()),
            (Target::Link(to), _) => Err(Unwanted::Link(to.clone())),
            (Target::OfCargo, _) => Err(Unwanted::OfCargo),
            (Target::Other, _) => Err(Unwanted::Other),
            (Target::Cckw(there), Some(offered)) if there == offered => Err(Unwanted::Same(there.clone())),
            (Target::Cckw(there), Some(offered)) if there > offered => Err(Unwanted::Newer(there.clone())),
            (Target::Cckw(_), _) => Ok(()),
        }
    }
}

/// Which program is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The file that the user named.
    Named,
    /// This very program.
    This,
    /// The program of a release.
    Release,
}

/// What there is to be copied from.
#[derive(Debug, Clone, Copy)]
pub struct Sources {
    /// The user named a file.
    pub is_named: bool,
    /// This program runs without anything of its machine.
    pub is_static: bool,
    /// `[update]` says where releases are.
    pub has_releases: bool,
}

impl Sources {
    /// The first one that can have a program for that kind of machine.
    pub fn for_kind(self, own: &Kind, wanted: &Kind) -> Option<Source> {
        if self.is_named {
            return Some(Source::Named);
        }
        // On macOS no program is static; one that was built there runs on another one of its kind.
        if own == wanted && (self.is_static || own.os == "macos") {
            return Some(Source::This);
        }
        (self.has_releases && !wanted.targets().is_empty()).then_some(Source::Release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(target: Target) -> FarSide {
        FarSide {
            kind: Kind::of_uname("Linux", "x86_64"),
            target,
            before: None,
            after: None,
            is_on_path: false,
        }
    }

    fn version(text: &str) -> Version {
        Version::parse(text).expect("a version")
    }

    #[test]
    fn only_an_older_cckw_is_replaced() {
        let offered = version("0.2.0");
        let takes = |target| far(target).takes(Some(&offered));
        assert_eq!(takes(Target::Nothing), Ok(()));
        assert_eq!(takes(Target::Cckw(version("0.1.9"))), Ok(()));
        assert_eq!(takes(Target::Cckw(version("0.2.0-rc.1"))), Ok(()));
        assert_eq!(takes(Target::Cckw(offered.clone())), Err(Unwanted::Same(offered.clone())));
        assert_eq!(takes(Target::Cckw(version("0.10.0"))), Err(Unwanted::Newer(version("0.10.0"))));
        assert_eq!(takes(Target::Link("/nix/x".into())), Err(Unwanted::Link("/nix/x".into())));
        assert_eq!(takes(Target::OfCargo), Err(Unwanted::OfCargo));
        assert_eq!(takes(Target::Other), Err(Unwanted::Other));
        // Of a file that the user named the version is known when it has run there.
        assert_eq!(far(Target::Cckw(version("9.0.0"))).takes(None), Ok(()));
    }

    #[test]
    fn a_copy_that_nothing_would_find_is_not_made() {
        let offered = version("0.2.0");
        let takes = |there: Option<&str>| {
            let before = Some(("/usr/bin/cckw".to_owned(), there.map(version)));
            FarSide { before, ..far(Target::Nothing) }.takes(Some(&offered))
        };
        assert_eq!(
            takes(Some("0.1.0")),
            Err(Unwanted::Hidden("/usr/bin/cckw".into(), Some(version("0.1.0"))))
        );
        assert_eq!(takes(None), Err(Unwanted::Hidden("/usr/bin/cckw".into(), None)));
        assert_eq!(takes(Some("0.2.0")), Err(Unwanted::Same(offered.clone())));
        assert_eq!(takes(Some("0.3.0")), Err(Unwanted::Newer(version("0.3.0"))));
        // One that is looked for later would be hidden by an older copy.
        let after =
            |there| FarSide { after: Some(version(there)), ..far(Target::Nothing) }.takes(Some(&offered));
        assert_eq!(after("0.3.0"), Err(Unwanted::Newer(version("0.3.0"))));
        assert_eq!(after("0.2.0"), Err(Unwanted::Same(offered.clone())));
        assert_eq!(after("0.1.0"), Ok(()));
    }

    #[test]
    fn a_named_file_comes_first_then_this_program_then_a_release() {
        let linux = Kind::of_uname("Linux", "x86_64");
        let arm = Kind::of_uname("Linux", "arm64");
        let mac = Kind::of_uname("Darwin", "arm64");
        let beos = Kind::of_uname("Haiku", "x86_64");
        let source = |is_named, is_static, has_releases, own: &Kind, wanted: &Kind| {
            Sources { is_named, is_static, has_releases }.for_kind(own, wanted)
        };
        assert_eq!(source(true, true, true, &linux, &arm), Some(Source::Named));
        assert_eq!(source(false, true, true, &linux, &linux), Some(Source::This));
        assert_eq!(source(false, false, true, &linux, &linux), Some(Source::Release));
        assert_eq!(source(false, true, true, &linux, &arm), Some(Source::Release));
        assert_eq!(source(false, true, false, &linux, &arm), None);
        assert_eq!(source(false, false, false, &mac, &mac), Some(Source::This));
        assert_eq!(source(false, true, true, &linux, &beos), None);
    }

    #[test]
    fn what_uname_says_is_one_of_rust_s_names() {
        let kind = |system, machine| Kind::of_uname(system, machine).to_string();
        assert_eq!(kind("Linux", "x86_64"), "linux on x86_64");
        assert_eq!(kind("Linux", "i686"), "linux on x86");
        assert_eq!(kind("Darwin", "arm64"), "macos on aarch64");
        assert_eq!(kind("FreeBSD", "amd64"), "freebsd on x86_64");
        assert_eq!(Kind::of_uname("Linux", "riscv64").targets(), ["riscv64gc-unknown-linux-musl"]);
        assert!(Kind::of_uname("FreeBSD", "amd64").targets().is_empty());
    }
}
