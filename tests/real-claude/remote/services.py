#!/usr/bin/env python3
"""The services that Claude Code's Remote Control talks to, on loopback, for the tests of the folder above.

The test bed starts this file as root of a network and mount namespace of its own, in which the real names of those
services mean 127.0.0.1 and nothing else can be reached. It needs Python 3.9, openssl and mount, no package. What is
answered was learnt by watching Claude Code 2.1.332; all names, ids and tokens are made up.

    services.py FOLDER

FOLDER gets `ca.pem` (for NODE_EXTRA_CA_CERTS), `orders` (a Unix socket: one JSON list a connection, one JSON value as
the answer) and `log` (a JSON object for each request). It prints `ready`, and ends when its standard input is closed.

Orders:
    ["state"]                   the sessions, and which of them have an open event stream
    ["requests", PATTERN]       how many requests had a path like this
    ["drop"]                    close the event streams
    ["refuse"], ["accept"]      stop listening and reset all connections; listen again
    ["end", HOW]                what another device does to the sessions; see ENDS
    ["answer", METHOD, PATTERN, STATUS, TIMES]   give these requests that status (TIMES null: until "mend")
    ["mend"]                    forget all of that
    ["release"], ["hold"]       finish the replies of the model that are held; hold those that come from now on
    ["prompts"]                 what was sent to the model in the user's name
    ["restore"]                 forget what was done to the sessions
    ["silent"], ["speak"]       write nothing more into the event streams; write again
    ["freeze"], ["thaw"]        answer nothing, as behind a dead link; answer again
"""
import fcntl
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAMES = [
    "api.anthropic.com", "claude.ai", "www.claude.ai", "claude.com", "code.claude.com", "platform.claude.com",
    "console.anthropic.com", "mcp-proxy.anthropic.com", "statsig.anthropic.com", "downloads.claude.ai",
    "storage.googleapis.com", "raw.githubusercontent.com", "github.com", "api.github.com",
]
# What is answered once something was done to a session: the status, and the reason of a conflict.
ENDS = {
    "taken-over": (409, "superseded_by_worker"),
    "archived": (409, "session_not_active"),
    "moved": (409, "organization_moved_away"),
    "stale": (409, "epoch_stale"),
    "deleted": (404, None),
}
# A prompt with this word is answered when the order "release" has come.
HOLD = "hold the reply"
REPLY = "Hello from the services."
# Seconds between two comments in an event stream.
STREAM_COMMENT_INTERVAL = 2
WORKER_TOKEN = "sk-ant-si-made-up"


class Session:
    """A code session as the server knows it."""

    def __init__(self, number, title):
        self.id = f"cse_01MadeUp{os.getpid():08d}{number:04d}"
        self.title = title
        self.epoch = 0
        self.end = None
        self.streams = set()


