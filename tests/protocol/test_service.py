"""What a service manager hears: sd_notify and its watchdog, with a manager made of a socket."""

import os
import signal
import socket
import tempfile
import unittest
from pathlib import Path

from harness import TIMEOUT_S, Server


class Notified(unittest.TestCase):
    def start(self, name, **env):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(name)
        self.manager.settimeout(TIMEOUT_S)
        path = "@" + name[1:] if name.startswith("\0") else name
        saved = dict(os.environ)
        os.environ.update(NOTIFY_SOCKET=path, **env)
        try:
            self.server = Server()
        finally:
            os.environ.clear()
            os.environ.update(saved)
        self.addCleanup(self.stop)

    def stop(self):
        if self.server:
            self.server.stop()

    def hear(self):
        return self.manager.recv(4096).decode()

    def hear_but_watchdog(self):
        while (text := self.hear()) == "WATCHDOG=1":
            pass
        return text

    def check_life(self, name):
        self.start(name)
        ready = f"READY=1\nSTATUS=Serving on 127.0.0.1:{self.server.port}"
        self.assertEqual(self.hear(), ready)
        self.server.signal(signal.SIGHUP)
        self.assertRegex(self.hear(), r"^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=.+")
        self.assertEqual(self.hear(), ready)
        self.server.signal()
        self.assertRegex(self.hear(), r"^STOPPING=1\n")
        self.server.wait()
        self.server = None

    def test_begin_reload_and_end_are_told_to_a_path(self):
        with tempfile.TemporaryDirectory() as folder:
            self.check_life(str(Path(folder) / "notify"))

    def test_the_same_to_an_abstract_name(self):
        self.check_life(f"\0sockudo-test-{os.getpid()}")

    def test_the_watchdog_is_fed_while_idle_loops_sleep(self):
        self.start(f"\0sockudo-test-{os.getpid()}", WATCHDOG_USEC="100000")
        self.assertRegex(self.hear(), "^READY=1")
        for _ in range(5):
            self.assertEqual(self.hear(), "WATCHDOG=1")

    def test_the_watchdog_starves_when_the_server_is_stopped_in_its_tracks(self):
        self.start(f"\0sockudo-test-{os.getpid()}", WATCHDOG_USEC="100000")
        self.assertRegex(self.hear(), "^READY=1")
        self.server.signal(signal.SIGSTOP)
        self.manager.settimeout(0.3)
        try:
            with self.assertRaises(TimeoutError):
                for _ in range(20):
                    self.hear()
        finally:
            self.server.signal(signal.SIGCONT)

    def test_a_manager_that_is_gone_is_no_reason_to_stop(self):
        self.start(f"\0sockudo-test-{os.getpid()}", WATCHDOG_USEC="50000")
        self.hear()
        self.manager.close()
        self.assertEqual(self.server.get("/up").status, 200)


if __name__ == "__main__":
    unittest.main()
