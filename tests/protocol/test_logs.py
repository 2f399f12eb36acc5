"""What the server writes to standard output: one line per event, in both forms."""

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

from harness import KEY, PROGRAM, TIMEOUT_S, Server, Ws, app
from test_commands import OWN_VARIABLES, Process

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
MEMBERS = ["timestamp", "level", "fields", "target"]


def records(log):
    return [json.loads(line) for line in log.splitlines()]


class Piped:
    """A server that writes to a pipe which is read when we say so."""

    def __init__(self, **env):
        self.reader, writer = os.pipe()
        self.process = subprocess.Popen([PROGRAM], stdout=writer, env={**OWN_VARIABLES, **env}, cwd="/")
        os.close(writer)
        self.said = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.close(self.reader)
        self.process.terminate()
        assert self.process.wait(TIMEOUT_S) == 0

    def read_until(self, pattern):
        while not (found := re.search(pattern, self.said)):
            before = len(self.said)
            self.make_room()
            assert len(self.said) > before, self.said
        return found

    def make_room(self):
        self.said += os.read(self.reader, 65536)

    def fill(self):
        """Makes it small, and waits until it does not become fuller."""
        fcntl.fcntl(self.reader, fcntl.F_SETPIPE_SZ, 8192)
        before = -1
        while before < self.n_unread():
            before = self.n_unread()
            for _ in range(100):
                self.process.send_signal(signal.SIGHUP)
                time.sleep(0.003)

    def n_unread(self):
        return struct.unpack("i", fcntl.ioctl(self.reader, termios.FIONREAD, b"\0" * 4))[0]


class Logs(unittest.TestCase):
    def text_of_a_life(self, **env):
        """The lines of a server that was started and stopped, without its first screen."""
        with tempfile.TemporaryDirectory() as folder:
            p = Process([PROGRAM], folder, PORT="0", HOST="127.0.0.1", METRICS_ENABLED="0", **env)
            p.expect(r"(?s)listens on.*docs/configuration.md")
            self.assertEqual(p.stop(), 0)
            return [line for line in p.output().splitlines() if re.match(STAMP, line)]

    def test_json_has_the_members_of_the_original(self):
        server = Server()
        self.addCleanup(server.stop)
        for record in records(server.log()):
            self.assertEqual(list(record), MEMBERS)
            self.assertRegex(record["timestamp"], f"^{STAMP}$")
            self.assertIn(record["level"], ("INFO", "WARN"))
            self.assertIsInstance(record["fields"]["message"], str)
            self.assertEqual(record["target"], "sockudo")

    def test_json_stays_one_object_per_line_when_many_threads_write(self):
        server = Server(
            [app(max_connections=1)], workers=4, logging={"level": "trace", "format": "json"},
            rate_limiter={"enabled": True, "api_rate_limit": {"max_requests": 1}},
        )
        self.addCleanup(server.stop)

        def crowd(number):
            for i in range(40):
                with server.connect() as c:
                    c.send(f'GET /app/{KEY}?x="\x1b[2J{number}{i} HTTP/1.1\r\n\r\n'.encode())
                    c.rest()
                server.get("/apps/app-id/channels")
                if i % 10 == 0:
                    server.signal(signal.SIGHUP)

        threads = [threading.Thread(target=crowd, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        found = records(server.log())
        self.assertGreater(len(found), 8)
        for record in found:
            self.assertEqual(list(record), MEMBERS)

    def test_text_is_time_level_target_phrase_and_fields(self):
        lines = self.text_of_a_life()
        self.assertGreater(len(lines), 2)
        for line in lines:
            self.assertRegex(line, rf"^{STAMP} (ERROR| WARN| INFO) sockudo: [a-z]")
        self.assertRegex("\n".join(lines), r" INFO sockudo: http server listening listen_addr=127\.0\.0\.1:\d+ workers=")

    def test_the_target_can_be_left_out(self):
        for line in self.text_of_a_life(LOG_INCLUDE_TARGET="false"):
            self.assertNotIn("sockudo: ", line)

    def test_nobody_waits_for_who_does_not_read_the_log(self):
        with Piped(PORT="0", HOST="127.0.0.1", METRICS_ENABLED="0", SOCKUDO_MAX_CONNECTIONS="1") as server:
            port = int(server.read_until(rb"http server listening listen_addr=[^ ]*:(\d+)")[1])
            server.fill()
            with Ws(port) as served, Ws(port) as refused:
                served.event()
                self.assertEqual(refused.event()["data"]["code"], 4100)  # which its worker has logged
                served.fence()
            server.make_room()
            server.process.send_signal(signal.SIGHUP)  # which is worth a line
            server.read_until(rb"log lines lost lines=\d+")

    def test_levels_follow_the_rules_of_the_variables(self):
        for env, levels in (
            ({}, {"INFO", "WARN"}),
            ({"LOG_LEVEL": "warn"}, {"WARN"}),
            ({"LOG_LEVEL": "off"}, set()),
            ({"RUST_LOG": "warn", "LOG_LEVEL": "trace"}, {"WARN"}),
            ({"RUST_LOG": "off,sockudo=info,hyper=trace"}, {"INFO", "WARN"}),
            ({"RUST_LOG": "hyper=off,tower_http=debug"}, {"INFO", "WARN"}),  # nothing about us
            ({"SOCKUDO_LOG_PROD": "warn", "SOCKUDO_LOG_DEBUG": "debug"}, {"WARN"}),
            ({"SOCKUDO_LOG_PROD": "off", "SOCKUDO_LOG_DEBUG": "warn", "DEBUG": "1"}, {"WARN"}),
            ({"DEBUG_MODE": "true"}, {"DEBUG", "INFO", "WARN"}),
        ):
            with self.subTest(env):
                found = {line.split()[1] for line in self.text_of_a_life(**env)}
                self.assertEqual(found, levels)


if __name__ == "__main__":
    unittest.main()
