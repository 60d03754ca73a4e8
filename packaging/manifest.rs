//! Prints the manifest of a release: `release-manifest PROGRAM…`, where each program is called `cckw-VERSION-TARGET`.
//! `packaging/release` runs it. `cckw update` reads with the same types what is written here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use cckw::update::manifest::{Artefact, MANIFEST_VERSION, Manifest};
use ring::digest::{SHA256, digest};

fn artefact(name: &str, path: &Path) -> Result<Artefact, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let sha256 = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Artefact { url: name.to_owned(), size: bytes.len() as u64, sha256 })
}

fn manifest(programs: &[String]) -> Result<String, String> {
    let release = env!("CARGO_PKG_VERSION");
    let prefix = format!("cckw-{release}-");
    let mut targets = BTreeMap::new();
    for program in programs {
        let path = Path::new(program);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let target =
            name.strip_prefix(&prefix).ok_or(format!("{program}: it is not called {prefix}TARGET"))?;
        targets.insert(target.to_owned(), artefact(name, path)?);
    }
    let release = release.parse().map_err(|error| format!("{release}: {error}"))?;
    let manifest = Manifest { version: MANIFEST_VERSION, release, targets };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())?;
    match Manifest::parse(text.as_bytes()) {
        Ok(read) if read == manifest => Ok(text),
        Ok(_) => Err("it is not read as it was written".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn main() -> ExitCode {
    let programs: Vec<String> = std::env::args().skip(1).collect();
    match manifest(&programs) {
        Ok(text) if !programs.is_empty() => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(_) => {
            eprintln!("release-manifest: name the programs");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("release-manifest: {error}");
            ExitCode::FAILURE
        }
    }
}
