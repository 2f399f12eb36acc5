"""Every file of packaging/nginx does its work as it is."""

import re
import unittest

from scene import FILES, NAME, Listener, Nginx, NginxCase, configurations, harness

SOURCE = "127.7.0.9"


class Recorder(Listener):
    """A server that keeps the head of each connection's first request and answers 404."""

    def __init__(self):
        self.heads = []
        super().__init__()

    def serve(self, peer):
        with peer:
            self.heads.append(peer.recv(65536).split(b"\r\n\r\n")[0].decode())
            peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def headers_of(head):
    return dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])


class Files(NginxCase):
    def test_pusher_js_hears_what_is_published_through_every_file(self):
        server = self.server()
        for name in configurations():
            with self.subTest(name):
                nginx = self.nginx(name, server, server, server)
                clients = self.pusher_js(nginx)
                clients.connect("c", nginx)
                clients.subscribe("c", "news")
                self.assertEqual(nginx.publish("news", "hello", name), 200)
                clients.await_heard(channel="news", event="hello", data=name)

    def test_health_is_for_the_world_and_the_rest_is_not(self):
        server = self.server()
        for name in configurations():
            with self.subTest(name):
                nginx = self.nginx(name, server, server, server)
                for path in ["/up", "/up/", "/up/app-id"]:
                    self.assertEqual((path, nginx.get(path).status), (path, 200))
                for path in ["/", "/stats", "/usage", "/metricsx", "/index.html"]:
                    self.assertEqual((path, nginx.get(path).status), (path, 404))

    def test_server_is_told_who_asks_and_how(self):
        recorder = self.stopping(Recorder())
        for name in configurations():
            with self.subTest(name):
                nginx = self.nginx(name, *[recorder.address] * 3)
                recorder.heads.clear()
                requests = [harness.upgrade_request(nginx.port), harness.request("GET", "/apps/app-id/channels")]
                for data in [re.sub(rb"Host: [^\r]*", f"Host: {NAME}".encode(), data) for data in requests]:
                    with nginx.http(SOURCE) as http:
                        self.assertEqual(http.ask(data).status, 404)
                socket_headers, api_headers = map(headers_of, recorder.heads)
                for headers in socket_headers, api_headers:
                    self.assertEqual(headers["host"], NAME)
                    self.assertEqual(headers["x-real-ip"], SOURCE)
                    self.assertEqual(headers["x-forwarded-for"], SOURCE)
                    self.assertEqual(headers["x-forwarded-proto"], "https" if nginx.has_tls else "http")
                self.assertEqual((socket_headers["connection"], socket_headers["upgrade"]), ("upgrade", "websocket"))
                self.assertNotIn("connection", api_headers)
                self.assertNotIn("upgrade", api_headers)

    def test_main_file_is_accepted_and_takes_the_sites_in(self):
        nginx = self.nginx("minimal")
        text = (FILES / "nginx.conf").read_text()
        for old, new in [
            ("/etc/nginx/mime.types", "types.conf"),
            ("/etc/nginx/modules-enabled/*.conf", "modules-enabled/*.conf"),
            ("/etc/nginx/conf.d/*.conf", "site.conf"),
            ("/etc/nginx/sites-enabled/*", "sites-enabled/*"),
            ("/run/nginx.pid", "main.pid"),
            ("/var/log/nginx/", f"{nginx.folder}/"),
            ("user www-data;", ""),
        ]:
            self.assertIn(old, text)
            text = text.replace(old, new)
        (nginx.folder / "types.conf").write_text("types { text/html html; }\n")
        (nginx.folder / "main.conf").write_text(text)
        done = nginx.run("-T", "-c", "main.conf")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("# configuration file ./site.conf", done.stdout.replace(f"{nginx.folder}", "."))
        self.assertIn("upstream sockudo_backend", done.stdout)

    def test_what_files_have_in_common_is_the_same_in_all(self):
        """Blocks and settings with the same first line differ only where their file's purpose is."""
        common = [
            r"map \$http_upgrade \$connection_upgrade \{.*?\n\}\n",
            r"    proxy_http_version 1\.1;\n(?:    proxy_set_header [^\n]*\n)+",
            r"    client_max_body_size [^\n]*\n",
            r"    location /up \{.*?\n    \}\n",
            r"    location / \{\n        return 404.*?\n    \}\n",
            r"    location /apps/ \{.*?\n    \}\n",
            r"        proxy_connect_timeout 5s;\n        proxy_send_timeout 60s;\n.*?\n    \}\n",
            r"    ssl_ciphers [^\n]*\n",
        ]
        texts = [(FILES / f"{name}.conf").read_text() for name in configurations()]
        for pattern in common:
            with self.subTest(pattern):
                found = {found for text in texts for found in re.findall(pattern, text, re.S)}
                self.assertEqual(len(found), 1)

    def test_every_difference_from_the_guide_is_explained(self):
        page = (FILES.parents[1] / "docs/nginx.md").read_text()
        explained = set(re.findall(r"(?m)^\| (\d\d?) \|", page))
        used = {n for name in configurations() for n in re.findall(r"\[(\d+)\]", (FILES / f"{name}.conf").read_text())}
        self.assertEqual(used, explained)
        for name in configurations():
            self.assertIn(f"{name}.conf", page)


class Corrections(NginxCase):
    """What each correction is for: without it, this happens."""

    def test_health_without_slash_would_be_redirected(self):
        server = self.server()
        nginx = self.nginx("production", server, change=[("location /up {", "location /up/ {")])
        self.assertEqual(nginx.get("/up").status, 301)

    def test_metrics_on_the_port_of_another_upstream_would_not_start(self):
        with self.assertRaisesRegex(AssertionError, 'upstream "sockudo_backend" may not have port 9601'):
            Nginx("metrics", [], change=[("http://sockudo_metrics", "http://sockudo_backend:9601")])

    def test_a_batch_of_large_events_passes(self):
        server = self.server()
        batch = {"batch": [{"name": "e", "channel": "news", "data": "x" * 104_857}] * 10}
        for change, status in [((), 200), ([("    client_max_body_size 10m;\n", "")], 413)]:
            nginx = self.nginx("minimal", server, change=change)
            self.assertEqual(nginx.call("POST", "/apps/app-id/batch_events", batch).status, status)


if __name__ == "__main__":
    unittest.main()
