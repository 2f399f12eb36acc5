"""Secrets lie where no core dump and no swap has them.

What a dump of the process would hold is what is looked through here: every readable mapping that is not marked as
left out (VmFlags "dd" in /proc/PID/smaps), before and after traffic that was signed with the secret. Looked for are the
secret and the two prepared SHA-256 states of its HMAC key, each of which signs as well as the secret does.
"""

import functools
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import IS_SANITIZED, PROGRAM, TIMEOUT_S, Server, ServerCase, app

SECRET = "Ux7-not-a-word-of-this-is-anywhere-else-Qz9"
OTHER_SECRET = "Tw5-the-one-that-comes-after-it-by-a-reload-Hp8"
VARIABLE_SECRET = "Vy3-this-one-comes-in-by-a-variable-only-Kk4"


def sha256_block(block):
    """The state after one block: hashlib does not show it, so this is FIPS 180-4 once more."""
    mask = 0xFFFFFFFF
    constants, state = _constants()
    w = list(struct.unpack(">16I", block))
    rotate = lambda x, n: (x >> n | x << (32 - n)) & mask  # noqa: E731
    for i in range(16, 64):
        s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
        s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & mask)
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (e & f ^ ~e & g) + constants[i] + w[i]
        t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & mask, a, b, c, (d + t1) & mask, e, f, g
    return [(x + y) & mask for x, y in zip(state, (a, b, c, d, e, f, g, h))]


def _constants():
    """The first 32 bits of the fractions of the cube and square roots of the first primes."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, n))]

    def fraction(n, power):
        root = int(round(n ** (1 / power)))
        low, high = (root - 1) << 32, (root + 1) << 32
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if middle**power <= n << (32 * power) else (low, middle)
        return low & 0xFFFFFFFF

    return [fraction(p, 3) for p in primes], [fraction(p, 2) for p in primes[:8]]


def key_states(secret):
    """As they lie in memory: eight words of this machine each."""
    block = secret.encode().ljust(64, b"\0")
    return [struct.pack("=8I", *sha256_block(bytes(b ^ pad for b in block))) for pad in (0x36, 0x5C)]


def mappings(pid):
    """(from, to, is left out of dumps, name) of each that can be read."""
    found = None
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line)
        if head:
            found = (int(head[1], 16), int(head[2], 16), head[3], head[4])
        elif line.startswith("VmFlags:") and found[2].startswith("r") and found[3] not in ("[vvar]", "[vsyscall]"):
            yield found[0], found[1], " dd" in line, found[3]


def places(pid, needles, left_out):
    """Where the needles are, in the mappings that are (or are not) left out of dumps."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end, is_left_out, name in mappings(pid):
            if is_left_out != left_out:
                continue
            memory.seek(start)
            try:
                data = memory.read(end - start)
            except OSError:
                continue  # a hole, such as [vvar_vclock]
            found += [(n, f"{start:x} {name}") for n in needles if n in data]
    return found


def await_line(log, pattern):
    deadline = time.monotonic() + TIMEOUT_S
    while not re.search(pattern, log()):
        assert time.monotonic() < deadline, log()
        time.sleep(0.01)


class Scan(unittest.TestCase):
    """The search itself finds what there is."""

    def test_the_states_are_those_of_sha256(self):
        """SHA-256 of an empty text, one block, comes out of it."""
        block = b"\x80".ljust(64, b"\0")
        self.assertEqual(struct.pack(">8I", *sha256_block(block)), hashlib.sha256(b"").digest())

    def test_a_secret_in_the_open_is_found(self):
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(["sleep", "30"], env={"S": SECRET}, stdout=out)
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)
            self.assertTrue(places(child.pid, [SECRET.encode()], left_out=False))


