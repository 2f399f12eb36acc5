"""`sockudo doctor` names the cause: one set-up for each, broken in one way, and good ones without a finding.

All set-ups stand at once and are examined side by side, since a doctor mostly waits; each test looks at one report.
The four problems that operators meet most (400 on connecting, cut after a while, 502, failed TLS handshakes) are also
looked at from a client's side: the setting that is broken must really produce the symptom.
"""

import contextlib
import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/protocol"))

from certificates import LOCAL, LONG_AGO, YESTERYEAR, Certificates  # noqa: E402
from harness import PROGRAM, TIMEOUT_S, Server, app, upgrade_request  # noqa: E402
from proxies import HOST, FullListener, Nginx, free_ports, mute, relay, says  # noqa: E402

AT_ONCE = 6
RUN_TIMEOUT_S = 60  # of one doctor, on a busy machine

# nginx, in pieces

FORWARD = """
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;"""
UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
VERSION = "proxy_http_version 1.1;"
KEEP = 'proxy_set_header Connection "";'


def socket_at(lines=VERSION + UPGRADE, to="good", more=""):
    return f"location /app/ {{ proxy_pass http://{to}; {FORWARD} {lines} {more} }}"


def api_at(lines=VERSION + KEEP, to="good", more="", forward=FORWARD, size="client_max_body_size 10m;"):
    return f"location /apps/ {{ proxy_pass http://{to}; {forward} {lines} {size} {more} }}"


def health_at(to="good"):
    return f"location /up {{ proxy_pass http://{to}; {VERSION} }}"


def site(socket=None, api=None, health=None, more=""):
    """The lines of a server { } that is good but for what is given."""
    pieces = (socket, socket_at), (api, api_at), (health, health_at)
    return "\n".join([more, *(make() if given is None else given for given, make in pieces)])


NO_SOCKET, NO_API, NO_HEALTH = "# no /app/", "# no /apps/", "# no /up"
GOOD = site()


# The cases


@dataclass
class Case:
    name: str  # the promise
    expect: set  # of findings, all of them
    nginx: str = None  # lines of a server { }
    url: object = None  # without nginx: World → URL
    options: tuple = ()
    scheme: str = "http"
    certificate: str = None
    listen: str = ""  # more of that line
    seen: str = ""  # a pattern that must be in what was seen
    symptom: object = None  # port → None, or raises: what a client meets
    path: str = ""
    idle: int = 0
    timeout: int = 5


CASES = []


def case(name, expect=(), **how):
    CASES.append(Case(name, {expect} if isinstance(expect, str) else set(expect), **how))


# What a client meets


def first_line(port, request):
    with socket.create_connection((HOST, port), TIMEOUT_S) as s:
        s.sendall(request)
        return s.recv(4096).split(b"\r\n")[0].decode()


def is_answered(status, request=None):
    def look(port):
        line = first_line(port, request or upgrade_request(port))
        assert f" {status} " in line, line

    return look


def is_cut_after(seconds):
    def look(port):
        with socket.create_connection((HOST, port), TIMEOUT_S) as s:
            s.sendall(upgrade_request(port))
            data, begin = s.recv(4096), time.monotonic()
            assert b" 101 " in data, data
            while s.recv(4096):
                begin = time.monotonic()
            assert abs(time.monotonic() - begin - seconds) < 1, time.monotonic() - begin

    return look


def fails_to_shake_hands(port):
    with socket.create_connection((HOST, port), TIMEOUT_S) as s:
        try:
            context = ssl.create_default_context(cafile=str(World.certificates.root))
            context.wrap_socket(s, server_hostname="localhost").close()
        except ssl.SSLError:
            return
    raise AssertionError("the handshake was fine")


# Good ones

