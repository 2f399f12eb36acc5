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
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/protocol"))

from cases import CASES, FORWARD, KEEP, NOT_PRODUCED, VERSION, api_at, first_line, site, socket_at  # noqa: E402
from harness import PROGRAM, TIMEOUT_S, Server, app  # noqa: E402
from proxies import HOST  # noqa: E402
from world import World  # noqa: E402

AT_ONCE = 6
RUN_TIMEOUT_S = 60  # of one doctor, on a busy machine

# Examining


def doctor(url, *options, env=None):
    args = [PROGRAM, "doctor", url, *map(str, options)]
    return subprocess.run(
        args, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, stdin=subprocess.DEVNULL, env=env)


def examine(url, *options):
    """The report, as an object; its exit code must fit it."""
    done = doctor(url, "--json", *options)
    assert done.stderr == "", done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["problems"] else 0), done.returncode
    return report


def run_case(world, c):
    url, ca = world.url_of(c), world.certificates.root
    if c.symptom:
        c.symptom(world.ports[c.name], ca)
    is_judged = "--ca" in c.options or "--insecure" in c.options
    return examine(url, "--idle", c.idle, "--timeout", c.timeout, *c.options, *(() if is_judged else ("--ca", ca)))


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
        cls.world = World(CASES)
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
        ca = ("--ca", self.world.certificates.root)
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