class Services:
    """Everything that is known and ordered. All of it is under one lock."""

    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.RLock()
        self.sessions = {}
        self.answers = []
        self.connections = set()
        self.released = threading.Event()
        self.speaking = threading.Event()
        self.speaking.set()
        self.thawed = threading.Event()
        self.thawed.set()
        self.prompts = []
        self.log = open(folder / "log", "a", buffering=1)
        self.paths = []
        self.server = None
        make_certificates(folder)

    # -- listening -------------------------------------------------------------------------------------------------

    def listen(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "leaf.pem", self.folder / "leaf.key")
        server = ThreadingHTTPServer(("127.0.0.1", 443), Request, bind_and_activate=False)
        server.allow_reuse_address, server.daemon_threads, server.request_queue_size = True, True, 128
        server.services, server.tls = self, context
        server.server_bind()
        server.server_activate()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with self.lock:
            self.server = server

    def refuse(self):
        with self.lock:
            server, self.server = self.server, None
            connections = list(self.connections)
        if server:
            server.shutdown()
            server.server_close()
        for connection in connections:
            reset(connection)

    # -- orders ----------------------------------------------------------------------------------------------------

    def take_orders(self):
        path = self.folder / "orders"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(16)
        print("ready", flush=True)
        while True:
            peer, _ = listener.accept()
            with peer:
                try:
                    answer = self.order(*json.loads(peer.makefile().readline()))
                except Exception as error:  # whoever gave the order is told
                    answer = {"error": repr(error)}
                peer.sendall(json.dumps(answer).encode() + b"\n")

    def order(self, name, *words):
        if name == "refuse":
            return self.refuse()
        if name == "accept":
            return self.listen()
        with self.lock:
            if name == "state":
                return [{"id": s.id, "title": s.title, "end": s.end, "streams": len(s.streams), "epoch": s.epoch}
                        for s in self.sessions.values()]
            if name == "requests":
                return sum(bool(re.search(words[0], path)) for path in self.paths)
            if name == "drop":
                return self.close_streams(self.sessions.values())
            if name == "end":
                ended = [s for s in self.sessions.values() if s.end is None and s.streams]
                for session in ended:
                    ENDS[words[0]]
                    session.end = words[0]
                return self.close_streams(ended)
            if name == "answer":
                method, pattern, status, times = words
                return self.answers.append([method, pattern, status, times])
            if name == "mend":
                return self.answers.clear()
            if name == "prompts":
                return list(self.prompts)
            if name == "restore":
                for session in self.sessions.values():
                    session.end = None
                return None
            switches = {"release": self.released.set, "hold": self.released.clear, "speak": self.speaking.set,
                        "silent": self.speaking.clear, "thaw": self.thawed.set, "freeze": self.thawed.clear}
            if name in switches:
                return switches[name]()
        raise ValueError(f"no order {name}")

    def close_streams(self, sessions):
        count = 0
        for session in sessions:
            for stream in list(session.streams):
                session.streams.discard(stream)
                reset(stream)
                count += 1
        return count

    # -- what is answered ------------------------------------------------------------------------------------------

    def ordered_status(self, method, path):
        with self.lock:
            for answer in self.answers:
                if answer[0] in ("*", method) and re.search(answer[1], path) and answer[3] != 0:
                    if answer[3] is not None:
                        answer[3] -= 1
                    return answer[2]
        return None

    def find(self, name):
        return self.sessions.get(name.replace("session_", "cse_", 1))

    def created(self, title):
        with self.lock:
            session = Session(len(self.sessions) + 1, title)
            self.sessions[session.id] = session
            return session

    def objection(self, session, authorization=""):
        """What stands against a request about this session: a status, a body, headers. None if nothing does."""
        if session is None:
            return 404, failure("not_found_error", "Session not found"), {}
        end = session.end
        worker = re.search(WORKER_TOKEN + r"\.(\d+)", authorization)
        if end is None and worker and int(worker[1]) < session.epoch:
            end = "taken-over"
        if end is None:
            return None
        status, reason = ENDS[end]
        if reason is None:
            return status, failure("not_found_error", "Session not found"), {}
        return status, failure("conflict_error", end, reason), {"x-ccr-conflict-reason": reason}


