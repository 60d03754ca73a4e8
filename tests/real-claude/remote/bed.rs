//! A test bed in which the real claude gets a remote-control link: the services behind it on loopback, in a
//! namespace that has nothing else.
//!
//! Needs root, or user namespaces that anybody may make; and python3, openssl, unshare, nsenter, mount. Where
//! one of them is missing every test that wants the bed fails and says so.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::driver::{How, Place, prompt_holds, submit, wait_for_prompt};
use crate::support::{Builder, DEADLINE, Sandbox, Terminal, wait_or_report};

/// What a claude of the bed is started with, beside the sandbox's own variables.
const VARIABLES: [(&str, &str); 1] = [("DISABLE_AUTOUPDATER", "1")];
/// What a home of [`Place`] sets, and what rules remote control out.
const UNWANTED: [&str; 4] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "DISABLE_TELEMETRY",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
];

/// A home that is signed in, and the services that it talks to.
pub struct Bed {
    pub place: Place,
    /// How many times the usual time a wait has.
    pub patience: u32,
    services: Services,
}

/// The program that plays the services.
struct Services {
    process: Child,
    folder: PathBuf,
    /// Whether they have a user namespace of their own.
    rootless: bool,
}

impl Bed {
    /// Makes one; `remote_control` is the table of cckw's configuration, `settings` are claude's.
    pub fn new(remote_control: &str, settings: &Value) -> Self {
        let mut place = Place::new();
        for name in UNWANTED {
            place.sandbox.unset(name);
        }
        for (name, value) in VARIABLES {
            place.sandbox.set(name, value);
        }
        place.settings(settings);
        place.sandbox.configure(&format!("[remote_control]\n{remote_control}\n"));
        let mut bed = Self { services: Services::start(&place.sandbox), patience: 1, place };
        bed.sign_in(&json!({ "remoteDialogSeen": true }));
        bed.services.wait();
        let authority = bed.services.folder.join("ca.pem");
        bed.place.sandbox.set("NODE_EXTRA_CA_CERTS", &authority);
        bed.place.sandbox.set("SSL_CERT_FILE", &authority);
        bed
    }

    /// Writes what a home has once somebody signed in with a subscription, and `more`.
    pub fn sign_in(&self, more: &Value) {
        let sandbox = &self.place.sandbox;
        let mut config = json!({
            "hasCompletedOnboarding": true,
            "lastOnboardingVersion": "9.9.9",
            "theme": "dark",
            "numStartups": 5,
            "oauthAccount": {
                "accountUuid": "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
                "organizationUuid": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
                "emailAddress": "made.up@example.invalid",
                "displayName": "Made Up",
                "organizationName": "Made Up",
                "organizationRole": "admin",
                "organizationType": "claude_max",
                "organizationRateLimitTier": "default_claude_max_20x",
            },
            "projects": {sandbox.work().to_str().expect("a path"): {"hasTrustDialogAccepted": true}},
        });
        for (name, value) in more.as_object().expect("an object") {
            config[name] = value.clone();
        }
        fs::write(sandbox.path("home/.claude.json"), config.to_string()).expect("claude's configuration");
        let login = json!({"claudeAiOauth": {
            "accessToken": format!("sk-ant-oat01-{}", "x".repeat(40)),
            "refreshToken": format!("sk-ant-ort01-{}", "x".repeat(40)),
            "expiresAt": 4_102_444_800_000_u64,
            "subscriptionType": "max",
            "rateLimitTier": "default_claude_max_20x",
            "scopes": ["user:inference", "user:profile", "user:sessions:claude_code", "user:mcp_servers"],
        }});
        fs::write(sandbox.path("home/.claude/.credentials.json"), login.to_string()).expect("a login");
    }

    /// The command for `claude arguments…` in the namespace of the services.
    pub fn command(&self, how: How, arguments: &[&str]) -> Command {
        self.services.within(&self.place.sandbox, &self.place.command(how, arguments))
    }

    /// Starts it on a terminal, and waits for its prompt.
    #[track_caller]
    pub fn start_on(&self, builder: Builder, how: How, arguments: &[&str]) -> Terminal {
        let mut terminal = builder.spawn(self.command(how, arguments));
        wait_for_prompt(&mut terminal);
        if how == How::Through {
            self.place.wait_for_host();
        }
        terminal
    }

    /// The same in a window of usual size, through cckw.
    #[track_caller]
    pub fn start(&self) -> Terminal {
        self.start_on(Terminal::builder().size(30, 100), How::Through, &[])
    }

    /// A verb of cckw's, to be run anywhere.
    pub fn verb(&self, words: &[&str]) -> Command {
        let mut command = self.place.sandbox.command(self.place.sandbox.path("bin/cckw"));
        command.args(words);
        command
    }

    /// Gives the services an order, and returns what they answer.
    #[track_caller]
    pub fn order(&self, words: &Value) -> Value {
        let answer = self.services.order(words).expect("services that answer");
        assert!(answer.get("error").is_none(), "{words}: {answer}");
        answer
    }

