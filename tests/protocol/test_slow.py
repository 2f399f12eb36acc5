"""Crowds of slow peers, by slowhttptest in its four ways: they are cut off, and nobody else has to wait for that.

How long the others wait is printed, not judged: it belongs to the machine as much as to the server.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

from harness import PING_TEXT, PONG_TEXT, TIMEOUT_S, ServerCase, until

CROWD = 200
WAYS = {  # how it is slow → options
    "heads": ["-H", "-i", "1", "-u", "/up"],
    "bodies": ["-B", "-i", "1", "-s", "4096", "-u", "/apps/app-id/events"],
    "ranges": ["-R", "-u", "/up"],
    "reading": ["-X", "-k", "10", "-w", "8", "-y", "16", "-n", "5", "-z", "1", "-u", "/apps/app-id/channels"],
}


class Others:
    """A client of each kind that asks all the time, and how long it waited each time."""

    def __init__(self, server):
        self.waits_ms = []
        self.ws, self.http = server.client(), server.http()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.is_over.is_set():
            for ask in (self.ping, self.health):
                begin = time.monotonic()
                assert ask()
                self.waits_ms.append((time.monotonic() - begin) * 1000)

    def ping(self):
        self.ws.say(PING_TEXT)
        return self.ws.text() == PONG_TEXT

    def health(self):
        return self.http.ask(b"GET /up HTTP/1.1\r\n\r\n").status == 200

    def stop(self):
        """The 99th percentile. They were answered to the last question, or there is less than one per question."""
        self.is_over.set()
        self.thread.join(TIMEOUT_S)
        assert not self.thread.is_alive(), "others are not answered"
        assert self.ping() and self.health()
        self.ws.close()
        self.http.close()
        return sorted(self.waits_ms)[len(self.waits_ms) * 99 // 100]


@unittest.skipUnless(shutil.which("slowhttptest"), "Debian's package slowhttptest is not installed")
class Slow(ServerCase):
    settings = {"http_api": {"head_timeout_ms": 1000, "body_timeout_ms": 1000, "idle_timeout_ms": 1000}}

    def setUp(self):
        self.others = None
        self.quiet_ms = self.p99_of(lambda: time.sleep(0.3))

    def p99_of(self, act):
        self.others = Others(self.server)
        try:
            act()
        finally:
            p99_ms = self.others.stop()
        return p99_ms

    def n_open(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def meet(self, options):
        """A crowd comes, and is gone long before it would leave by itself."""
        n_before = self.n_open()
        options = [f"http://127.0.0.1:{self.server.port}{o}" if o.startswith("/") else o for o in options]
        crowd = subprocess.Popen(
            ["slowhttptest", "-c", str(CROWD), "-r", str(10 * CROWD), "-l", "60", "-p", "5", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            # Ranges come one by one, each with its own end.
            has_come = lambda: self.n_open() >= n_before + CROWD // 2 or crowd.poll() is not None  # noqa: E731
            until(has_come, "the crowd did not come")
            assert crowd.poll() in (None, 0), options
            until(lambda: self.n_open() <= n_before + 2, "the crowd is not cut off")
        finally:
            crowd.kill()
            crowd.wait()

    def test_others_do_not_notice(self):
        for way, options in WAYS.items():
            with self.subTest(way):
                p99_ms = self.p99_of(lambda: self.meet(options))
                print(
                    f"# slow {way}: p99 {p99_ms:.2f} ms with {CROWD} of them, {self.quiet_ms:.2f} ms without",
                    file=sys.stderr,
                )


if __name__ == "__main__":
    unittest.main()