@unittest.skipIf(IS_SANITIZED, "sanitizers keep secrets on their own heap")
class Secrets(ServerCase):
    apps = [app(secret=SECRET)]
    needles = [SECRET.encode(), *key_states(SECRET)]

    def assert_hidden(self, server, needles):
        self.assertEqual(places(server.process.pid, needles, left_out=False), [])

    def traffic(self):
        body = {"name": "e", "channel": "private-c", "data": "x"}
        for _ in range(20):
            self.assertEqual(self.server.post("/apps/app-id/events", body, secret=SECRET).status, 200)
            self.assertEqual(self.server.post("/apps/app-id/events", body, secret="wrong").status, 401)
            self.assertEqual(self.server.get("/apps/app-id/channels", secret=SECRET).status, 200)
        ws = self.client()
        ws.ask("private-c")  # signed with another secret: the HMAC is computed all the same
        self.assertEqual(ws.event()["event"], "pusher:error")

    def test_a_dump_has_none_after_start_and_none_after_signed_traffic(self):
        self.assert_hidden(self.server, self.needles)
        self.traffic()
        self.assert_hidden(self.server, self.needles)

    def test_a_dump_has_none_after_the_configuration_was_read_again(self):
        server = Server([app(secret=SECRET)])
        self.addCleanup(server.stop)
        path = server.folder / "config.json"
        path.write_text(path.read_text().replace(SECRET, OTHER_SECRET))
        server.signal(signal.SIGHUP)
        await_line(server.log, "reloaded")
        self.assertEqual(server.get("/apps/app-id/channels", secret=OTHER_SECRET).status, 200)
        self.assert_hidden(server, [*self.needles, OTHER_SECRET.encode(), *key_states(OTHER_SECRET)])

    def test_they_are_where_they_belong(self):
        """That is: the search looks for the right bytes."""
        found = places(self.server.process.pid, self.needles, left_out=True)
        self.assertEqual({n for n, _ in found}, set(self.needles))


TOML = """
host = "127.0.0.1"
port = 0
logging.format = "json"
metrics.enabled = false
[[app_manager.array.apps]]
id = "app-id"
key = "app-key"
secret = \"\"\"%s\"\"\"
enabled = true
"""


@unittest.skipIf(IS_SANITIZED, "sanitizers keep secrets on their own heap")
class Files(unittest.TestCase):
    def started(self, arguments, **env):
        """The pid of a server, and what reads its log."""
        log = self.folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen([PROGRAM, *arguments], stdout=out, stderr=out, cwd=self.folder, env=env)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        await_line(log.read_text, "server listening")
        return process.pid, log.read_text

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-secrets-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, pid):
        needles = [SECRET.encode(), *key_states(SECRET)]
        self.assertEqual(places(pid, needles, left_out=False), [])
        self.assertEqual({n for n, _ in places(pid, needles, left_out=True)}, set(needles))

    def test_a_dump_has_none_that_came_in_by_toml(self):
        (self.folder / "a.toml").write_text(TOML % SECRET)
        pid, _ = self.started(["--config", "a.toml"])
        self.check(pid)

    def test_a_dump_has_none_that_came_in_by_a_file_of_its_own_not_even_the_second_time(self):
        (self.folder / "secret").write_text(SECRET + "\n")
        app = {"SOCKUDO_DEFAULT_APP_ID": "a", "SOCKUDO_DEFAULT_APP_KEY": "k"}
        pid, log = self.started(
            [], HOST="127.0.0.1", PORT="0", METRICS_ENABLED="false", **app,
            SOCKUDO_DEFAULT_APP_SECRET_FILE=str(self.folder / "secret"),
        )
        self.check(pid)
        os.kill(pid, signal.SIGHUP)
        await_line(log, "reloaded")
        self.check(pid)