    /// How often claude has asked for a new session, or for the credentials of one: how often it has tried to
    /// connect.
    pub fn connects(&self) -> u64 {
        self.order(&json!(["requests", "^/v1/code/sessions(/[^/]*/bridge)?$"])).as_u64().unwrap_or_default()
    }

    /// Whether a session has an open event stream.
    pub fn is_linked(&self) -> bool {
        let state = self.order(&json!(["state"]));
        state.as_array().is_some_and(|sessions| sessions.iter().any(|session| session["streams"] != 0))
    }

    /// Waits for something, and says what is known when it does not come.
    #[track_caller]
    pub fn wait(&self, what: &str, terminal: &Terminal, mut condition: impl FnMut(&Self) -> bool) {
        let look = || condition(self).then_some(());
        wait_or_report(what, DEADLINE * self.patience, look, || {
            format!(
                "{:#?}\nrecord: {:#?}\nstate file: {:?}\nservices: {}\n{}",
                self.place.log(),
                self.remote(),
                self.place.state(),
                self.order(&json!(["state"])),
                terminal.report()
            )
        });
    }

    /// What the record of the one session says about remote control.
    pub fn remote(&self) -> Value {
        let records = self.place.sandbox.records();
        records.first().map_or(Value::Null, |record| record.json["remote"].clone())
    }

    /// Waits until `cckw list` would say this of the link.
    #[track_caller]
    pub fn stands(&self, terminal: &Terminal, state: &str) {
        self.wait(&format!("a link that is {state}"), terminal, |bed| bed.remote()["state"] == state);
    }

    /// Waits until the log has this event so often.
    #[track_caller]
    pub fn logged(&self, terminal: &Terminal, event: &str, times: usize) {
        self.wait(&format!("{event}, {times} times"), terminal, |bed| bed.place.count(event) >= times);
    }

    /// Waits until the log gives this reason for doing nothing.
    #[track_caller]
    pub fn says_why_not(&self, terminal: &Terminal, words: &str) {
        self.wait(&format!("a reason with {words:?}"), terminal, |bed| {
            bed.place.log().iter().any(|line| {
                matches!(line["event"].as_str(), Some("remote-waits" | "remote-gave-up"))
                    && line["what"].as_str().is_some_and(|what| what.contains(words))
            })
        });
    }

    /// The same in a window that has no indicator.
    #[track_caller]
    pub fn connect_unseen(&self, terminal: &mut Terminal) {
        submit(terminal, "/remote-control");
        self.wait("a link at the services", terminal, Self::is_linked);
        self.stands(terminal, "connected");
        terminal.wait_for("the prompt", |screen| prompt_holds(screen, ""));
    }

    /// The user asks for a link, and gets it.
    #[track_caller]
    pub fn connect(&self, terminal: &mut Terminal) {
        submit(terminal, "/remote-control");
        terminal.wait_for("an active link, and the prompt", |screen| {
            screen.contains("/rc active") && prompt_holds(screen, "")
        });
        self.wait("a link at the services", terminal, Self::is_linked);
        self.stands(terminal, "connected");
    }
}

impl Services {
    fn start(sandbox: &Sandbox) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real-claude/remote/services.py");
        let folder = sandbox.path("services");
        fs::create_dir(&folder).expect("a folder for the services");
        let rootless = !nix::unistd::geteuid().is_root();
        let mut command = Command::new("unshare");
        if rootless {
            command.arg("--map-root-user");
        }
        command.args(["--net", "--mount", "--propagation", "private", "python3"]).arg(program).arg(&folder);
        command.env("SIGNED_IN", sandbox.path("home/.claude.json"));
        // Ends with this process, whatever becomes of it: its input is closed then.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process =
            command.spawn().expect("unshare, of util-linux, is needed for the test bed of remote control");
        Self { process, folder, rootless }
    }

    /// Waits until they listen.
    #[track_caller]
    fn wait(&mut self) {
        let mut line = String::new();
        let said = self.process.stdout.as_mut().map(|output| BufReader::new(output).read_line(&mut line));
        if line.trim() == "ready" {
            return;
        }
        let mut why = String::new();
        if let Some(errors) = self.process.stderr.as_mut() {
            let _ = errors.read_to_string(&mut why);
        }
        panic!(
            "no test bed of remote control: it needs root or user namespaces, python3, openssl, unshare and mount\n\
             {said:?} {line}{why}"
        );
    }

    /// This command, in the namespace of the services.
    fn within(&self, sandbox: &Sandbox, command: &Command) -> Command {
        let mut inside = sandbox.command("nsenter");
        inside.args(["--target", &self.process.id().to_string(), "--net", "--mount"]);
        if self.rootless {
            inside.args(["--user", "--preserve-credentials"]);
        }
        // Another mount namespace begins in its root directory.
        inside.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(sandbox.work());
        inside.arg(command.get_program()).args(command.get_args());
        inside
    }

    fn order(&self, words: &Value) -> Option<Value> {
        let mut stream = UnixStream::connect(self.folder.join("orders")).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        writeln!(stream, "{words}").ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
