"""A real nginx for a test: its own folder, its own ports, and let through whatever it can be talked into."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

CONFIG = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    {temporary}
    client_max_body_size 20m;
    lingering_timeout 100ms;
    client_body_buffer_size 16k;
    large_client_header_buffers 4 128k;
    ignore_invalid_headers off;
    underscores_in_headers on;
    merge_slashes off;
    proxy_http_version 1.1;
    proxy_next_upstream off;
    proxy_ignore_client_abort on;
    proxy_set_header Host $http_host;
    proxy_set_header X-Sender $remote_addr/$connection_requests;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    add_header X-From $connection_requests/$upstream_status always;
    map $http_upgrade $connection_upgrade {{ websocket upgrade; default ""; }}
    {servers}
}}
"""
SERVER = """
    upstream {name} {{ server 127.0.0.1:{upstream}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        proxy_request_buffering {buffering};
        location / {{ proxy_pass http://{name}; }}
    }}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Nginx:
    """upstreams: {name: (upstream's port, whether bodies are read before they are sent on)}; ports: {name: its own}."""

    def __init__(self, upstreams):
        program = shutil.which("nginx", path=PATH)
        if not program:
            raise unittest.SkipTest("no nginx: Debian's package nginx-light is not installed")
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-nginx-"))
        self.ports = {name: free_port() for name in upstreams}
        servers = [
            SERVER.format(name=name, upstream=port, buffering="on" if is_buffered else "off", port=self.ports[name])
            for name, (port, is_buffered) in upstreams.items()
        ]
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n    ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        (self.folder / "nginx.conf").write_text(CONFIG.format(temporary=temporary, servers="".join(servers)))
        self.process = subprocess.Popen(
            [program, "-p", self.folder, "-c", "nginx.conf", "-e", "error.log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for port in self.ports.values():
                self.await_port(port)
        except BaseException:
            self.stop()
            raise

    def await_port(self, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError("nginx did not start:\n" + (self.folder / "error.log").read_text())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)
