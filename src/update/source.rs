//! Where a release is read from: an address with https, or a file.

use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::http::StatusCode;
use ureq::http::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Error};

use crate::fault;
use crate::os::files::{open_plain, read_plain};

/// How long a server may take for each step but the body, and between two pieces of that.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a server may send the reader somewhere else.
const MAX_REDIRECTS: u32 = 5;
/// The largest file of root certificates that is read, in bytes.
const MAX_ROOTS_BYTES: u64 = 16 << 20;
/// So many files of a directory of root certificates are read.
const MAX_ROOT_FILES: usize = 1000;

/// Why something could not be read.
#[derive(Debug)]
pub struct SourceError {
    /// In words.
    pub reason: String,
    /// Whether it may go better a moment later.
    pub is_passing: bool,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Something that is being read.
pub struct Opened {
    /// What comes.
    pub body: Box<dyn Read>,
    /// At which byte it begins.
    pub offset: u64,
    /// What names this version of it.
    pub etag: Option<String>,
}

/// What opens addresses.
pub struct Source(Agent);

impl Source {
    /// The root certificates are the system's, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    pub fn new() -> Self {
        let step = if fault::is_set("update-impatient") { Duration::from_secs(1) } else { STEP_TIMEOUT };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&root_certificates()))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .user_agent(concat!("cckw/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(Some(step))
            .timeout_connect(Some(step))
            .timeout_send_request(Some(step))
            .timeout_recv_response(Some(step))
            .timeout_per_read(Some(step))
            .timeout_per_write(Some(step))
            .tls_config(tls);
        Self(Agent::new_with_config(config.build()))
    }

    /// All of something small. A file or answer with more bytes than `most` is an error.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(
        &self,
        url: &str,
        most: u64,
        until: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<u8>, SourceError> {
        let mut body = self.open(url, 0, None)?.body.take(most + 1);
        let mut contents = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            match body.read(&mut piece).map_err(broken_off)? {
                0 => break,
                count => contents.extend_from_slice(&piece[..count]),
            }
            if !until() {
                return Err(SourceError { reason: "it comes too slowly".into(), is_passing: true });
            }
        }
        if contents.len() as u64 > most {
            return Err(lasting(format!("it has more than {most} bytes")));
        }
        Ok(contents)
    }

    /// Opens something, from this byte on if the server can do that and it is still the version that `etag`
    /// names; else from its first byte.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self, url: &str, offset: u64, etag: Option<&str>) -> Result<Opened, SourceError> {
        match url.strip_prefix("file://") {
            Some(path) => open_file(Path::new(path), offset),
            None => self.open_address(url, offset, etag),
        }
    }

    fn open_address(&self, url: &str, offset: u64, etag: Option<&str>) -> Result<Opened, SourceError> {
        let mut request = self.0.get(url);
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
            if let Some(etag) = etag {
                request = request.header(IF_RANGE, etag);
            }
        }
        let response = request.call().map_err(|error| not_opened(&error))?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let etag = header(ETAG).filter(|etag| is_strong(etag)).map(str::to_owned);
        let offset = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if header(CONTENT_RANGE).and_then(first_byte) == Some(offset) => {
                offset
            }
            StatusCode::PARTIAL_CONTENT => {
                return Err(lasting("the server sends another part than it was asked for"));
            }
            // What is here already is longer than what the server has.
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => return self.open_address(url, 0, None),
            status => {
                let is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                return Err(SourceError { reason: format!("the server answers {status}"), is_passing });
            }
        };
        Ok(Opened { body: Box::new(response.into_body().into_reader()), offset, etag })
    }
}

fn open_file(path: &Path, offset: u64) -> Result<Opened, SourceError> {
    let open = || -> io::Result<Opened> {
        let mut file = open_plain(path)?;
        let offset = if offset <= file.metadata()?.len() { offset } else { 0 };
        file.seek(SeekFrom::Start(offset))?;
        Ok(Opened { body: Box::new(file), offset, etag: None })
    };
    open().map_err(|error| lasting(error.to_string()))
}

/// A weak one may stand for two versions with different bytes.
fn is_strong(etag: &str) -> bool {
    etag.len() > 2 && etag.len() <= 256 && etag.starts_with('"') && etag.ends_with('"')
}

/// `bytes 7-99/100` begins at 7.
fn first_byte(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn lasting(reason: impl Into<String>) -> SourceError {
    SourceError { reason: reason.into(), is_passing: false }
}

/// What a body says that ends too early.
pub fn broken_off(error: io::Error) -> SourceError {
    SourceError { reason: error.to_string(), is_passing: true }
}

fn not_opened(error: &Error) -> SourceError {
    match error {
        Error::RequireHttpsOnly(_) => lasting("the server sends the reader to an address without https"),
        Error::TooManyRedirects => {
            lasting(format!("the server sends the reader on more than {MAX_REDIRECTS} times"))
        }
        Error::HostNotFound => lasting("there is no such host"),
        Error::Timeout(_) => {
            SourceError { reason: "the server does not answer in time".into(), is_passing: true }
        }
        Error::Io(error) => SourceError { reason: error.to_string(), is_passing: true },
        Error::ConnectionFailed => SourceError { reason: "no connection".into(), is_passing: true },
        error => lasting(error.to_string()),
    }
}

/// The certificates that a server's must come from.
fn root_certificates() -> Vec<Certificate<'static>> {
    let found = openssl_probe::probe();
    let files = match found.cert_file {
        Some(file) => vec![file],
        None => {
            found.cert_dir.iter().flat_map(|directory| files_in(directory)).take(MAX_ROOT_FILES).collect()
        }
    };
    files
        .iter()
        .filter_map(|file| read_plain(file, MAX_ROOTS_BYTES).ok())
        .flat_map(|pem| certificates(&pem))
        .collect()
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(Result::ok);
    items.filter_map(|item| if let PemItem::Certificate(found) = item { Some(found) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_its_first_byte_and_a_version_by_a_strong_name() {
        assert_eq!(first_byte("bytes 7-99/100"), Some(7));
        assert_eq!(first_byte("bytes */100"), None);
        assert_eq!(first_byte("items 7-99"), None);
        assert!(is_strong("\"a\"") && !is_strong("W/\"a\"") && !is_strong("\"\"") && !is_strong("a"));
    }

    #[test]
    fn a_file_is_read_from_where_it_was_left_and_only_so_much_of_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("file");
        fs::write(&path, "12345").expect("writes");
        let url = format!("file://{}", path.display());
        let source = Source::new();
        let read = |offset| {
            let mut opened = source.open(&url, offset, None).expect("opens");
            let mut text = String::new();
            opened.body.read_to_string(&mut text).expect("reads");
            (opened.offset, text)
        };
        assert_eq!(read(0), (0, "12345".into()));
        assert_eq!(read(3), (3, "45".into()));
        assert_eq!(read(9), (0, "12345".into()));
        assert_eq!(source.read(&url, 5, &mut || true).expect("reads"), b"12345");
        assert!(
            source.read(&url, 4, &mut || true).is_err_and(|error| error.reason.contains("more than 4 bytes"))
        );
        assert!(source.read("file:///dev/zero", 4, &mut || true).is_err());
        assert!(source.read(&url, 5, &mut || false).is_err_and(|error| error.is_passing));
    }
}