case("a_good_proxy_has_no_findings", nginx=GOOD)
case("a_good_proxy_with_tls_has_no_findings", nginx=GOOD, scheme="https", certificate="good")
case("a_server_without_a_proxy_has_no_findings", url=lambda w: f"http://{HOST}:{w.server.port}", idle=1)
case("a_unix_socket_has_no_findings", url=lambda w: f"unix:{w.unix_path}")
case("a_server_with_its_own_tls_has_no_findings", url=lambda w: f"https://localhost:{w.tls_server.port}")
case("http_2_beside_http_1_has_no_findings", nginx=GOOD, scheme="https", certificate="good", listen=" http2")
case("a_proxy_that_takes_a_path_off_has_no_findings", path="/sockudo", nginx="""
    location /sockudo/app/ { proxy_pass http://good/app/; """ + FORWARD + VERSION + UPGRADE + """ }
    location /sockudo/ { proxy_pass http://good/; client_max_body_size 10m; """ + FORWARD + VERSION + KEEP + " }")
case("a_wrong_certificate_can_be_looked_past", nginx=GOOD, scheme="https", certificate="self-signed",
     options=("--insecure",))
case("silence_within_the_time_out_is_fine", nginx=site(socket_at(more="proxy_read_timeout 10s;")), idle=2)

# Headers of the upgrade

case("a_missing_upgrade_header_is_named", "upgrade-missing", nginx=site(socket_at(VERSION)), seen="Missing Upgrade",
     symptom=is_answered(400))
case("a_missing_connection_header_is_named", "connection-missing",
     nginx=site(socket_at(VERSION + "proxy_set_header Upgrade $http_upgrade;")), seen="Connection header",
     symptom=is_answered(400))
case("http_1_0_to_the_server_is_named", "upgrade-missing", nginx=site(socket_at("")), symptom=is_answered(400))
case("http_1_0_with_the_right_headers_works", nginx=site(socket_at("proxy_http_version 1.0;" + UPGRADE)))
case("a_removed_websocket_key_is_named", "socket-headers-missing",
     nginx=site(socket_at(more='proxy_set_header Sec-WebSocket-Key "";')))
case("a_cached_handshake_is_named", "accept-wrong",
     url=lambda w: w.relayed(answer=lambda d: re.sub(rb"(?i)(sec-websocket-accept: )\S+", rb"\1AAAA", d)))
case("an_upgrade_answered_with_a_page_is_named", "upgrade-not-done",
     nginx=site('location /app/ { default_type text/plain; return 200 "ok"; }'))
case("http_2_behind_the_proxy_is_named", "upgrade-not-done",
     nginx=site("location /app/ { return 426; }"))

# Ways that are not passed on

case("a_missing_location_for_sockets_is_named", "socket-not-proxied", nginx=site(NO_SOCKET))
case("a_missing_location_for_the_api_is_named", "api-not-proxied", nginx=site(api=NO_API))
case("a_missing_location_for_health_is_a_warning", "health-hidden", nginx=site(health=NO_HEALTH))
case("health_of_an_app_is_enough", nginx=site(health=f"location /up/ {{ proxy_pass http://good; {VERSION} }}"))
case("another_site_is_named", "other-site", nginx='location = / { return 200 "welcome"; }')
case("a_page_for_every_path_is_another_site", "other-site",
     nginx='location / { default_type text/html; return 200 "<h1>Welcome</h1>"; }')
case("a_path_that_is_not_taken_off_is_named", "prefix-kept", path="/sockudo",
     nginx=f"location / {{ proxy_pass http://good; {VERSION} {UPGRADE} }}")
case("a_redirect_to_https_is_named", "redirected", nginx="return 301 https://$host$request_uri;", seen="301 .*https://")
case("a_redirect_of_the_api_alone_is_named", "redirected",
     nginx=site(api="location /apps/ { return 302 https://$host$request_uri; }"))
case("a_password_is_named", "basic-auth",
     nginx=site(more='auth_basic "staff"; auth_basic_user_file /dev/null;'))
case("a_rule_that_denies_is_named", "forbidden", nginx=site(api="location /apps/ { deny all; }"))

# Nobody behind

case("a_wrong_upstream_port_is_named", "upstream-down", nginx=site(socket_at(to="dead"), api_at(to="dead"), health_at("dead")),
     symptom=is_answered(502))
case("a_wrong_upstream_port_of_the_api_alone_is_named", "upstream-down", nginx=site(api=api_at(to="dead")))
case("a_server_that_never_answers_its_proxy_is_named", "upstream-slow",
     nginx=site(api=api_at(to="mute", more="proxy_read_timeout 1s;")))
