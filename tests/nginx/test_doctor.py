"""`sockudo doctor` has nothing to say against the files that we ship."""

import json
import subprocess
import unittest

from scene import TIMEOUT_S, Nginx, Server, UnixServer, address_of, configurations, harness

NODES_MAX = 3


def examine(nginx):
    scheme, ca = ("https", ["--ca", nginx.certificates.folder / "cert.pem"]) if nginx.has_tls else ("http", [])
    args = [harness.PROGRAM, "doctor", f"{scheme}://127.0.0.1:{nginx.port}", "--json", "--idle", "0", *ca]
    done = subprocess.run(args, capture_output=True, text=True, timeout=3 * TIMEOUT_S)
    assert done.stderr == "", done.stderr
    return done.returncode, json.loads(done.stdout)


class Files(unittest.TestCase):
    def test_none_of_our_files_has_a_problem(self):
        for name in configurations():
            with self.subTest(name):
                server = UnixServer() if name == "unix-socket" else Server()
                nginx = None
                try:
                    address = f"unix:{server.path}" if name == "unix-socket" else address_of(server)
                    nginx = Nginx(name, [address] * NODES_MAX)
                    status, report = examine(nginx)
                    found = [f["finding"] for f in report["findings"]]
                    # The certificate of a test lives for two days.
                    self.assertEqual((status, set(found) - {"cert-expires-soon"}), (0, set()), report)
                finally:
                    if nginx:
                        nginx.stop()
                    server.stop()


if __name__ == "__main__":
    unittest.main()
