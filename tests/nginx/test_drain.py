"""SIGTERM to a node behind nginx: its clients go elsewhere, and no request is lost."""

import threading
import time
import unittest

from scene import NginxCase


class Drain(NginxCase):
    """SIGTERM to one of several nodes. Events do not cross from node to node here: each publish is answered by one."""

    def publish_until(self, nginx, stop, statuses):
        event = {"name": "e", "channel": "news", "data": "x"}
        while not stop.is_set():
            with nginx.http() as http:
                for _ in range(20):
                    statuses.append(http.call("POST", "/apps/app-id/events", (), event).status)

    def test_no_request_is_lost_while_a_node_is_drained(self):
        for name in ["nodes-health", "nodes-least-conn"]:
            with self.subTest(name):
                servers = [self.server(shutdown_grace_period=2) for _ in range(3)]
                nginx = self.nginx(name, *servers)
                peers = [self.closing(nginx.client()) for _ in range(6)]
                stop, statuses = threading.Event(), []
                threads = [
                    threading.Thread(target=self.publish_until, args=(nginx, stop, statuses)) for _ in range(4)
                ]
                for thread in threads:
                    thread.start()
                time.sleep(0.3)
                servers[0].signal()
                servers[0].process.wait(20)
                time.sleep(0.3)
                stop.set()
                for thread in threads:
                    thread.join()
                self.assertEqual(len(peers), 6)
                self.assertGreater(len(statuses), 200)
                self.assertEqual({s: statuses.count(s) for s in set(statuses)}, {200: len(statuses)})

    def test_who_comes_while_a_node_is_drained_is_soon_at_another(self):
        first, second = self.server(shutdown_grace_period=4), self.server()
        peers = [self.closing(first.client()) for _ in range(600)]  # to be told one after the other
        nginx = self.nginx("nodes-round-robin", first, second, "127.0.0.1:9 down")
        clients = self.pusher_js(nginx)
        first.signal()
        self.assertEqual(peers[0].event()["event"], "pusher:error")
        for i in range(6):
            clients.connect(i, nginx)
            clients.subscribe(i, "news")
        first.wait()
        for i in range(6):
            clients.await_heard(client=i, channel="news", event="pusher:subscription_succeeded")
        self.assertEqual(nginx.publish("news", "hello", "all"), 200)
        clients.await_heard(times=6, channel="news", event="hello")

    def test_clients_of_a_drained_node_come_back_at_another(self):
        first, second = self.server(shutdown_grace_period=2), self.server()
        nginx = self.nginx("nodes-round-robin", first, second, "127.0.0.1:9 down")
        clients = self.pusher_js(nginx)
        for i in range(6):
            clients.connect(i, nginx)
            clients.subscribe(i, "news")
        since = len(clients.heard)
        first.signal()
        clients.await_heard(since, times=3, channel="news", event="pusher:subscription_succeeded")
        self.assertEqual(nginx.publish("news", "hello", "all"), 200)
        clients.await_heard(since, times=6, channel="news", event="hello")


if __name__ == "__main__":
    unittest.main()
