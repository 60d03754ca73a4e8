//! A server of these tests' own, with TLS, on the loopback interface. It does what it is told, the wrong things
//! above all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::release::{Release, run, shared};

/// What the server does for a path.
#[derive(Clone)]
pub enum Reply {
    /// Sends this, parts of it too.
    Whole(Vec<u8>),
    /// Sends this, but knows no parts.
    NoRanges(Vec<u8>),
    /// Breaks off after so many bytes of each answer.
    CutAfter(Vec<u8>, usize),
    /// Sends a byte, and then one more now and then.
    Drip(Vec<u8>),
    /// Sends zeros without end.
    Endless,
    /// Accepts the request, and says nothing.
    Silent,
    /// Leads somewhere else.
    Redirect(String),
    /// Only a status.
    Status(u16),
}

/// What was asked for: the path, and from which byte on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub path: String,
    pub from: Option<usize>,
    pub if_range: bool,
}

/// The server; it serves as long as the test process runs.
pub struct Server {
    port: u16,
    replies: Arc<Mutex<BTreeMap<String, Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The certificate of whoever signs the server's.
pub fn root() -> PathBuf {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let days = "3650";
        run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                days,
                "-keyout",
                "root.key",
                "-out",
                "root.pem",
                "-subj",
                "/CN=tests of cckw",
            ],
        );
        run(
            "openssl",
            &[
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-keyout",
                "server.key",
                "-out",
                "server.csr",
                "-subj",
                "/CN=localhost",
            ],
        );
        fs::write(shared().join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("writes");
        run(
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                "server.csr",
                "-CA",
                "root.pem",
                "-CAkey",
                "root.key",
                "-CAcreateserial",
                "-days",
                days,
                "-extfile",
                "names",
                "-out",
                "server.pem",
            ],
        );
    });
    shared().join("root.pem")
}

fn config() -> Arc<ServerConfig> {
    root();
    let certificate = CertificateDer::from_pem_file(shared().join("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(shared().join("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![certificate], key).expect("a pair"))
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { port, replies: Arc::default(), asked: Arc::default() };
        let (config, replies, asked) = (config(), server.replies.clone(), server.asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, replies, asked) = (config.clone(), replies.clone(), asked.clone());
                std::thread::spawn(move || drop(serve(stream, config, &replies, &asked)));
            }
        });
        server
    }

    /// One that serves a release.
    pub fn with(release: &Release) -> Self {
        let server = Self::start();
        for name in ["manifest.json", "manifest.json.minisig", "cckw"] {
            server.reply(name, Reply::Whole(fs::read(release.path(name)).expect("published")));
        }
        server
    }

    pub fn reply(&self, name: &str, reply: Reply) {
        self.replies.lock().expect("the replies").insert(format!("/{name}"), reply);
    }

    pub fn url(&self, name: &str) -> String {
        format!("https://127.0.0.1:{}/{name}", self.port)
    }

    /// How often this was asked for, and from where on.
    pub fn asked(&self, name: &str) -> Vec<Asked> {
        let asked = self.asked.lock().expect("the log");
        asked.iter().filter(|asked| asked.path == format!("/{name}")).cloned().collect()
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    replies: &Mutex<BTreeMap<String, Reply>>,
    asked: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let header = |name: &str| {
        head.iter().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let from = header("range")
        .and_then(|(_, value)| value.strip_prefix("bytes=")?.trim_end_matches('-').parse().ok());
    let if_range = header("if-range").is_some();
    asked.lock().expect("the log").push(Asked { path: path.clone(), from, if_range });
    let reply = replies.lock().expect("the replies").get(&path).cloned().unwrap_or(Reply::Status(404));
    let mut stream = stream.into_inner();
    answer(&mut stream, reply, from)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn answer(stream: &mut (impl Read + Write), reply: Reply, from: Option<usize>) -> io::Result<()> {
    let mut head = |status: &str, more: &str| {
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n").and_then(|()| stream.flush())
    };
    let whole = |body: &[u8]| format!("ETag: \"one\"\r\nContent-Length: {}\r\n", body.len());
    let part = |body: &[u8], from: usize| {
        let (last, all) = (body.len() - 1, body.len());
        let length = body.len() - from;
        format!("ETag: \"one\"\r\nContent-Range: bytes {from}-{last}/{all}\r\nContent-Length: {length}\r\n")
    };
    match reply {
        Reply::Whole(body) | Reply::CutAfter(body, _) if from.is_some_and(|from| from >= body.len()) => {
            head("416 Range Not Satisfiable", "Content-Length: 0\r\n")
        }
        Reply::Whole(body) => match from {
            Some(from) => {
                head("206 Partial Content", &part(&body, from))?;
                stream.write_all(&body[from..])
            }
            None => {
                head("200 OK", &whole(&body))?;
                stream.write_all(&body)
            }
        },
        Reply::CutAfter(body, count) => {
            let from = match from {
                Some(from) => {
                    head("206 Partial Content", &part(&body, from))?;
                    from
                }
                None => {
                    head("200 OK", &whole(&body))?;
                    0
                }
            };
            stream.write_all(&body[from..body.len().min(from + count)])
        }
        Reply::NoRanges(body) => {
            head("200 OK", &format!("Content-Length: {}\r\n", body.len()))?;
            stream.write_all(&body)
        }
        Reply::Drip(body) => {
            head("200 OK", &whole(&body))?;
            for byte in body {
                stream.write_all(&[byte])?;
                stream.flush()?;
                std::thread::sleep(Duration::from_millis(200));
            }
            Ok(())
        }
        Reply::Endless => {
            head("200 OK", "")?;
            loop {
                stream.write_all(&[b' '; 4096])?;
            }
        }
        Reply::Silent => {
            // Until the other side has gone.
            let _ = stream.read(&mut [0]);
            Ok(())
        }
        Reply::Redirect(to) => head("302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n")),
        Reply::Status(status) => head(&format!("{status} Something"), "Content-Length: 0\r\n"),
    }
}
