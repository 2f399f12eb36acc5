"""The unit of systemd: what it takes away is not missed."""

import grp
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/protocol"))

import harness  # noqa: E402
from harness import Server, until  # noqa: E402

UNIT = ROOT / "packaging/systemd/sockudo.service"
EXPOSURE_MAX = 1.2  # of 10: what a server on the network cannot do without


def settings():
    """{name: values} of the unit."""
    found = {}
    for name, value in re.findall(r"(?m)^(\w+)=(.*)$", UNIT.read_text()):
        found.setdefault(name, []).append(value)
    return found


def system_calls(group):
    """Those in one of systemd's groups."""
    args = ["systemd-analyze", "syscall-filter", group]
    lines = subprocess.run(args, check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    calls = set()
    for name in (line.strip() for line in lines):
        if name.startswith("@"):
            calls |= system_calls(name)
        elif name and name[0] != "#":
            calls.add(name)
    return calls


def allowed_calls():
    allowed = set()
    for value in settings()["SystemCallFilter"]:
        names = value.removeprefix("~").split()
        calls = set().union(*(system_calls(n) if n[0] == "@" else {n} for n in names))
        allowed = allowed - calls if value[0] == "~" else allowed | calls
    return allowed


@unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
class Unit(unittest.TestCase):
    def analyze(self, *args):
        return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, check=False)

    def test_every_line_is_understood(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "sockudo.service")
            copy.write_text(re.sub(r"/usr/bin/sockudo\b", "/bin/true", UNIT.read_text()))
            said = self.analyze("verify", "--man=no", copy).stderr
        self.assertNotIn("sockudo.service", said)

    def test_exposure_is_what_the_page_says(self):
        said = self.analyze("security", "--offline=true", "--no-pager", UNIT).stdout
        exposure = re.search(r"exposure level for sockudo\.service: ([\d.]+)", said)[1]
        self.assertLessEqual(float(exposure), EXPOSURE_MAX)
        if self.analyze("--version").stdout.startswith("systemd 252 "):  # Debian's; others weigh otherwise
            self.assertIn(f"**{exposure}**", (ROOT / "docs/installation.md").read_text())

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_no_system_call_of_a_server_at_work_is_filtered(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder, "trace")
            self.work_under(["strace", "-f", "-q", "-o", trace])
            made = set(re.findall(r"(?m)^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", trace.read_text()))
        self.assertGreater(len(made), 30)
        self.assertEqual(made - allowed_calls() - {"execve"}, set())

    def work_under(self, prefix):
        """A life of a server: clients, events, metrics, a reload, an end."""
        server = Traced(prefix)
        try:
            peers = [server.client() for _ in range(3)]
            for ws in peers:
                ws.subscribe("news")
            server.publish("news", "e")
            for ws in peers:
                self.assertEqual(ws.event()["event"], "e")
            for path in ["/up", "/usage", "/stats"]:
                self.assertEqual(server.get(path, sign=False).status, 200)
            port = int(re.search(r'"metrics server listening","listen_addr":"[^"]*:(\d+)"', server.log())[1])
            with harness.Http(port) as http:
                self.assertEqual(http.call("GET", "/metrics", sign=False).status, 200)
            server.signal(signal.SIGHUP)
            until(lambda: '"reloaded"' in server.log(), "no reload")
            for ws in peers:
                ws.close()
        finally:
            server.stop()

    def test_it_may_end_in_peace(self):
        line = subprocess.run([harness.PROGRAM, "--print-config"], capture_output=True, text=True, check=True).stdout
        grace = int(re.search(r'"?shutdown_grace_period"?[^\d\n]*(\d+)', line)[1])
        self.assertGreater(int(settings()["TimeoutStopSec"][0]), grace + 5)


class Traced(Server):
    """A server below another program, which ends with it."""

    def __init__(self, prefix):
        self.prefix = prefix
        program = harness.PROGRAM
        script = Path(tempfile.mkdtemp()) / "run"
        script.write_text(f'#!/bin/sh\nexec {" ".join(map(str, prefix))} {program} "$@"\n')
        script.chmod(0o755)
        try:
            harness.PROGRAM = script
            super().__init__(metrics={"enabled": True, "host": "127.0.0.1", "port": 0})
        finally:
            harness.PROGRAM = program
            shutil.rmtree(script.parent)

    def signal(self, number=15):
        """To the server, not to who watches it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        os.kill(int(children[0]), number)


@unittest.skipUnless(os.geteuid() == 0, "only root can give a folder to a group")
class Socket(unittest.TestCase):
    def test_the_folder_gives_the_socket_to_nginx_and_to_nobody_else(self):
        """As sockudo.tmpfiles makes it, with nogroup for www-data."""
        line = (ROOT / "packaging/systemd/sockudo.tmpfiles").read_text().splitlines()[-1].split()
        self.assertEqual((line[0], line[1], line[3], line[4]), ("d", "/run/sockudo", "sockudo", "www-data"))
        group = grp.getgrnam("nogroup").gr_gid
        with tempfile.TemporaryDirectory() as parent:
            os.chmod(parent, 0o755)
            folder = Path(parent, "sockudo")
            folder.mkdir()
            os.chown(folder, 0, group)
            os.chmod(folder, int(line[2], 8))
            path = folder / "sockudo.sock"
            server = OnSocket(path)
            try:
                found = path.stat()
                self.assertTrue(stat.S_ISSOCK(found.st_mode))
                self.assertEqual((found.st_gid, stat.S_IMODE(found.st_mode)), (group, 0o660))
                self.assertEqual(stat.S_IMODE(folder.stat().st_mode), int(line[2], 8), "the folder is left as it is")
                self.assertTrue(self.reaches(path, group))
                self.assertFalse(self.reaches(path, group - 1))
            finally:
                server.stop()

    def reaches(self, path, group):
        """Can a stranger of this group connect?"""
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
        args = ["setpriv", "--reuid=65534", f"--regid={group}", "--clear-groups", "/usr/bin/python3", "-c", code]
        return subprocess.run(args, capture_output=True, check=False).returncode == 0


class OnSocket(Server):
    def __init__(self, path):
        self.path = path
        super().__init__(unix_socket={"enabled": True, "path": str(path), "permission_mode": "660"})

    def _await_port(self):
        until(self._is_served, "no socket")

    def _is_served(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.path)) == 0


if __name__ == "__main__":
    unittest.main()