@unittest.skipIf(IS_SANITIZED, "sanitizers keep secrets on their own heap")
class Variables(unittest.TestCase):
    def test_a_dump_has_none_that_came_in_by_the_environment(self):
        os.environ["SOCKUDO_TEST_SECRET"] = VARIABLE_SECRET
        self.addCleanup(os.environ.pop, "SOCKUDO_TEST_SECRET")
        server = Server([app(secret="${SOCKUDO_TEST_SECRET}")])
        self.addCleanup(server.stop)
        self.assertEqual(server.get("/apps/app-id/channels", secret=VARIABLE_SECRET).status, 200)
        needles = [VARIABLE_SECRET.encode(), *key_states(VARIABLE_SECRET)]
        self.assertEqual(places(server.process.pid, needles, left_out=False), [])

    def test_variables_keep_their_names_for_who_looks_at_the_process(self):
        os.environ["SOCKUDO_TEST_SECRET"] = VARIABLE_SECRET
        self.addCleanup(os.environ.pop, "SOCKUDO_TEST_SECRET")
        server = Server()
        self.addCleanup(server.stop)
        shown = Path(f"/proc/{server.process.pid}/environ").read_bytes()
        self.assertIn(b"SOCKUDO_TEST_SECRET=\0", shown)
        self.assertNotIn(VARIABLE_SECRET.encode(), shown)


def integers(der):
    """Those of a SEQUENCE, as PKCS#1 and SEC1 have it; octet strings too."""

    def length(at):
        n = der[at]
        if n < 0x80:
            return n, at + 1
        return int.from_bytes(der[at + 1 : at + 1 + n - 0x80], "big"), at + 1 + n - 0x80

    _, at = length(1)
    while at < len(der):
        tag = der[at]
        n, at = length(at + 1)
        if tag in (2, 4):
            yield der[at : at + n].lstrip(b"\0")
        at += n


@unittest.skipIf(IS_SANITIZED, "sanitizers keep secrets on their own heap")
class PrivateKeys(unittest.TestCase):
    def make(self, *algorithm):
        """A folder with key.pem and cert.pem, and the numbers of the key that nobody may know."""
        folder = Path(tempfile.mkdtemp(prefix="sockudo-secrets-"))
        self.addCleanup(shutil.rmtree, folder)
        run = functools.partial(subprocess.run, check=True, capture_output=True, cwd=folder)
        run(["openssl", "req", "-x509", "-nodes", "-newkey", *algorithm, "-keyout", "key.pem", "-out", "cert.pem",
             "-subj", "/CN=localhost", "-days", "9"])
        der = run(["openssl", "pkey", "-in", "key.pem", "-outform", "DER", "-traditional"]).stdout
        return folder, [n for n in integers(der) if len(n) > 16]

    def handshakes(self, server):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.maximum_version = version
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", server.port)) as plain, context.wrap_socket(plain) as tls:
                    tls.sendall(b"GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
                    self.assertIn(b" 200 ", tls.recv(100))

    def check(self, secrets, folder):
        """secrets: numbers, big-endian; OpenSSL keeps them the other way round, files in base64 too."""
        files = [(folder / "key.pem").read_bytes().splitlines()[i] for i in (1, 2)]
        numbers = [n for number in secrets for n in (number[:32], number[::-1][:32])]
        server = Server(
            ssl={"enabled": True, "cert_path": str(folder / "cert.pem"), "key_path": str(folder / "key.pem")}
        )
        self.addCleanup(server.stop)
        self.handshakes(server)
        pid = server.process.pid
        self.assertEqual(places(pid, [*numbers, *files], left_out=False), [])
        self.assertTrue(places(pid, numbers, left_out=True))
        return server

    def test_a_dump_has_nothing_of_an_rsa_key(self):
        folder, numbers = self.make("rsa:2048")
        secret = numbers[1:]  # without the modulus
        self.assertEqual(len(secret), 6)  # d, p, q, and what follows from them
        self.check(secret, folder)

    def test_a_dump_has_nothing_of_an_elliptic_key_nor_of_the_one_that_replaces_it(self):
        folder, numbers = self.make("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        server = self.check(numbers[:1], folder)
        other, numbers = self.make("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        for name in ("key.pem", "cert.pem"):
            os.replace(other / name, folder / name)
        server.signal(signal.SIGHUP)
        await_line(server.log, r"certificate in use(.|\n)*certificate in use")
        self.handshakes(server)
        new = [numbers[0], numbers[0][::-1]]
        self.assertEqual(places(server.process.pid, new, left_out=False), [])
        self.assertTrue(places(server.process.pid, new, left_out=True))


if __name__ == "__main__":
    unittest.main()
