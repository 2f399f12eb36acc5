"""What nginx keeps away from the server: who asks too often, who may not see the metrics, whose TLS is too old."""

import re
import ssl
import time
import unittest

from scene import NginxCase, UnixServer, address_of, harness


def refused(statuses):
    """How many were, and that by 429; all others were served."""
    n = statuses.count(429)
    assert statuses.count(200) + statuses.count(101) == len(statuses) - n, statuses
    return n


class RateLimits(NginxCase):
    """A limit is a rate and a burst. What a test sends takes some time, for which the rate allows some more."""

    def assert_limited(self, rate, burst, ask):
        """One more than the burst passes at once, and no more than the rate after that."""
        start = time.monotonic()
        statuses = [ask() for _ in range(burst + 1)]
        self.assertEqual(refused(statuses), 0)
        statuses = [ask() for _ in range(20)]
        passed = len(statuses) - refused(statuses)
        self.assertLessEqual(passed, rate * (time.monotonic() - start) + 1)

    def test_each_kind_of_request_has_its_limit(self):
        server = self.server()
        batch = {"batch": [{"name": "e", "channel": "news", "data": "x"}]}
        for name in ["production", "rate-limits"]:
            nginx = self.nginx(name, server)
            kinds = {
                "sockets": (5, 10, nginx.handshake),
                "events": (10, 20, lambda source: nginx.publish(source=source)),
                "reads": (10, 50, lambda source: nginx.call("GET", "/apps/app-id/channels", source=source).status),
            }
            if name == "rate-limits":
                kinds["batches"] = (
                    2, 5, lambda source: nginx.call("POST", "/apps/app-id/batch_events", batch, source).status
                )  # fmt: skip
            for i, (kind, (rate, burst, ask)) in enumerate(kinds.items()):
                with self.subTest(f"{name}: {kind}"):
                    self.assert_limited(rate, burst, lambda: ask(f"127.3.0.{i + 1}"))
                    self.assertNotEqual(ask("127.4.0.1"), 429, "others are not limited with it")

    def test_health_is_not_limited(self):
        nginx = self.nginx("production", self.server())
        self.assertEqual({nginx.get("/up").status for _ in range(100)}, {200})


class OwnLimits(NginxCase):
    """Those of the server, which knows by nginx's headers who asks."""

    LIMITS = {
        "trusted_proxies": ["127.0.0.1", "unix"],  # all of 127.0.0.0/8 would be believed to be proxies otherwise
        "rate_limiter": {
            "enabled": True, "api_rate_limit": {"max_requests": 4}, "websocket_rate_limit": {"max_requests": 3}
        },
    }  # fmt: skip

    def test_each_client_behind_nginx_is_counted_for_itself(self):
        tcp, unix = self.server(**self.LIMITS), self.stopping(UnixServer(**self.LIMITS))
        for name, address in [("minimal", address_of(tcp)), ("unix-socket", f"unix:{unix.path}")]:
            with self.subTest(name):
                nginx = self.nginx(name, address)
                for source in ["127.5.0.1", "127.5.0.2"]:
                    self.assertEqual([nginx.handshake(source) for _ in range(5)], [101] * 3 + [429] * 2)
                    self.assertEqual([nginx.publish(source=source) for _ in range(6)], [200] * 4 + [429] * 2)

    def test_clients_cannot_pose_as_others(self):
        nginx = self.nginx("minimal", self.server(**self.LIMITS))
        statuses = []
        for i in range(6):
            with nginx.http("127.5.0.1") as http:
                headers = [f"X-Forwarded-For: 192.0.2.{i}", f"X-Real-IP: 192.0.2.{i}"]
                statuses.append(http.ask(harness.upgrade_request(nginx.port, headers=headers)).status)
        self.assertEqual(statuses, [101] * 3 + [429] * 3)


