"""The only server behind nginx is restarted: its clients come back soon, and no request is lost while somebody listens.

SOCKUDO_FIGURES=1 prints how long it took.
"""

import os
import threading
import time
import unittest

from scene import NginxCase

GRACE_S = 4


class Restart(NginxCase):
    def clients(self, nginx, count):
        clients = self.pusher_js(nginx)
        for i in range(count):
            clients.connect(i, nginx)
            clients.subscribe(i, "news")
        return clients

    def back_ends(self, nginx, count=4):
        """Publish without a pause, each over a connection of its own that nginx keeps alive; answers what ends it.

        What they get (status, or the problem) is in the list, with the time.
        """
        stop, got = threading.Event(), []

        def run():
            while not stop.is_set():
                try:
                    got.append((time.monotonic(), nginx.publish("news", "e")))
                except OSError as problem:
                    got.append((time.monotonic(), problem))
                time.sleep(0.002)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()

        def end():
            stop.set()
            for thread in threads:
                thread.join()
            return got

        self.addCleanup(end)
        return end

    def say(self, what):
        if os.environ.get("SOCKUDO_FIGURES"):
            print(f"# {self.id().rsplit('.', 1)[1]}: {what}")

    def test_clients_come_back_within_seconds(self):
        first = self.server(shutdown_grace_period=GRACE_S)
        port = first.port
        nginx = self.nginx("minimal", first)
        clients = self.clients(nginx, 6)
        end = self.back_ends(nginx)
        since, start = len(clients.heard), time.monotonic()
        first.stop()
        ended = time.monotonic()
        self.server(port=port)
        started = time.monotonic()
        clients.await_heard(since, times=6, event="pusher:subscription_succeeded")
        back = time.monotonic()
        self.say(f"gone after {ended - start:.2f} s, there again {started - ended:.2f} s later; "
                 f"6 clients back {back - ended:.2f} s after the end, {back - start:.2f} s after the signal")  # fmt: skip
        self.assertLess(back - ended, 5)
        # While nobody listens nginx says so; else every request is answered.
        lost = [(at - ended, what) for at, what in end() if what != 200 and not ended - 0.3 < at < started + 0.1]
        self.assertEqual(lost, [])


if __name__ == "__main__":
    unittest.main()
