"""The image: what its two stages are told to take is what the program needs, and the program needs nothing more."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "packaging/docker"
PROGRAM = os.environ.get("SOCKUDO", str(ROOT / "build/release/sockudo"))
START_MS_MAX = 50
RESIDENT_KIB_MAX = 5 * 1024


def libraries():
    """The files that the program is linked with, the loader among them."""
    said = subprocess.run(["ldd", PROGRAM], check=True, capture_output=True, text=True).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", said)]


def package_of(library):
    for path in [library, library.resolve(), Path("/usr" + str(library.resolve()))]:
        done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    return None


class Files(unittest.TestCase):
    @unittest.skipUnless(shutil.which("dpkg"), "no dpkg")
    def test_second_stage_has_the_packages_that_the_program_is_linked_with(self):
        text = (DOCKER / "Dockerfile").read_text()
        installed = set(re.search(r"no-install-recommends ([^\\]+) \\", text)[1].split())
        needed = {package_of(library) for library in libraries()} - {"libc6"}
        self.assertLessEqual(needed, installed)

    def test_program_can_be_built_of_what_is_let_in(self):
        allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        with tempfile.TemporaryDirectory() as folder:
            for name in allowed:
                source, target = ROOT / name, Path(folder, name)
                (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
            done = subprocess.run(
                ["meson", "setup", "build", "-Dtests=disabled"], cwd=folder, capture_output=True, text=True, check=False
            )
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_compose_files_mount_is_there(self):
        for file in DOCKER.glob("compose*.yml"):
            for path in re.findall(r"- (\.\./\S+?):", file.read_text()):
                self.assertTrue((DOCKER / path).exists(), f"{file.name}: {path}")

    def test_server_has_time_to_end(self):
        for file in DOCKER.glob("compose*.yml"):
            self.assertIn("stop_grace_period: 45s", file.read_text())


@unittest.skipUnless(os.geteuid() == 0, "only root can change its root")
class Bare(unittest.TestCase):
    """A folder with the program and its libraries as the root: no shell, no /dev, no /proc, no user in a file."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        os.chmod(cls.root, 0o755)
        (cls.root / "app").mkdir()
        for library in libraries():
            target = cls.root / str(library)[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library.resolve(), target)
        shutil.copy(PROGRAM, cls.root / "sockudo")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def start(self, port):
        """The process, once a client was let in."""

        def enter():
            os.chroot(self.root)
            os.chdir("/app")
            os.setgroups([])
            os.setgid(1000)
            os.setuid(1000)

        environment = {"HOST": "127.0.0.1", "PORT": str(port), "METRICS_HOST": "127.0.0.1", "METRICS_PORT": "0"}
        process = subprocess.Popen(
            ["/sockudo"], preexec_fn=enter, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.0005)
        self.fail(f"it ended with {process.returncode}")

    def test_it_starts_quickly_and_small_and_ends_well(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        process = self.start(port)
        milliseconds, kib = running_ms(process.pid), resident_kib(process.pid)
        process.terminate()
        self.assertEqual(process.wait(20), 0)
        self.assertLess(milliseconds, START_MS_MAX)
        self.assertLess(kib, RESIDENT_KIB_MAX)


def running_ms(pid):
    """For how long its threads have had a core: what a start takes, whatever else this machine has to do."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


if __name__ == "__main__":
    unittest.main()