class Request(BaseHTTPRequestHandler):
    """One connection, with as many requests as the client likes."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        self.services.thawed.wait()
        self.request.settimeout(60)
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        with self.services.lock:
            self.services.connections.add(self.request)
        super().setup()

    def finish(self):
        with self.services.lock:
            self.services.connections.discard(self.request)
        super().finish()

    def handle(self):
        try:
            super().handle()
        except (OSError, ValueError):
            pass  # a client that goes away, or was sent away

    def log_message(self, *_):
        pass

    @property
    def services(self):
        return self.server.services

    def any_method(self):
        body = self.read_body()
        self.services.thawed.wait()
        path = self.path.split("?", 1)[0]
        with self.services.lock:
            self.services.paths.append(path)
        status = self.services.ordered_status(self.command, path)
        if status is not None:
            return self.reply(status, failure("made_up_error", "as ordered"), {})
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            asked = {}
        for methods, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and (methods == "*" or self.command in methods.split()):
                answer = handler(self, asked, *found.groups())
                if answer is None:
                    self.close_connection = True
                    return None
                status, body, *headers = answer
                return self.reply(status, body, *headers)
        return self.reply(404, failure("not_found_error", "Not found"), {})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = any_method

    def read_body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def reply(self, status, body, headers=None):
        data = b"" if self.command == "HEAD" else json.dumps(body).encode()
        self.send_response(status)
        # By this header claude tells an answer of the service from one of a proxy on the way.
        self.send_header("request-id", f"req_{uuid.uuid4().hex[:24]}")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        line = {"at": round(time.time(), 3), "method": self.command, "path": self.path, "status": status}
        self.services.log.write(json.dumps(line) + "\n")

    def begin_events(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("request-id", f"req_{uuid.uuid4().hex[:24]}")
        for name, value in self.headers.items():
            if name.lower().startswith("x-ccr-keepalive"):
                self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()

    # -- the account -----------------------------------------------------------------------------------------------

    def fine(self, _, *__):
        return 200, {}

    def features(self, _):
        return 200, {"status": 200, "features": {"tengu_ccr_bridge": {"defaultValue": True}}}

    def profile(self, _):
        account, organization = the_account()
        return 200, {
            "account": {"uuid": account["accountUuid"], "email": account["emailAddress"], "full_name": "Made Up",
                        "display_name": "Made Up", "has_claude_max": True, "has_claude_pro": False},
            "organization": {"uuid": organization, "name": "Made Up", "organization_type": "claude_max",
                             "billing_type": "stripe_subscription", "rate_limit_tier": "default_claude_max_20x"}}

    def roles(self, _):
        return 200, {"organization_role": "admin", "workspace_role": None, "organization_name": "Made Up"}

    def policy(self, _):
        return 200, {"restrictions": {}}

    def token(self, _):
        return 200, {"token_type": "Bearer", "access_token": "sk-ant-oat01-" + "x" * 40, "expires_in": 28800,
                     "refresh_token": "sk-ant-ort01-" + "x" * 40, "scope": "user:inference user:profile"}

    # -- the model -------------------------------------------------------------------------------------------------

    def count(self, _):
        return 200, {"input_tokens": 10}

    def messages(self, asked):
        said = json.dumps([m for m in asked.get("messages", []) if m["role"] == "user"][-1:])
        with self.services.lock:
            self.services.prompts += words_of_user(asked)
        usage = {"input_tokens": 10, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.get("model"), "content": [],
                   "stop_reason": None, "stop_sequence": None, "usage": usage}
        if not asked.get("stream"):
            return 200, {**message, "content": [{"type": "text", "text": REPLY}], "stop_reason": "end_turn"}
        self.begin_events()
        self.event("message_start", message=message)
        self.event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        if HOLD in said:
            while not self.services.released.wait(1):
                self.event("ping")
        self.event("content_block_delta", index=0, delta={"type": "text_delta", "text": REPLY})
        self.event("content_block_stop", index=0)
        self.event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage)
        self.event("message_stop")
        return None

    def event(self, name, **data):
        data = json.dumps({"type": name, **data})
        self.wfile.write(f"event: {name}\ndata: {data}\n\n".encode())

    # -- code sessions ---------------------------------------------------------------------------------------------

    def about(self, session):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"id": session.id, "title": session.title, "created_at": now, "updated_at": now, "config": {},
                "status": "archived" if session.end == "archived" else "active", "worker_status": "idle",
                "connection_status": "connected" if session.streams else "disconnected", "bridge": {},
                "tags": ["remote-control-repl"], "external_metadata": {}, "worker_epoch": session.epoch,
                "environment_kind": "bridge"}

    def create(self, asked):
        return 200, {"session": self.about(self.services.created(asked.get("title", "")))}

    def list(self, _):
        return 200, {"data": [self.about(s) for s in self.services.sessions.values()], "next_cursor": None}

    def one(self, asked, name):
        session = self.services.find(name)
        if session is None or session.end == "deleted":
            return self.services.objection(None)
        session.title = asked.get("title", session.title)
        return 200, {"session": self.about(session)}

    def archive(self, _, name, how):
        session = self.services.find(name)
        if session is None:
            return self.services.objection(None)
        session.end = "archived" if how == "archive" else None
        return 200, {"session": self.about(session)}

    def bridge(self, _, name):
        """The credentials of a worker. A session that somebody else took can be asked for again."""
        with self.services.lock:
            session = self.services.find(name)
            if session is not None and session.end in ("taken-over", "stale"):
                session.end = None
            if objection := self.services.objection(session):
                return objection
            session.epoch += 1
            self.services.close_streams([session])
            return 200, {"worker_jwt": f"{WORKER_TOKEN}.{session.epoch}.x", "expires_in": 14400,
                         "api_base_url": "https://api.anthropic.com", "worker_epoch": session.epoch}

    def worker(self, _, name, __=None):
        session = self.services.find(name)
        if objection := self.services.objection(session, self.headers.get("authorization", "")):
            return objection
        if self.command != "GET":
            return 200, {}
        return 200, {"worker": {"worker_epoch": session.epoch, "worker_status": "idle", "external_metadata": {}},
                     "data": [], "next_cursor": None}

    def stream(self, _, name):
        session = self.services.find(name)
        if objection := self.services.objection(session, self.headers.get("authorization", "")):
            return objection
        self.begin_events()
        with self.services.lock:
            session.streams.add(self.request)
        try:
            while True:
                self.services.thawed.wait()
                self.services.speaking.wait()
                self.wfile.write(b": still here\n\n")
                time.sleep(STREAM_COMMENT_INTERVAL)
        finally:
            with self.services.lock:
                session.streams.discard(self.request)

    def write(self, _, name):
        return self.services.objection(self.services.find(name)) or (200, {})

    # -- `claude remote-control` -------------------------------------------------------------------------------------

    def environment(self, asked):
        return 200, {"environment_id": asked.get("environment_id") or "env_01MadeUp000000000001",
                     "environment_secret": "made-up", "organization_uuid": the_account()[1]}

    def create_for_server(self, asked):
        session = self.services.created(asked.get("title", ""))
        return 200, {**self.about(session), "id": session.id.replace("cse_", "session_", 1),
                     "environment_id": asked.get("environment_id")}

    def one_for_server(self, _, name):
        session = self.services.find(name)
        if session is None:
            return self.services.objection(None)
        return 200, {**self.about(session), "id": name, "environment_id": "env_01MadeUp000000000001"}

    def work(self, _, __):
        time.sleep(2)
        return 200, None


ONE = r"/v1/code/sessions/([\w-]+)"
ROUTES = [
    ("*", r"/api/hello|/api/event_logging/.*", Request.fine),
    ("*", r"/api/eval/.*", Request.features),
    ("GET", r"/api/oauth/profile", Request.profile),
    ("GET", r"/api/oauth/claude_cli/roles", Request.roles),
    ("GET", r"/api/claude_code/policy_limits", Request.policy),
    ("POST", r"/api/oauth/token|/v1/oauth/token", Request.token),
    ("POST", r"/v1/messages", Request.messages),
    ("POST", r"/v1/messages/count_tokens", Request.count),
    ("POST", r"/v1/code/sessions", Request.create),
    ("GET", r"/v1/code/sessions", Request.list),
    ("POST", ONE + "/(archive)", Request.archive),
    ("POST", r"/v1/sessions/([\w-]+)/(archive|unarchive)", Request.archive),
    ("*", ONE, Request.one),
    ("POST", ONE + "/bridge", Request.bridge),
    ("GET", ONE + "/worker/events/stream", Request.stream),
    ("*", ONE + "/worker(/.*)?", Request.worker),
    ("*", ONE + "/.*", Request.write),
    ("POST", r"/v1/sessions", Request.create_for_server),
    ("GET", r"/v1/sessions/([\w-]+)", Request.one_for_server),
    ("POST", r"/v1/environments/bridge", Request.environment),
    ("GET", r"/v1/environments/([^/]+)/work[/]poll", Request.work),
    ("*", r"/v1/environments/.*", Request.fine),
]


def failure(kind, message, reason=None):
    return {"type": "error", "error": {"type": kind, "message": message, "reason": reason}}


def words_of_user(asked):
    """The texts of the last message of the user's. What claude adds by itself stands in angle brackets."""
    messages = [m for m in asked.get("messages", []) if m["role"] == "user"]
    content = messages[-1]["content"] if messages else []
    blocks = [content] if isinstance(content, str) else [b.get("text", "") for b in content if b["type"] == "text"]
    return [text for text in blocks if not text.startswith("<")]


def reset(connection):
    """Ends a connection under the thread that serves it."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def the_account():
    """The account that the home of a test is signed in with: its file is beside the folder of the services."""
    account = json.loads(Path(os.environ["SIGNED_IN"]).read_text())["oauthAccount"]
    return account, account["organizationUuid"]


def make_certificates(folder):
    """A certificate for NAMES, and the authority that vouches for it."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=test bed",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=test bed")
    names = ",".join(f"DNS:{name}" for name in NAMES)
    (folder / "extensions").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "leaf.pem", "-days", "30", "-extfile", "extensions")


def switch_loopback_on():
    """What `ip link set lo up` does."""
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, get_flags, asked))[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def refuse_a_real_network():
    """These names are answered to nobody but the claude of a test: without a route nobody else can ask."""
    if len(Path("/proc/self/net/route").read_text().splitlines()) > 1:
        sys.exit("services.py: this is a network namespace with routes; start it by the test bed (bed.rs)")


def main():
    folder = Path(sys.argv[1])
    refuse_a_real_network()
    switch_loopback_on()
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost " + " ".join(NAMES) + "\n")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    services = Services(folder)
    services.listen()
    threading.Thread(target=services.take_orders, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
