"""The Debian package holds a server that runs, and gives nobody more than is needed."""

import gzip
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "SOCKUDO_APP_KEY": "k", "SOCKUDO_APP_SECRET": "s"}


def output(*args, **how):
    return subprocess.run(args, check=True, capture_output=True, text=True, **how).stdout


@unittest.skipUnless(shutil.which("dh"), "no debhelper: the package is not built")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb = ROOT / output("tools/build-deb", cwd=ROOT).strip()
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        subprocess.run(["dpkg-deb", "-x", cls.deb, cls.root], check=True)
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", cls.deb], stdout=subprocess.PIPE) as tar:
            with tarfile.open(fileobj=tar.stdout, mode="r|") as archive:
                cls.members = {m.name.removeprefix("./"): m for m in archive}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_program_runs_from_where_it_is_installed(self):
        said = output(self.root / "usr/bin/sockudo", "--version")
        version = re.search(r"version: '(.*)'", (ROOT / "meson.build").read_text())[1]
        self.assertIn(version, said)
        self.assertEqual(output("dpkg-deb", "-f", self.deb, "Version").strip(), version)

    def test_configuration_is_accepted_with_the_variables_that_installation_makes(self):
        file = self.root / "etc/sockudo/config.json"
        done = subprocess.run(
            [self.root / "usr/bin/sockudo", "--config", file, "--print-config"],
            env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(file.read_text())["host"], "127.0.0.1")

    def test_configuration_is_the_administrators_and_secret(self):
        self.assertEqual(output("dpkg-deb", "-I", self.deb, "conffiles").strip(), "/etc/sockudo/config.json")
        self.assertEqual(self.members["etc/sockudo/config.json"].mode, 0o640)

    def test_nothing_is_set_uid_or_writable_and_all_is_roots(self):
        for name, member in self.members.items():
            self.assertEqual((name, member.uid, member.gid), (name, 0, 0))
            self.assertEqual((name, member.mode & (stat.S_ISUID | stat.S_ISGID | 0o022)), (name, 0))

    def test_what_belongs_to_a_service_is_there(self):
        for path in [
            "lib/systemd/system/sockudo.service",
            "usr/lib/sysusers.d/sockudo.conf",
            "usr/lib/tmpfiles.d/sockudo.conf",
            "usr/share/bash-completion/completions/sockudo",
            "usr/share/man/man1/sockudo.1.gz",
            "usr/share/doc/sockudo/CHANGELOG.md",
            "usr/share/doc/sockudo/configuration.md",
            "usr/share/doc/sockudo/examples/example.json",
            "usr/share/doc/sockudo/examples/example.toml",
            "usr/share/doc/sockudo/copyright",
        ]:
            self.assertIn(path, self.members)

    def test_every_nginx_file_is_among_the_examples(self):
        examples = "usr/share/doc/sockudo/examples/nginx/"
        for file in (ROOT / "packaging/nginx").iterdir():
            self.assertIn(examples + file.name, self.members)

    def test_links_between_the_pages_lead_somewhere(self):
        folder = self.root / "usr/share/doc/sockudo"
        for page in ("README.md", "CHANGELOG.md", "nginx.md", "installation.md"):
            for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", (folder / page).read_text()):
                if link not in ("bench/README.md", "CONTRIBUTING.md"):
                    self.assertTrue((folder / link).exists(), f"{page}: {link}")

    def test_manual_page_knows_every_command(self):
        page = gzip.decompress((self.root / "usr/share/man/man1/sockudo.1.gz").read_bytes()).decode()
        commands = set(re.findall(r"(?m)^  \S*sockudo \[?([a-z]+)", output(self.root / "usr/bin/sockudo", "--help")))
        self.assertIn("publish", commands)
        for command in commands:
            self.assertRegex(page, rf"sockudo \[?{command}\b")


if __name__ == "__main__":
    unittest.main()
