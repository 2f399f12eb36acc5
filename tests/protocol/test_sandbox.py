"""The running server is in its sandbox, with all its threads, and says so.

What the sandbox refuses is tried by src/io/sandbox_test.c and src/main/confine_test.c.
"""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import IS_SANITIZED, PROGRAM, TIMEOUT_S, Server, ServerCase


def confinement(server):
    """{thread: (NoNewPrivs, Seccomp)}"""
    found = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        text = (task / "status").read_text()
        found[(task / "comm").read_text().strip()] = tuple(
            int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1]) for field in ("NoNewPrivs", "Seccomp")
        )
    return found


class Sandbox(ServerCase):
    settings = {"workers": 2}

    def setUp(self):
        missing = re.search(r'"sandbox incomplete".*', self.server.log())
        if missing:
            self.skipTest(missing[0])

    def test_every_thread_is_in_it(self):
        threads = confinement(self.server)
        self.assertLessEqual({"worker-0", "worker-1", "hub"}, set(threads))
        self.assertEqual(set(threads.values()), {(1, 2)})

    def test_the_log_says_so(self):
        self.assertRegex(self.server.log(), r'"sandbox entered","calls":\d\d,"paths":\d\d')

    def test_it_can_be_required(self):
        self.start(sandbox="required")


class Off(unittest.TestCase):
    def test_it_can_be_switched_off(self):
        server = Server(sandbox="off")
        self.addCleanup(server.stop)
        self.assertEqual(set(confinement(server).values()), {(0, 0)})
        self.assertIn('"sandbox off"', server.log())


@unittest.skipUnless(IS_SANITIZED, "the build has a sandbox")
class Required(unittest.TestCase):
    def test_without_one_the_server_does_not_start(self):
        with tempfile.TemporaryDirectory() as folder:
            env = {"SOCKUDO_SANDBOX": "required", "HOST": "127.0.0.1", "PORT": "0", "METRICS_ENABLED": "false"}
            run = subprocess.run(
                [PROGRAM], capture_output=True, text=True, cwd=folder, env=env, timeout=TIMEOUT_S, check=False
            )
        self.assertEqual(run.returncode, 1)
        self.assertIn('sandbox is "required", and this is a build with sanitizers', run.stderr)


if __name__ == "__main__":
    unittest.main()