case("a_port_without_a_listener_is_named", "refused", url=lambda w: f"http://{HOST}:{w.dead_port}")
case("a_firewall_that_drops_is_named", "no-connection", url=lambda w: f"http://{HOST}:{w.full.port}", timeout=1)
case("a_listener_that_is_mute_is_named", "no-answer", url=lambda w: f"http://{HOST}:{w.mute.port}", timeout=1)
case("a_proxy_that_hangs_up_is_named", "hung-up", nginx="return 444;")
case("another_protocol_is_named", "not-http", url=lambda w: w.saying(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"))
case("a_port_for_http_2_alone_is_named", "http2-only", nginx=GOOD, listen=" http2")
case("an_error_page_of_a_cdn_is_named", "cdn-error", url=lambda w: w.saying(
    b"HTTP/1.1 522 \r\nServer: cloudflare\r\nCF-RAY: 1\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"))
case("a_missing_unix_socket_is_named", "unix-socket", url=lambda w: f"unix:{w.unix_path}.not")
case("a_name_that_does_not_exist_is_named", "name-unknown|name-silent", url=lambda w: "http://no-such-host.invalid")
case("an_answer_that_is_nobodys_is_named", "odd-answer", url=lambda w: w.saying(
    b"HTTP/1.1 418 I am a teapot\r\nContent-Length: 0\r\n\r\n"))

# TLS

case("an_expired_certificate_is_named", "cert-expired", nginx=GOOD, scheme="https", certificate="expired",
     symptom=fails_to_shake_hands, seen="2021-01-01")
case("a_certificate_that_expires_soon_is_a_warning", "cert-expires-soon", nginx=GOOD, scheme="https", certificate="soon")
case("a_self_signed_certificate_is_named", "cert-self-signed", nginx=GOOD, scheme="https", certificate="self-signed",
     symptom=fails_to_shake_hands)
case("a_certificate_for_another_name_is_named", "cert-wrong-name", nginx=GOOD, scheme="https", certificate="other-name",
     symptom=fails_to_shake_hands, seen="it is for other.example")
case("an_incomplete_chain_is_named", "cert-chain", nginx=GOOD, scheme="https", certificate="no-chain",
     symptom=fails_to_shake_hands)
case("an_unknown_authority_is_named", "cert-unknown-ca", nginx=GOOD, scheme="https", certificate="good",
     options=("--ca", "/etc/ssl/certs/ca-certificates.crt"))
case("several_faults_of_a_certificate_are_all_named", {"cert-expired", "cert-wrong-name", "cert-chain"}, nginx=GOOD,
     scheme="https", certificate="all-wrong")
case("old_tls_is_named", "tls-old", nginx=GOOD, scheme="https", certificate="good:ssl_protocols TLSv1.1; "
     "ssl_ciphers DEFAULT@SECLEVEL=0;", symptom=fails_to_shake_hands)
case("a_name_that_the_proxy_rejects_is_named", "tls-rejected", nginx="", scheme="https",
     certificate="good:ssl_reject_handshake on;", symptom=fails_to_shake_hands)
case("https_at_a_port_without_tls_is_named", "not-tls", url=lambda w: f"https://{HOST}:{w.server.port}")
case("http_at_a_port_with_tls_is_named", "tls-port", url=lambda w: f"http://{HOST}:{w.ports['a_good_proxy_with_tls_has_no_findings']}")
case("a_handshake_without_an_answer_is_named", "tls-silent", url=lambda w: f"https://{HOST}:{w.mute.port}", timeout=1)
case("a_handshake_that_breaks_off_is_named", "tls-failed", url=lambda w: w.saying(b"", "https"), seen="the stream ended")
case("a_missing_forwarded_proto_is_a_warning", "proto-missing", scheme="https", certificate="good",
     nginx=site(api=api_at(forward=FORWARD.replace("$scheme", '""'))))

# The API

case("a_wrong_key_is_named", "key-unknown", nginx=GOOD, options=("--key", "nobody"))
case("a_wrong_secret_is_named", "secret-wrong", nginx=GOOD, options=("--secret", "wrong"))
case("a_wrong_secret_without_a_socket_may_be_a_wrong_path", {"signature-refused", "socket-not-proxied"},
     nginx=site(NO_SOCKET), options=("--secret", "wrong"))
case("a_wrong_app_id_is_named", {"app-id-unknown", "app-mismatch"}, nginx=GOOD, options=("--app-id", "nobody"))
case("the_id_of_another_app_is_named", "app-mismatch", nginx=GOOD, options=("--app-id", "second"))
case("a_disabled_app_is_named", "app-disabled", nginx=GOOD,
     options=("--app-id", "off", "--key", "off-key", "--secret", "off-secret"))
PICKY = ("--app-id", "picky", "--key", "picky-key", "--secret", "picky-secret")
case("an_origin_that_the_app_does_not_know_is_named", "origin-refused", nginx=GOOD,
     options=(*PICKY, "--origin", "https://other.example"))
case("no_origin_for_an_app_that_wants_one_is_named", "origin-refused", nginx=GOOD, options=PICKY)
case("an_origin_that_the_app_allows_has_no_findings", nginx=GOOD, options=(*PICKY, "--origin", "https://page.example"))
case("a_path_that_a_proxy_pass_rewrites_is_named", "path-changed",
     nginx=site(api=f"location /apps/ {{ proxy_pass http://good/; {FORWARD} {VERSION} {KEEP} }}"))
case("a_query_that_the_proxy_adds_to_is_named", "path-changed",
     nginx=site(api=api_at(more="set $args $args&from=proxy;")))
case("a_query_that_is_dropped_is_named", "query-dropped",
     nginx=site(api=api_at(more="rewrite ^(.*)$ $1? break;")))
case("a_query_that_is_written_anew_is_named", "query-changed",
     url=lambda w: w.relayed(lambda d: d.replace(b"presence-%2Bdoctor", b"presence-+doctor")))
case("a_body_that_is_changed_is_named", "body-changed",
     url=lambda w: w.relayed(lambda d: d.replace(b'"name":"doctor"', b'"name":"Doctor"')))
case("a_body_limit_is_named", "body-limit", nginx=site(api=api_at(size="")), seen="413 .*nginx")
case("a_tight_request_limit_is_named", "proxy-limit", nginx=site(more="limit_req zone=tight;"), seen="503")
case("a_tight_limit_of_the_server_is_named", "api-limited", url=lambda w: f"http://{HOST}:{w.limited.port}")
case("a_limit_that_is_nearly_used_up_is_a_warning", "limit-near", url=lambda w: f"http://{HOST}:{w.nearly_limited.port}")
case("connections_that_are_closed_are_a_warning", "no-keep-alive", nginx=site(more="keepalive_timeout 0;"))
case("a_new_upstream_connection_for_each_request_is_a_warning", "upstream-closes",
     nginx=site(api=api_at(VERSION)), seen="Connection: close")
case("two_nodes_that_do_not_know_each_other_are_named", "events-lost",
     nginx=site(socket_at(to="nodes"), api_at(to="nodes"), health_at("nodes")), seen="of 4 events")

# The client's address

case("a_proxy_that_hides_the_client_is_named", {"client-shared", "client-spoofable"},
     nginx=site(api=api_at(forward="proxy_set_header Host $http_host;")))
case("a_client_that_chooses_its_address_is_named", {"client-shared", "client-spoofable"},
     nginx=site(api=api_at(forward=FORWARD.replace("$proxy_add_x_forwarded_for", "$http_x_forwarded_for"))))
case("a_proxy_that_is_not_trusted_is_named", "client-untrusted",
     nginx=site(socket_at(to="distrustful"), api_at(to="distrustful"), health_at("distrustful")))

# Time

case("a_clock_that_is_off_is_named", "clock-off", url=lambda w: w.relayed(answer=dated(-3600)), seen="3[56]\\d\\d s behind")
case("a_clock_that_drifts_is_a_warning", "clock-drifts", url=lambda w: w.relayed(answer=dated(90)), seen="ahead of")

# Frames


class Upgraded:
    """Passes everything up to the head of an upgrade; what follows is changed by frames()."""

    def __init__(self):
        self.is_socket = False

    def __call__(self, data):
        if self.is_socket:
            return self.frames(data)
        if b" 101 Switching" not in data:
            return data
        self.is_socket = True
        head, mark, frames = data.partition(b"\r\n\r\n")
        return [head + mark, *(self.frames(frames) if frames else ())]


class Silenced(Upgraded):
    def frames(self, data):
        return []


class Late(Upgraded):
    """The first frames only."""

    wait = 2.5

    def frames(self, data):
        pieces, self.wait = [self.wait, data], 0
        return pieces


class Mangled(Upgraded):
    """As a filter for texts that takes frames for a page."""

    def frames(self, data):
        return [b"<!-- " + data + b" -->"]


class OneWay:
    """After the upgrade nothing of the client passes."""

    def __init__(self):
        self.is_socket = False

    def __call__(self, data):
        was_socket = self.is_socket
        self.is_socket |= data.startswith(b"GET /app/")
        return b"" if was_socket else data


class SlowEvents:
    """The first event is held back, and all that comes behind it."""

    wait = 1.5

    def __call__(self, data):
        if b'"event":"doctor"' not in data:
            return data
        pieces, self.wait = [self.wait, data], 0
        return pieces


class Forgetful:
    """A connection that is silent for a second is forgotten, as by a NAT: nobody is told."""

    def __init__(self):
        self.last = time.monotonic()
        self.is_forgotten = False

    def __call__(self, data):
        now = time.monotonic()
        self.is_forgotten |= now - self.last > 1.2
        self.last = now
        return b"" if self.is_forgotten else data


case("frames_that_never_come_are_named", "socket-silent", url=lambda w: w.relayed(answer=Silenced), timeout=1)
case("frames_that_come_late_are_named", "socket-slow", url=lambda w: w.relayed(answer=Late), timeout=5)
case("frames_that_are_changed_are_named", "socket-broken", url=lambda w: w.relayed(answer=Mangled), timeout=1)
case("a_ping_without_an_answer_is_named", "ping-unanswered", url=lambda w: w.relayed(OneWay), timeout=1)
case("events_that_come_late_are_a_warning", "events-slow", url=lambda w: w.relayed(answer=SlowEvents), timeout=4)
case("a_short_read_time_out_is_named", "idle-cut", nginx=site(socket_at(more="proxy_read_timeout 2s;")), idle=4,
     seen="after [12]\\.\\d s of silence", symptom=is_cut_after(2))
case("a_server_that_pings_is_answered", url=lambda w: f"http://{HOST}:{w.chatty.port}", idle=3)
case("a_connection_that_is_forgotten_in_silence_is_named", "idle-cut", url=lambda w: w.relayed(Forgetful), idle=3,
     timeout=1, seen="a ping is lost")

# Not produced here, and why.
NOT_PRODUCED = {
    "address-dead": "a name with a living and a dead address would be needed: src/main/doctor_net_test.c",
    "no-route": "depends on the machine's routes",
    "cert-not-yet-valid": "the same code as expired",
    "cert-bad": "the remainder of many",
    "plain-redirect": "port 80 and 443 belong to the machine",
    "not-well": "a server whose back-ends are away",
    "draining": "a moment of a server's life, looked at in a test of its own",
    "socket-refused": "looked at in a test of its own",
    "api-refused": "the remainder of many",
}


def dated(seconds):
    """Changes the Date of answers by so many seconds, as a machine with another clock would write it."""

    def change(data):
        other = formatdate(time.time() + seconds, usegmt=True).encode()
        return re.sub(rb"(?im)^(date: )[^\r]*", rb"\1" + other, data)

    return change


# The world in which they stand


class World:
    certificates = None

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-doctor-"))
        self.closing = []
        self.ports = {}  # of the cases that stand behind nginx
        try:
            World.certificates = Certificates(self.folder / "certificates")
            self.make_certificates()
            self.start_servers()
            self.start_peers()
            self.start_nginx("nginx", [c for c in CASES if c.nginx is not None])
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
        deadline = time.monotonic() + TIMEOUT_S
        while not self.unix_path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def start_peers(self):
        (self.dead_port,) = free_ports(1)
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


# Examining


def doctor(url, *options, env=None):
    args = [PROGRAM, "doctor", url, *map(str, options)]
    return subprocess.run(
        args, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, stdin=subprocess.DEVNULL, env=env)


def examine(url, *options):
    """The report, as an object; its exit code must fit it."""
    if not any(o in options for o in ("--ca", "--insecure")):
        options += ("--ca", World.certificates.root)
    done = doctor(url, "--json", *options)
    assert done.stderr == "", done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["problems"] else 0), done.returncode
    return report


def run_case(world, c):
    url = world.url_of(c)
    if c.symptom:
        c.symptom(world.ports[c.name])
    return examine(url, "--idle", c.idle, "--timeout", c.timeout, *c.options)


# The cures: what a finding says to paste, pasted into the set-up that it was found in


def pieces(change):
    """{where: lines} of a finding's advice."""
    found, where = {}, None
    for line in change.splitlines():
        if line.startswith("    "):
            found[where] = found.get(where, "") + line + "\n"
        else:
            where = line.split(":")[0]
    return found


SERVER, APP_LOCATION, APPS_LOCATION = f"nginx, in the server {{ }} of {HOST}", "nginx, in location /app/", "nginx, in location /apps/"
BOTH, HOST_ONLY = "nginx, in location /app/ and location /apps/", "proxy_set_header Host $http_host;"
CURES = {  # broken case → the good site with the advice in the place of what was broken
    "a_missing_upgrade_header_is_named": lambda p: site(socket_at(p[APP_LOCATION])),
    "a_missing_connection_header_is_named": lambda p: site(socket_at(p[APP_LOCATION])),
    "a_missing_location_for_sockets_is_named": lambda p: site(p[SERVER]),
    "a_missing_location_for_the_api_is_named": lambda p: site(api=p[SERVER]),
    "a_missing_location_for_health_is_a_warning": lambda p: site(health=p[SERVER]),
    "a_body_limit_is_named": lambda p: site(api=api_at(size=p[f"{APPS_LOCATION}, where the default is 1m"])),
    "a_new_upstream_connection_for_each_request_is_a_warning": lambda p: site(api=api_at(p[APPS_LOCATION])),
    "a_proxy_that_hides_the_client_is_named": lambda p: site(api=api_at(forward=HOST_ONLY + p[BOTH])),
    "a_short_read_time_out_is_named": lambda p: site(socket_at(more=p[f"{APP_LOCATION}, where the default is 60s"])),
    "a_query_that_is_dropped_is_named": lambda p: site(
        api=f"location /apps/ {{ {FORWARD} {VERSION} {KEEP} client_max_body_size 10m; {next(iter(p.values()))} }}"),
    "a_path_that_a_proxy_pass_rewrites_is_named": lambda p: site(
        api=f"location /apps/ {{ {FORWARD} {VERSION} {KEEP} client_max_body_size 10m; {next(iter(p.values()))} }}"),
    "a_missing_forwarded_proto_is_a_warning": lambda p: site(
        api=api_at(forward=FORWARD.replace("proxy_set_header X-Forwarded-Proto $scheme;", p[BOTH]))),
    "connections_that_are_closed_are_a_warning": lambda p: site(more=next(iter(p.values()))),
}


def named(name):
    return next(c for c in CASES if c.name == name)


class Doctor(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.pool = ThreadPoolExecutor(AT_ONCE)
        # The long ones first.
        cls.reports = {
            c.name: cls.pool.submit(run_case, cls.world, c) for c in sorted(CASES, key=lambda c: -c.idle - c.timeout)
        }

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()
        cls.world.stop()

    def check(self, c):
        report = self.reports[c.name].result()
        found = {f["finding"] for f in report["findings"]}
        either = [set(e.split("|")) for e in c.expect]
        text = json.dumps(report, indent=1)
        self.assertTrue(len(found) == len(either) and all(e & found for e in either), f"want {c.expect}, got {found}\n{text}")
        if c.seen:
            self.assertRegex(" ".join(f["seen"] for f in report["findings"]), c.seen)


    def test_what_a_finding_says_to_paste_cures_it(self):
        cured = []
        for name, cure in CURES.items():
            report, c = self.reports[name].result(), named(name)
            change = report["findings"][0]["change"]
            cured.append(replace(c, name="cured_" + name, nginx=cure(pieces(change)), symptom=None))
        self.world.start_nginx("cured", cured)
        for c, report in zip(cured, self.pool.map(lambda c: run_case(self.world, c), cured)):
            with self.subTest(c.name):
                self.assertEqual(report["findings"], [])

    def test_an_early_end_of_the_server_is_no_problem_of_the_proxy(self):
        server = Server(shutdown_grace_period=20)
        client = server.client()
        server.signal()
        client.socket.settimeout(TIMEOUT_S)
        while first_line(server.port, b"GET /up HTTP/1.1\r\nHost: x\r\n\r\n").split()[1] != "503":
            time.sleep(0.01)
        report = examine(f"http://{HOST}:{server.port}", "--idle", 0)
        client.close()
        server.signal()
        server.wait()
        self.assertEqual(report["findings"][0]["finding"], "draining", report)

    def test_a_client_that_is_refused_is_told_why(self):
        server = Server([app(max_connections=1)])
        self.addCleanup(server.stop)
        client = server.client()
        self.addCleanup(client.close)
        report = examine(f"http://{HOST}:{server.port}", "--idle", 0)
        found = {f["finding"]: f["seen"] for f in report["findings"]}
        self.assertIn("4004", found["socket-refused"])

    # What it prints

    def good_url(self):
        return f"http://{HOST}:{self.world.server.port}"

    def test_people_get_a_line_for_each_check_and_a_count(self):
        done = doctor(self.good_url(), "--idle", 0)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = re.findall(r"(?m)^  (ok|skipped|warning|problem) +(\w[\w -]*?)  +\S", done.stdout)
        self.assertEqual(len(lines), len(checks()))
        self.assertRegex(done.stdout, r"\n  0 problems, 0 warnings, \d+ ok, \d+ skipped, in \d+\.\d s\n")

    def test_a_finding_says_what_was_seen_what_it_means_and_what_to_change(self):
        done = doctor(f"http://{HOST}:{self.world.dead_port}")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            done.stdout,
            r"(?s)problem: nothing listens there  \[refused\]\n    Seen\n      connection: .*refuses.*\n"
            r"    It means\n      .+\n    Change\n      .+\n\n  1 problem, ")

    def test_advice_names_the_host_that_was_asked_for(self):
        report = self.reports["a_missing_location_for_the_api_is_named"].result()
        self.assertIn(f"in the server {{ }} of {HOST}:", report["findings"][0]["change"])

    def test_a_pipe_gets_no_colours_and_a_terminal_does(self):
        self.assertNotIn("\x1b", doctor(self.good_url(), "--idle", 0).stdout)
        ours, theirs = os.openpty()
        args = [PROGRAM, "doctor", self.good_url(), "--idle", "1"]
        subprocess.run(args, stdin=subprocess.DEVNULL, stdout=theirs, timeout=RUN_TIMEOUT_S, check=True)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while data := os.read(ours, 65536):
                shown += data
        os.close(ours)
        self.assertIn(b"\x1b[32mok", shown)
        self.assertIn(b"silent for 0 of 1 s", shown)

    def test_no_secret_is_printed(self):
        for options in ((), ("--json",)):
            done = doctor(self.good_url(), "--idle", 0, "--secret", "hush-hush", *options)
            self.assertNotIn("hush", done.stdout + done.stderr)

    def test_credentials_come_from_the_environment(self):
        names = ("ID", "second"), ("KEY", "second-key"), ("SECRET", "second-secret")
        env = {**os.environ, **{f"SOCKUDO_DEFAULT_APP_{name}": value for name, value in names}}
        done = doctor(self.good_url(), "--idle", 0, env=env)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("/up/second", done.stdout)

    def test_a_wrong_command_line_is_exit_code_2(self):
        for args in ([], ["localhost"], [self.good_url(), "--idle", "soon"], [self.good_url(), "--timeout", "61"],
                     [self.good_url(), "--nonsense"], [self.good_url(), "another"]):
            done = subprocess.run([PROGRAM, "doctor", *args], capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertTrue(done.stderr.startswith("sockudo"), done.stderr)

    def test_help_teaches(self):
        done = doctor("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--app-id", "--idle", "--json", "Exit codes: 0 all well", "past it, on the server itself"):
            self.assertIn(word, done.stdout)

    def test_it_is_done_in_time_whatever_answers(self):
        begin = time.monotonic()
        doctor(f"http://{HOST}:{self.world.mute.port}", "--timeout", 1)
        self.assertLess(time.monotonic() - begin, 15)

    def test_nonsense_is_survived(self):
        chance = random.Random(5)
        good = (b"HTTP/1.1 200 OK\r\nX-Health-Check: OK\r\nContent-Type: application/json\r\nServer: nginx\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n")
        texts = [good, good.replace(b"5\r\n", b"ffffffffffffffff\r\n"), good.replace(b"200", b"101"), b"HTTP/1.1 200\r\n\r\n",
                 good.replace(b"Transfer-Encoding: chunked", b"Content-Length: 99999999999"), b"HTTP/1.1 999 \r\n\r\n" * 9,
                 b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, b"HTTP/1.1 200 \xff\xfe\r\nServer: \x1b[31m\r\n\r\n\0\xff"]
        for _ in range(16):
            text = bytearray(good)
            for _ in range(4):
                text[chance.randrange(len(text))] = chance.randrange(256)
            texts.append(bytes(text))
        urls = [self.world.saying(text) for text in texts]
        for report in self.pool.map(lambda url: examine(url, "--idle", 0, "--timeout", 1), urls):
            self.assertGreater(report["problems"], 0, report)

    # The other clients

    def test_publish_and_watch_speak_tls_and_look_at_the_certificate(self):
        url = self.world.url_of(named("a_good_proxy_with_tls_has_no_findings"))
        ca = ("--ca", World.certificates.root)
        watch = subprocess.Popen(
            [PROGRAM, "watch", "--url", url, *ca, "c"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watch.communicate)
        self.addCleanup(watch.kill)
        self.assertIn("watching c", watch.stderr.readline())
        for options, status in ((ca, 0), (("--insecure",), 0), ((), 1)):
            done = subprocess.run(
                [PROGRAM, "publish", "--url", url, *options, "c", "e", "x"], capture_output=True, text=True,
                timeout=RUN_TIMEOUT_S)
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn("its certificate: unable to get local issuer certificate", done.stderr)
        self.assertEqual([watch.stdout.readline() for _ in range(2)], ["c e x\n"] * 2)

    def test_health_finds_a_server_that_speaks_tls(self):
        config = self.world.tls_server.folder / "health.json"
        settings = json.loads((self.world.tls_server.folder / "config.json").read_text())
        config.write_text(json.dumps({**settings, "port": self.world.tls_server.port}))
        done = subprocess.run([PROGRAM, "health", "-c", config], capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "up\n", ""))

    # What is written about it

    def test_every_finding_is_produced_here_or_said_not_to_be(self):
        produced = {name for c in CASES for e in c.expect for name in e.split("|")}
        everything = {name for name, _, _ in findings()}
        self.assertEqual(produced | set(NOT_PRODUCED), everything)
        self.assertEqual(produced & set(NOT_PRODUCED), set())

    def test_the_page_names_every_check_and_every_finding(self):
        page = (ROOT / "docs/doctor.md").read_text()
        self.assertEqual(re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (problem|warning) \| (.+) \|$", page), findings())
        for name, proves in checks():
            self.assertIn(f"| {name} | {proves} |", page)


def findings():
    """(name, level, title) of each row."""
    text = (ROOT / "src/main/doctor_findings.def").read_text()
    rows = re.findall(r'(?m)^FINDING\((\w+), (\w+), "(.*?)",', text)
    return [(name.lower().replace("_", "-"), level.lower(), title) for name, level, title in rows]


def checks():
    """(name, what it proves) of each row."""
    text = (ROOT / "src/main/doctor_checks.def").read_text()
    return re.findall(r'(?m)^CHECK\(\w+, "([^"]*)", [^"]*"[^"]*",\s*"([^"]*)"', text)


def add_tests():
    for c in CASES:
        setattr(Doctor, f"test_{c.name}", lambda self, c=c: self.check(c))


add_tests()

if __name__ == "__main__":
    unittest.main()
