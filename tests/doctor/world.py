"""All set-ups at once: servers, one nginx with a port for each case, and peers made of bytes."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from certificates import LOCAL, LONG_AGO, YESTERYEAR, Certificates
from harness import PROGRAM, TIMEOUT_S, Server, app, is_listened_on, until
from proxies import HOST, DeadPort, FullListener, Nginx, free_ports, mute, relay, says


class World:
    def __init__(self, cases):
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-doctor-"))
        self.closing = []
        self.ports = {}  # of the cases that stand behind nginx
        try:
            self.certificates = Certificates(self.folder / "certificates")
            self.make_certificates()
            self.start_servers()
            self.start_peers()
            self.start_nginx("nginx", [c for c in cases if c.nginx is not None])
        except BaseException:
            self.stop()
            raise

    def start(self, thing):
        self.closing.append(thing)
        return thing

    def start_servers(self):
        apps = [
            app(),
            app("second", "second-key", "second-secret"),
            app("off", "off-key", "off-secret", enabled=False),
            app("picky", "picky-key", "picky-secret", allowed_origins=["https://page.example"]),
        ]
        self.server = self.start(Server(apps))
        self.other_node = self.start(Server(apps))
        self.distrustful = self.start(Server(apps, trusted_proxies=["10.9.8.7"]))
        self.chatty = self.start(Server(apps, activity_timeout=1))
        limit = lambda n: {"enabled": True, "api_rate_limit": {"max_requests": n, "window_seconds": 600}}  # noqa: E731
        self.limited = self.start(Server(apps, rate_limiter=limit(1)))
        self.nearly_limited = self.start(Server(apps, rate_limiter=limit(11)))
        file, key = self.certificate_files["good"]
        self.tls_server = self.start(Server(apps, ssl={"enabled": True, "cert_path": str(file), "key_path": str(key)}))
        self.unix_path = self.folder / "sockudo.sock"
        self.start_unix()

    def start_unix(self):
        env = {"UNIX_SOCKET_ENABLED": "true", "UNIX_SOCKET_PATH": str(self.unix_path), "SOCKUDO_WORKERS": "1"}
        process = subprocess.Popen(
            [PROGRAM], cwd=self.folder, env={**env, "METRICS_ENABLED": "false"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.start(Process(process))
        until(lambda: is_listened_on(self.unix_path), "the server on a Unix socket did not start")

    def start_peers(self):
        self.dead_port = self.start(DeadPort()).port
        self.full = self.start(FullListener())
        self.mute = self.start(mute())

    def relayed(self, request=lambda d: d, answer=lambda d: d):
        return f"http://{HOST}:{self.start(relay(self.server.port, request, answer)).port}"

    def saying(self, text, scheme="http"):
        return f"{scheme}://{HOST}:{self.start(says(text)).port}"

    def certificate(self, text):
        """The ssl lines of a server { }, for "name" or "name:further lines"."""
        name, _, more = text.partition(":")
        file, key = self.certificate_files[name]
        return f"ssl_certificate {file}; ssl_certificate_key {key}; {more}"

    def make_certificates(self):
        c = self.certificates
        soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5 * 86400))
        c.self_signed("self-signed", "localhost", f"subjectAltName={LOCAL}")
        self.certificate_files = {
            "good": c.leaf("good"),
            "expired": c.leaf("expired", LOCAL, "-startdate", LONG_AGO, "-enddate", YESTERYEAR),
            "soon": c.leaf("soon", LOCAL, "-enddate", soon),
            "other-name": c.leaf("other-name", "DNS:other.example"),
            "no-chain": c.leaf("no-chain", has_chain=False),
            "all-wrong": c.leaf("all-wrong", "DNS:x.example", "-startdate", LONG_AGO, "-enddate", YESTERYEAR,
                                has_chain=False),
            "self-signed": (c.folder / "self-signed.pem", c.folder / "self-signed.key"),
        }  # fmt: skip

    def start_nginx(self, folder, cases):
        self.ports.update(zip((c.name for c in cases), free_ports(len(cases))))
        upstreams = {
            "good": f"server {HOST}:{self.server.port}; keepalive 8;",
            "dead": f"server {HOST}:{self.dead_port};",
            "mute": f"server {HOST}:{self.mute.port};",
            "nodes": f"server {HOST}:{self.server.port}; server {HOST}:{self.other_node.port};",
            "distrustful": f"server {HOST}:{self.distrustful.port};",
            "sockudo_backend": f"server {HOST}:{self.server.port}; keepalive 8;",
        }
        servers = [self.server_block(self.ports[c.name], c) for c in cases]
        self.start(Nginx(self.folder / folder, upstreams, servers, [self.ports[c.name] for c in cases]))

    def server_block(self, port, c):
        listen = f"listen {HOST}:{port}{' ssl' if c.certificate else ''}{c.listen};"
        return f"server {{ {listen} {self.certificate(c.certificate) if c.certificate else ''} {c.nginx}\n}}"

    def url_of(self, c):
        if c.url:
            return c.url(self)
        return f"{c.scheme}://{HOST}:{self.ports[c.name]}{c.path}"

    def stop(self):
        for thing in reversed(self.closing):
            thing.stop()
        shutil.rmtree(self.folder)


class Process:
    def __init__(self, process):
        self.process = process

    def stop(self):
        self.process.terminate()
        assert self.process.wait(TIMEOUT_S) == 0
