"""None lost, none twice, in order: a thousand events to fifty subscribers, published over several connections."""

import selectors
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from harness import TIMEOUT_S, ServerCase, request

PUBLISHERS, EVENTS, SUBSCRIBERS = 4, 250, 50


class Reader(threading.Thread):
    """Reads many subscribers until each has heard its `last` events called "last"."""

    def __init__(self, last):
        super().__init__()
        self.heard = {ws: [] for ws in last}
        self.last = dict(last)
        self.problem = None
        self.start()

    def run(self):
        try:
            self.read_all()
        except Exception as problem:
            self.problem = problem

    def read_all(self):
        with selectors.DefaultSelector() as selector:
            for ws in self.heard:
                selector.register(ws.socket, selectors.EVENT_READ, ws)
            while selector.get_map():
                ready = selector.select(TIMEOUT_S)
                assert ready, f"{len(selector.get_map())} subscribers wait in vain"
                for key, _ in ready:
                    self.read(key.data)
                    if self.last[key.data] == 0:
                        selector.unregister(key.fileobj)

    def read(self, ws):
        for event in ws.arrived():
            if event["event"].endswith("last"):
                self.last[ws] -= 1
            else:
                self.heard[ws].append((event["event"], event["channel"], event["data"]))

    def result(self):
        """{subscriber: [(event, channel, data)]}"""
        self.join()
        if self.problem:
            raise self.problem
        return self.heard


def in_parallel(*work):
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(w) for w in work]:
            done.result()


class Delivery(ServerCase):
    settings = {"workers": 1}

    def publish_all(self, bodies, path, in_flight=8):
        """Over one keep-alive connection, some requests ahead of their answers."""
        with self.server.http() as http:
            for i, body in enumerate(bodies):
                http.send(request("POST", path, body=body))
                if i >= in_flight:
                    self.assertEqual(http.answer().status, 200)
            for _ in range(min(in_flight, len(bodies))):
                self.assertEqual(http.answer().status, 200)

    def deliver(self, channels, bodies_of, path="/apps/app-id/events"):
        """What each subscriber heard of what the publishers said. Everybody is on all channels."""
        peers = [self.client() for _ in range(SUBSCRIBERS)]
        for ws in peers:
            for channel in channels:
                ws.subscribe(channel)
        reader = Reader({ws: 1 for ws in peers})
        in_parallel(*[lambda p=p: self.publish_all(bodies_of(p), path) for p in range(PUBLISHERS)])
        self.server.publish(channels[0], "last")
        return list(reader.result().values())

    def assert_complete(self, heard, channel_of=lambda i: "news"):
        for events in heard:
            self.assertEqual(len(events), PUBLISHERS * EVENTS)
            for p in range(PUBLISHERS):
                mine = [(channel, int(n)) for name, channel, n in events if name == f"publisher-{p}"]
                self.assertEqual(mine, [(channel_of(i), i) for i in range(EVENTS)])

    def test_events_reach_all_subscribers_in_one_order(self):
        heard = self.deliver(
            ["news"], lambda p: [{"name": f"publisher-{p}", "channel": "news", "data": str(i)} for i in range(EVENTS)]
        )
        self.assert_complete(heard)
        for events in heard:
            self.assertEqual(events, heard[0])

    def test_events_of_one_publisher_keep_their_order_across_channels(self):
        def channel_of(i):
            return "abc"[i % 3]

        def bodies(p):
            return [{"name": f"publisher-{p}", "channel": channel_of(i), "data": str(i)} for i in range(EVENTS)]

        self.assert_complete(self.deliver("abc", bodies), channel_of)

    def test_batches_keep_their_order(self):
        def bodies(p):
            events = [{"name": f"publisher-{p}", "channel": "news", "data": str(i)} for i in range(EVENTS)]
            return [{"batch": events[i : i + 10]} for i in range(0, EVENTS, 10)]

        self.assert_complete(self.deliver(["news"], bodies, "/apps/app-id/batch_events"))

    def test_client_events_reach_all_others_in_order(self):
        senders = [self.client() for _ in range(4)]
        peers = [self.client() for _ in range(10)]
        for ws in senders + peers:
            ws.subscribe("private-chat")
        reader = Reader({ws: 3 if ws in senders else 4 for ws in senders + peers})

        def send(sender, name):
            for i in range(EVENTS):
                sender.say({"event": f"client-{name}", "channel": "private-chat", "data": i})
            sender.say({"event": "client-last", "channel": "private-chat"})

        in_parallel(*[lambda p=p: send(senders[p], p) for p in range(4)])
        for ws, events in reader.result().items():
            for p, sender in enumerate(senders):
                mine = [n for name, _, n in events if name == f"client-{p}"]
                self.assertEqual(mine, [] if ws is sender else list(range(EVENTS)))


class DeliveryOnManyWorkers(Delivery):
    settings = {"workers": 4}


if __name__ == "__main__":
    unittest.main()
