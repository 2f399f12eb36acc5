"""The set-ups: what stands before the server, and what doctor has to find."""

import re
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import formatdate

from harness import TIMEOUT_S, upgrade_request
from proxies import HOST

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
    symptom: object = None  # (port, authority) → None, or raises: what a client meets
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
    def look(port, ca):
        line = first_line(port, request or upgrade_request(port))
        assert f" {status} " in line, line

    return look


def is_cut_after(seconds):
    def look(port, ca):
        with socket.create_connection((HOST, port), TIMEOUT_S) as s:
            s.sendall(upgrade_request(port))
            data, begin = s.recv(4096), time.monotonic()
            assert b" 101 " in data, data
            while s.recv(4096):
                begin = time.monotonic()
            assert abs(time.monotonic() - begin - seconds) < 1, time.monotonic() - begin

    return look


def fails_to_shake_hands(port, ca):
    with socket.create_connection((HOST, port), TIMEOUT_S) as s:
        try:
            context = ssl.create_default_context(cafile=str(ca))
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


def dated(seconds):
    """Changes the Date of answers by so many seconds, as a machine with another clock would write it."""

    def change(data):
        other = formatdate(time.time() + seconds, usegmt=True).encode()
        return re.sub(rb"(?im)^(date: )[^\r]*", rb"\1" + other, data)

    return change


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
