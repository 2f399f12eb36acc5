"""The program as its user meets it: the first start, the commands that it prints, exit codes, signals."""

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import PROGRAM, TIMEOUT_S, until

OWN_VARIABLES = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


class Process:
    """A running program whose output goes to a file, so that it can be looked at while it runs."""

    def __init__(self, args, folder, **env):
        self.path = Path(tempfile.mkstemp(dir=folder)[1])
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                [str(a) for a in args], cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env={**OWN_VARIABLES, **env},
            )

    def output(self):
        return self.path.read_text(errors="replace")

    def expect(self, pattern):
        """Waits until the pattern is in the output."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            found = re.search(pattern, self.output())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        found = re.search(pattern, self.output())
        if found:
            return found
        raise AssertionError(f"no {pattern!r} in:\n{self.output()}")

    def wait(self):
        return self.process.wait(TIMEOUT_S)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()


def frame(opcode, payload, is_last=True):
    """An unmasked frame, as a server sends it."""
    n = len(payload)
    head = bytes([opcode | (0x80 if is_last else 0)])
    if n < 126:
        return head + bytes([n]) + payload
    return head + (b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)) + payload


def accept_websocket(listener):
    """The server's half of a handshake, for whoever comes."""
    peer, _ = listener.accept()
    peer.settimeout(TIMEOUT_S)
    request = b""
    while b"\r\n\r\n" not in request:
        request += peer.recv(4096)
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request).group(1)
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    return peer


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sockudo-commands-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.started = []
        self.addCleanup(lambda: [p.stop() for p in reversed(self.started)])

    def start(self, *args, **env):
        self.started.append(Process([PROGRAM, *args], self.folder, **env))
        return self.started[-1]

    def serve(self, *args, **env):
        """A server on a free port. Answers it and its address."""
        env = {"PORT": "0", "HOST": "127.0.0.1", "SOCKUDO_WORKERS": "1", **env}
        server = self.start(*args, **env)
        port = server.expect(r"http server listening listen_addr=[^ ]*:(\d+)").group(1)
        return server, f"http://127.0.0.1:{port}"

    def run_program(self, *args, **env):
        return subprocess.run(
            [PROGRAM, *args], cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT_S,
            env={**OWN_VARIABLES, **env},
        )

    def write_config(self, text):
        path = Path(self.folder) / "test.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    # The first start

    def test_the_two_commands_of_the_first_screen_deliver_an_event(self):
        server, _ = self.serve()
        self.assertIn("serving the demo app", server.output())
        commands = re.findall(r"^    (\S+ (?:watch|publish) .*)$", server.output(), re.M)
        self.assertEqual(len(commands), 2)
        watch = Process(shlex.split(commands[0]), self.folder)
        self.started.append(watch)
        watch.expect("watching my-channel")
        publish = subprocess.run(shlex.split(commands[1]), capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual((publish.returncode, publish.stdout), (0, "published my-event on my-channel\n"))
        watch.expect(r'(?m)^my-channel my-event {"hello":"world"}$')

    def test_a_pipe_gets_no_colours(self):
        server, _ = self.serve()
        self.assertNotIn("\x1b", server.output())

    def test_json_logs_are_json_alone(self):
        server = self.start(PORT="0", HOST="127.0.0.1", LOG_OUTPUT_FORMAT="json")
        server.expect('"http server listening"')
        self.assertEqual(server.stop(), 0)
        events = [json.loads(line) for line in server.output().splitlines()]
        self.assertGreater(len(events), 2)

    def test_secrets_of_real_apps_are_not_printed(self):
        app = {"SOCKUDO_DEFAULT_APP_ID": "i", "SOCKUDO_DEFAULT_APP_KEY": "k", "SOCKUDO_DEFAULT_APP_SECRET": "hush-hush"}
        server, _ = self.serve(**app, LOG_LEVEL="trace")
        self.assertIn("PUSHER_APP_KEY=k", server.output())
        printed = self.run_program("--print-config", **app)
        server.stop()
        self.assertNotIn("hush", server.output() + printed.stdout)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_by_default_it_listens_on_ipv4_and_ipv6(self):
        _, url = self.serve(HOST="")
        port = int(url.rsplit(":", 1)[1])
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), TIMEOUT_S).close()

    # Clients

    def test_watch_signs_private_and_presence_channels(self):
        _, url = self.serve()
        for channel in ("private-x", "presence-x"):
            watch = self.start("watch", "--url", url, channel)
            watch.expect(f"watching {channel}")
            publish = self.run_program("publish", "--url", url, channel, "e", "two\nlines")
            self.assertEqual(publish.returncode, 0, publish.stderr)
            watch.expect(rf"(?m)^{channel} e two\\nlines$")

    def test_watch_sees_members_come(self):
        _, url = self.serve()
        first = self.start("watch", "--url", url, "presence-x", "--user-id", "ann")
        first.expect("watching")
        self.start("watch", "--url", url, "presence-x", "--user-id", "bob")
        first.expect(r'presence-x pusher_internal:member_added .*"user_id":"bob"')

    def test_credentials_come_from_the_environment_too(self):
        app = {"SOCKUDO_DEFAULT_APP_ID": "i", "SOCKUDO_DEFAULT_APP_KEY": "k", "SOCKUDO_DEFAULT_APP_SECRET": "s"}
        _, url = self.serve(**app)
        self.assertEqual(self.run_program("publish", "--url", url, "c", "e", "d", **app).returncode, 0)

    def test_a_refused_publish_says_what_the_server_said(self):
        _, url = self.serve()
        done = self.run_program("publish", "--url", url, "--secret", "wrong", "c", "e", "d")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^sockudo publish: the server refused: 401 .*\nIs this the app?")

    def test_a_refused_watch_says_what_the_server_said(self):
        _, url = self.serve()
        for args in (["--key", "nobody", "c"], ["--secret", "wrong", "private-c"], ["bad channel"]):
            done = self.run_program("watch", "--url", url, *args)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "^sockudo watch: .+")

    def test_without_a_server_it_says_what_to_start(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{s.getsockname()[1]}"
            for args in (["publish", "--url", url, "c", "e", "d"], ["watch", "--url", url, "c"]):
                done = self.run_program(*args)
                self.assertEqual(done.returncode, 1)
                self.assertIn("nothing listens there; start the server first", done.stderr)

    def test_clients_speak_through_a_unix_socket(self):
        path = Path(self.folder) / "s.sock"
        server = self.start(UNIX_SOCKET_ENABLED="true", UNIX_SOCKET_PATH=str(path))
        server.expect("listening")
        watch = self.start("watch", "--url", f"unix:{path}", "c")
        watch.expect("watching c")
        self.assertEqual(self.run_program("publish", "--url", f"unix:{path}", "c", "e", "d").returncode, 0)
        watch.expect("(?m)^c e d$")

    def test_health_is_an_exit_code(self):
        server, url = self.serve()
        port = url.rsplit(":", 1)[1]
        for args, env in (([url], {}), ([], {"PORT": port}), ([], {"PORT": port, "HOST": "0.0.0.0"})):
            done = self.run_program("health", *args, **env)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "up\n", ""))
        server.stop()
        done = self.run_program("health", url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing listens there", done.stderr)

    def test_health_asks_where_the_configuration_says(self):
        path = Path(self.folder) / "s.sock"
        apps = [{"id": "1", "key": "k", "secret": "s", "enabled": True}]
        unix = {"enabled": True, "path": str(path)}
        config = self.write_config({"unix_socket": unix, "app_manager": {"array": {"apps": apps}}})
        self.assertEqual(self.run_program("health", "-c", config).returncode, 1)
        self.start("-c", config).expect("listening")
        self.assertEqual(self.run_program("health", "-c", config).returncode, 0)

    def test_health_speaks_the_proxy_protocol_where_it_has_to(self):
        apps = [{"id": "1", "key": "k", "secret": "s", "enabled": True}]
        common = {"host": "127.0.0.1", "metrics": {"enabled": False}, "app_manager": {"array": {"apps": apps}}}
        for trusted in (["loopback"], ["none"]):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            config = self.write_config({**common, "port": port, "proxy_protocol": True, "trusted_proxies": trusted})
            server = self.start("-c", config)
            server.expect("http server listening")
            self.assertEqual(self.run_program("health", "-c", config).returncode, 0)
            server.stop()

    def test_a_server_that_is_not_well_is_not_healthy(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            health = self.start("health", f"http://127.0.0.1:{listener.getsockname()[1]}")
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nDRAINING")
            self.assertEqual(health.wait(), 1)
        self.assertIn("/up says 503 DRAINING", health.output())

    def test_watch_ends_when_the_server_does(self):
        server, url = self.serve()
        watch = self.start("watch", "--url", url, "c")
        watch.expect("watching c")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(watch.wait(), 1)
        self.assertIn("sockudo watch: the server says 4200: Server shutting down", watch.output())

    def test_watch_reads_frames_of_every_shape(self):
        event = lambda data: json.dumps({"event": "e", "channel": "c", "data": data}).encode()  # noqa: E731
        established = json.dumps({"event": "pusher:connection_established", "data": '{"socket_id":"1.2"}'}).encode()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            watch = self.start("watch", "--url", f"http://127.0.0.1:{listener.getsockname()[1]}", "c")
            with accept_websocket(listener) as peer:
                peer.sendall(frame(1, established[:9], False) + frame(9, b"ping") + frame(0, b"", False))
                peer.sendall(frame(0, established[9:]))
                for byte in frame(1, event("slow")):
                    peer.sendall(bytes([byte]))
                peer.sendall(frame(1, event("m" * 300)) + frame(1, event("l" * 70000)) + frame(1, event("last")))
                peer.sendall(b"\x81\x81aaaab")  # masked: not allowed from a server
                self.assertEqual(watch.wait(), 1)
                pong = peer.recv(4096)
        self.assertEqual(pong[:2], b"\x8a\x84")
        self.assertEqual(bytes(a ^ b for a, b in zip(pong[2:6], pong[6:10])), b"ping")
        self.assertEqual(
            watch.output().splitlines(),
            ["c e slow", "c e " + "m" * 300, "c e " + "l" * 70000, "c e last", "sockudo watch: not a WebSocket frame"],
        )

    # Exit codes

    def test_help_and_version(self):
        version = self.run_program("--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^sockudo \d+\.\d+\.\d+\n$")
        done = self.run_program("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("publish CHANNEL EVENT DATA", "watch CHANNEL", "--config", "SOCKUDO_DEFAULT_APP_ID"):
            self.assertIn(word, done.stdout)

    def test_a_wrong_command_line_is_exit_code_2(self):
        done = self.run_program("--confg", "x")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.splitlines()[0], "sockudo: unknown option --confg, did you mean --config?")

    def test_a_wrong_file_is_exit_code_2_with_all_its_problems(self):
        path = self.write_config('{\n  "prot": 1,\n  "host": 5\n}')
        done = self.run_program("--config", path)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(
            done.stderr,
            f'sockudo: {path}:2:3: prot: unknown key, did you mean "port"?\n'
            f"sockudo: {path}:3:11: host: expected a text of 1 to 253 bytes, got 5\n",
        )

    def test_only_ten_problems_are_shown(self):
        path = self.write_config({f"unknown-{i}": 1 for i in range(13)})
        done = self.run_program("--config", path)
        self.assertEqual(len(done.stderr.splitlines()), 11)
        self.assertEqual(done.stderr.splitlines()[-1], "sockudo: and 3 more (sockudo check shows all)")

    def test_a_wrong_variable_is_exit_code_2(self):
        done = self.run_program(PORT="many")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(
            done.stderr,
            'sockudo: environment: PORT: expected a whole number from 0 to 65535, got "many"\n',
        )

    def test_a_missing_file_is_exit_code_2(self):
        done = self.run_program("-c", "nowhere.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nowhere.json: cannot be read: No such file or directory", done.stderr)

    def test_the_demo_app_is_refused_in_production(self):
        done = self.run_program(ENVIRONMENT="production")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the demo app is not served in production", done.stderr)

    def test_a_port_in_use_is_exit_code_1_and_says_what_to_do(self):
        _, url = self.serve()
        port = url.rsplit(":", 1)[1]
        done = self.run_program(HOST="127.0.0.1", PORT=port)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"port {port} is in use: stop the other server", done.stderr)

    def test_a_host_that_is_not_ours_is_exit_code_1(self):
        for host in ("192.0.2.77", "no-such-host.invalid"):
            done = self.run_program(HOST=host, PORT="0")
            self.assertEqual(done.returncode, 1)
            self.assertIn(host, done.stderr)

    # Life

    def test_sigterm_and_sigint_end_it_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server, _ = self.serve()
            server.process.send_signal(number)
            self.assertEqual(server.wait(), 0)
            self.assertIn("stopped", server.output())

    def test_a_second_signal_does_not_wait_for_clients(self):
        server, url = self.serve(SHUTDOWN_GRACE_PERIOD="3600")
        host, port = url[len("http://"):].split(":")
        # Takes part in nothing: it never answers the Close frame, and never closes.
        with socket.create_connection((host, int(port)), TIMEOUT_S) as client:
            client.sendall(
                b"GET /app/app-key?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            self.assertIn(b" 101 ", client.recv(4096))
            server.process.terminate()
            server.expect("draining")
            server.process.terminate()
            self.assertEqual(server.wait(), 0)

    def test_a_unix_socket_is_served_and_removed(self):
        path = Path(self.folder) / "made/deep/sockudo.sock"
        server = self.start(UNIX_SOCKET_ENABLED="true", UNIX_SOCKET_PATH=str(path), UNIX_SOCKET_PERMISSION_MODE="600")
        server.expect(f"unix socket server listening path={path}")
        self.assertIn(f" watch --url unix:{path} my-channel\n", server.output())
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(str(path))
            client.sendall(b"GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 "))
        second = self.run_program(UNIX_SOCKET_ENABLED="true", UNIX_SOCKET_PATH=str(path))
        self.assertEqual(second.returncode, 1)
        self.assertIn("is in use by another server", second.stderr)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(path.exists())

    def test_a_unix_socket_never_takes_the_place_of_something_else(self):
        path = self.write_config("precious")
        done = self.run_program(UNIX_SOCKET_ENABLED="true", UNIX_SOCKET_PATH=str(path))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{path} is not a socket, and is left alone\n", done.stderr)
        self.assertEqual(path.read_text(), "precious")

    def test_a_unix_socket_that_somebody_else_has_taken_over_is_left_to_him(self):
        path = Path(self.folder) / "sockudo.sock"
        settings = {"UNIX_SOCKET_ENABLED": "true", "UNIX_SOCKET_PATH": str(path)}
        first = self.start(**settings)
        first.expect("unix socket server listening")
        path.unlink()
        second = self.start(**settings)
        second.expect("unix socket server listening")
        self.assertEqual(first.stop(), 0)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        self.assertEqual(second.stop(), 0)
        self.assertFalse(path.exists())

    def test_an_address_of_another_machine_is_told_apart(self):
        done = self.run_program(HOST="192.0.2.1", PORT="0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot listen on 192.0.2.1:0: this machine has no such address\n", done.stderr)

    def test_a_reload_that_is_asked_for_during_the_start_is_made_after_it(self):
        fifo = Path(self.folder) / "config.json"
        os.mkfifo(fifo)
        config = '{"port": 0, "host": "127.0.0.1", "metrics": {"enabled": false}, "activity_timeout": %d}'
        server = self.start("-c", fifo, SOCKUDO_SANDBOX="off")
        writer = os.open(fifo, os.O_WRONLY)  # it waits for us to write
        server.process.send_signal(signal.SIGHUP)
        os.write(writer, (config % 100).encode())
        os.close(writer)
        server.expect("http server listening")
        fifo.write_text(config % 50)
        server.expect("reload_keys_changed n=1 keys=activity_timeout")
        self.assertEqual(server.stop(), 0)

    def test_closed_standard_descriptors_are_not_given_to_something_else(self):
        command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PROGRAM]
        env = {**OWN_VARIABLES, "PORT": "0", "METRICS_ENABLED": "false"}
        with subprocess.Popen(command, cwd=self.folder, env=env) as process:
            try:
                descriptors = Path(f"/proc/{process.pid}/fd")
                until(lambda: len(list(descriptors.iterdir())) > 5, "the server opens its loops")
                self.assertEqual({os.readlink(descriptors / n) for n in "012"}, {"/dev/null"})
            finally:
                process.terminate()


if __name__ == "__main__":
    unittest.main()
