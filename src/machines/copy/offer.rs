//! The program that is copied: where it is from, its size, and its version as far as that is known here.

use std::io::Read;
use std::path::{Path, PathBuf};

use semver::Version;

use super::elf::{self, Elf};
use super::plan::{Kind, Source, Sources};
use crate::config::UpdateConfig;
use crate::os::files::open_plain;
use crate::paths;
use crate::update::candidate;
use crate::update::foreign::{self, ForeignProgram};
use crate::update::hash;
use crate::update::manifest::MAX_PROGRAM_BYTES;
use crate::update::run::{Step, own_version};
use crate::user_error::{UserError, copy as error};

/// A program for a machine.
pub struct Offer {
    /// Its version. Of a file for another kind of machine, the machine says it later.
    pub version: Option<Version>,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is from, in words.
    pub origin: String,
    program: Program,
}

enum Program {
    /// It is here.
    File(PathBuf),
    /// It is to be downloaded first.
    Release(ForeignProgram),
}

/// A program that is here, whole.
pub struct Ready {
    /// Where it is.
    pub path: PathBuf,
    /// Its SHA-256, in small hexadecimal digits.
    pub sha256: String,
    /// It was downloaded for this copy.
    is_temporary: bool,
}

impl Drop for Ready {
    fn drop(&mut self) {
        if self.is_temporary {
            let _ = self.path.parent().map(std::fs::remove_dir_all);
        }
    }
}

/// Chooses a program for this kind of machine.
///
/// # Errors
/// When there is none, or the one that the user named cannot be it.
pub fn choose(
    kind: &Kind,
    named: Option<&Path>,
    config: &UpdateConfig,
    say: &mut dyn FnMut(Step),
) -> Result<Offer, UserError> {
    let own = std::env::current_exe().ok();
    let sources = Sources {
        is_named: named.is_some(),
        is_static: own.as_deref().and_then(|own| elf_of(own).ok()?).is_some_and(|elf| elf.is_static),
        has_releases: config.url.is_some() && config.public_key.is_some(),
    };
    match (sources.for_kind(&Kind::own(), kind), named, own) {
        (Some(Source::Named), Some(path), _) => named_file(kind, path),
        (Some(Source::This), _, Some(own)) => {
            let size = open_plain(&own).and_then(|file| Ok(file.metadata()?.len()));
            let size = size.map_err(|why| error::unfit_binary(&own, why))?;
            let origin = "this program".into();
            Ok(Offer { version: Some(own_version()), size, origin, program: Program::File(own) })
        }
        (Some(Source::Release), ..) => {
            let found = foreign::look(config, &kind.targets(), say)?;
            let (version, size) = (Some(found.version().clone()), found.size());
            Ok(Offer { version, size, origin: "of the release".into(), program: Program::Release(found) })
        }
        _ => Err(error::no_source(kind, &Kind::own() == kind)),
    }
}

fn named_file(kind: &Kind, path: &Path) -> Result<Offer, UserError> {
    let unfit = |why: &str| error::unfit_binary(path, why);
    let file = open_plain(path).map_err(|why| error::unfit_binary(path, why))?;
    let size = file.metadata().map_err(|why| error::unfit_binary(path, why))?.len();
    if size == 0 || size > MAX_PROGRAM_BYTES {
        return Err(unfit("it is empty, or larger than 256 MiB"));
    }
    if kind.os == "linux" {
        let elf = elf_of(path).map_err(|why| error::unfit_binary(path, why))?;
        let elf = elf.ok_or_else(|| unfit("it is no program for Linux"))?;
        if elf.architecture != kind.architecture {
            return Err(unfit(&format!("it is for {}, and the machine is {kind}", elf.architecture)));
        }
    }
    let path = path.canonicalize().map_err(|why| error::unfit_binary(path, why))?;
    let origin = path.display().to_string();
    // Of another kind of machine it does not run here; the machine says it then.
    let version = (*kind == Kind::own()).then(|| candidate::version_of(&path).ok()).flatten();
    Ok(Offer { version, size, origin, program: Program::File(path) })
}

/// What a file is; nothing where it is no program in ELF.
fn elf_of(path: &Path) -> std::io::Result<Option<Elf>> {
    let mut head = Vec::new();
    open_plain(path)?.take(elf::HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(elf::read(&head))
}

impl Offer {
    /// Brings the program here, if it is not.
    ///
    /// # Errors
    /// When it does not come, or cannot be read.
    pub fn bring(&self, say: &mut dyn FnMut(Step)) -> Result<Ready, UserError> {
        match &self.program {
            Program::File(path) => {
                let sha256 = hash::of_file(path).map_err(|why| error::unfit_binary(path, why))?;
                Ok(Ready { path: path.clone(), sha256, is_temporary: false })
            }
            Program::Release(found) => {
                let state = paths::state_dir()?;
                paths::make_private(&state)?;
                let path = found.download(&state.join(format!("copy-{}", found.sha256())), say)?;
                Ok(Ready { path, sha256: found.sha256().to_owned(), is_temporary: true })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_must_be_a_program_for_that_machine() {
        let scratch = tempfile::tempdir().expect("a directory");
        let script = scratch.path().join("script");
        std::fs::write(&script, "#!/bin/sh\n").expect("writes");
        let own = std::env::current_exe().expect("this program");
        let linux = Kind { os: "linux".into(), ..Kind::own() };
        let other = Kind { architecture: "s390x".into(), ..linux.clone() };
        let choose = |kind: &Kind, path: &Path| {
            choose(kind, Some(path), &UpdateConfig::default(), &mut |_| {})
                .map(|offer| offer.size)
                .map_err(|error| error.to_string())
        };
        assert!(choose(&linux, &script).is_err_and(|said| said.contains("no program for Linux")));
        assert!(choose(&linux, &scratch.path().join("none")).is_err());
        if cfg!(target_os = "linux") {
            let size = std::fs::metadata(&own).expect("is there").len();
            assert_eq!(choose(&linux, &own), Ok(size));
            assert!(choose(&other, &own).is_err_and(|said| said.contains("the machine is linux on s390x")));
        }
    }
}