class Metrics(NginxCase):
    def test_internal_networks_see_the_metrics_and_others_do_not(self):
        server = self.server(metrics={"enabled": True, "host": "127.0.0.1", "port": 0})
        metrics = re.search(r'"metrics server listening","listen_addr":"(127\.0\.0\.1:\d+)"', server.log())[1]
        # This machine has no address in 10.0.0.0/8, but all of 127.0.0.0/8.
        change = [("allow 10.0.0.0/8;", "allow 127.10.0.0/16;")]
        nginx = self.nginx("metrics", server, metrics=metrics, change=change)
        self.closing(nginx.client())
        allowed = nginx.get("/metrics", source="127.10.0.1")
        self.assertEqual((allowed.status, allowed.header("content-type")[:10]), (200, "text/plain"))
        self.assertRegex(allowed.body.decode(), r'(?m)^sockudo_connected\{app_id="app-id",port="\d+"\} 1$')
        self.assertEqual(nginx.get("/metrics", source="127.11.0.1").status, 403)
        self.assertEqual(nginx.get("/metrics/more", source="127.10.0.1").status, 404)


class Tls(NginxCase):
    def versions(self, nginx):
        """Those with which a client gets an answer."""
        spoken = []
        for version in [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
            context = nginx.certificates.context(version)
            context.set_ciphers("DEFAULT@SECLEVEL=0")  # else it would be the client that refuses
            try:
                with nginx.door(tls=context).open() as peer:
                    spoken.append(peer.version())
            except OSError:
                pass
        return spoken

    def test_tls_1_2_and_1_3_are_spoken_with_either_kind_of_key(self):
        server = self.server()
        for name in ["production", "tls", "unix-socket"]:
            for kind in ["rsa", "ec"]:
                with self.subTest(f"{name}: {kind}"):
                    nginx = self.nginx(name, server, kind=kind)
                    self.assertEqual(self.versions(nginx), ["TLSv1.2", "TLSv1.3"])
                    self.assertEqual(nginx.publish(), 200)

    def test_tls_1_2_would_fail_with_an_ecdsa_key_and_ciphers_for_rsa_only(self):
        ours = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        nginx = self.nginx("production", kind="ec", change=[(ours, "ECDHE-RSA-AES128-GCM-SHA256:")])
        self.assertEqual(self.versions(nginx), ["TLSv1.3"])

    def test_browsers_are_offered_http_2(self):
        nginx = self.nginx("production")
        context = nginx.certificates.context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with nginx.door(tls=context).open() as peer:
            self.assertEqual(peer.selected_alpn_protocol(), "h2")

    def test_http_leads_to_https_and_keeps_the_method(self):
        for name in ["production", "tls"]:
            nginx = self.nginx(name)
            nginx.has_tls = False  # the other door
            target = "/apps/app-id/events?a=1&b=2"
            answer = nginx.call("POST", target, {}, sign=False)
            self.assertEqual((answer.status, answer.header("location")), (308, "https://127.0.0.1" + target))

    def test_browsers_are_told_to_stay_with_https(self):
        server = self.server()
        for name in ["production", "tls"]:
            for path in ["/up", "/"]:
                answer = self.nginx(name, server).get(path)
                self.assertEqual(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains")


class Logs(NginxCase):
    def test_log_tells_where_a_request_went_and_keeps_its_signature_secret(self):
        server = self.server()
        nginx = self.nginx("logging", server)
        self.assertEqual(nginx.publish(source="127.0.0.7"), 200)
        nginx.client("127.0.0.8").close()
        lines = []
        while len(lines) < 2:  # a WebSocket is logged when it has ended
            lines = nginx.log("sockudo-access.log").splitlines()
        self.assertRegex(
            lines[0],
            r'^127\.0\.0\.7 - - \[.*\] "POST /apps/app-id/events HTTP/1\.1" 200 \d+ "-" "-" '
            rf"upstream: 127\.0\.0\.1:{server.port} upstream_response_time: \d+\.\d+ request_time: \d+\.\d+ "
            r"connection: \d+ connection_requests: 1$",
        )
        self.assertRegex(lines[1], r'"GET /app/app-key HTTP/1\.1" 101 ')
        self.assertFalse(re.search("auth_signature", "\n".join(lines)))


if __name__ == "__main__":
    unittest.main()
