"""The load generator finds exactly the mistakes that a server makes.

The server here speaks as much of the protocol as the generator needs, and makes one kind of mistake with every
103rd delivery, or none. $SOCKUDO_LOAD is the generator.
"""

import asyncio
import json
import os
import resource
import unittest

FAULT_INTERVAL = 103
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def text_frame(event):
    payload = json.dumps(event, separators=(",", ":")).encode()
    n = len(payload)
    return (bytes([0x81, n]) if n < 126 else bytes([0x81, 126, n >> 8, n & 255])) + payload


def stream_of(frame):
    at = frame.index(b"~b~") + 3
    return frame[at : at + 4]


class Server:
    def __init__(self, fault=None, closes=False):
        self.fault, self.closes = fault, closes
        self.channels = {}  # name → [writer]
        self.held = {}  # writer → frame
        self.n_deliveries = self.n_faults = 0

    # Mistakes

    def deliver(self, writer, frame):
        self.n_deliveries += 1
        is_due = self.n_deliveries % FAULT_INTERVAL == 0
        if writer in self.held:
            self.deliver_with_held(writer, frame)
        elif self.fault == "swap_streams":
            if writer is self.victim() and self.n_faults == 0:
                self.held[writer] = frame
            else:
                writer.write(frame)
        elif not is_due or self.fault is None:
            writer.write(frame)
        else:
            getattr(self, self.fault)(writer, frame)

    def lose(self, writer, frame):
        self.n_faults += 1

    def repeat(self, writer, frame):
        self.n_faults += 1
        writer.write(frame + frame)

    def swap(self, writer, frame):
        self.held[writer] = frame

    def stray(self, writer, frame):
        self.n_faults += 1
        writer.write(frame)
        next(w for writers in self.channels.values() for w in writers if w is not writer).write(frame)

    def deliver_with_held(self, writer, frame):
        held = self.held.pop(writer)
        if self.fault == "swap_streams" and stream_of(held) == stream_of(frame):
            writer.write(held + frame)
        else:
            self.n_faults += 1
            writer.write(frame + held)

    def victim(self):
        """One subscriber from the middle."""
        writers = next(iter(self.channels.values()))
        return writers[len(writers) // 2]

    # Protocol

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if head.startswith("GET /app/app-key?"):
                    return await self.serve_websocket(reader, writer)
                await self.serve_publish(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve_publish(self, head, reader, writer):
        length = int(head.split("Content-Length: ")[1].split("\r\n")[0])
        event = json.loads(await reader.readexactly(length))
        for channel in event["channels"]:
            frame = text_frame({"event": event["name"], "channel": channel, "data": event["data"]})
            for subscriber in self.channels.get(channel, []):
                self.deliver(subscriber, frame)
        close = "Connection: close\r\n" if self.closes else ""
        writer.write(f'HTTP/1.1 200 OK\r\n{close}content-length: 11\r\n\r\n{{"ok":true}}'.encode())
        if self.closes:
            raise ConnectionError

    async def serve_websocket(self, reader, writer):
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n\r\n"
        )
        writer.write(text_frame({"event": "pusher:connection_established", "data": "{}"}))
        while True:
            event = await self.read_event(reader)
            channel = event["data"]["channel"]
            self.channels.setdefault(channel, []).append(writer)
            writer.write(
                text_frame({"event": "pusher_internal:subscription_succeeded", "channel": channel, "data": "{}"})
            )

    async def read_event(self, reader):
        head = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        payload = await reader.readexactly(head[1] & 127)
        return json.loads(bytes(c ^ mask[i % 4] for i, c in enumerate(payload)))

    # One run of the generator

    async def measure_now(self, scenario):
        listener = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        port = listener.sockets[0].getsockname()[1]
        generator = await asyncio.create_subprocess_exec(
            os.environ["SOCKUDO_LOAD"], "--scenario", scenario, "--port", str(port),
            "--warm-up-ms", "0", "--measured-ms", "400", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await generator.communicate()
        listener.close()
        return generator.returncode, output

    def measure(self, scenario):
        status, output = asyncio.run(self.measure_now(scenario))
        if status != 0:
            raise AssertionError(f"the generator ended with status {status}")
        return json.loads(output)


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def assert_counts(self, figures, **expected):
        names = ("lost", "duplicated", "out_of_order", "stray")
        self.assertGreater(figures["received"], 0)
        self.assertEqual({n: figures[n] for n in names}, {**dict.fromkeys(names, 0), **expected})

    def test_finds_nothing_wrong_with_a_correct_server(self):
        for scenario in ("g1", "g2", "g6", "g7"):
            with self.subTest(scenario):
                server = Server()
                figures = server.measure(scenario)
                self.assert_counts(figures)
                self.assertEqual(figures["received"], server.n_deliveries)

    def test_publishes_to_a_server_that_closes_after_each_answer(self):
        figures = Server(closes=True).measure("g2")
        self.assert_counts(figures)

    def test_counts_every_lost_message(self):
        server = Server("lose")
        figures = server.measure("g6")
        self.assertGreater(server.n_faults, 0)
        self.assert_counts(figures, lost=server.n_faults)

    def test_counts_every_repeated_message(self):
        server = Server("repeat")
        figures = server.measure("g6")
        self.assertGreater(server.n_faults, 0)
        self.assert_counts(figures, duplicated=server.n_faults)

    def test_counts_every_message_out_of_order(self):
        server = Server("swap")
        figures = server.measure("g6")
        self.assertGreater(server.n_faults, 0)
        self.assert_counts(figures, out_of_order=server.n_faults, lost=len(server.held))

    def test_notices_a_subscriber_that_sees_another_order_than_the_others(self):
        server = Server("swap_streams")
        figures = server.measure("g2")
        self.assertEqual(server.n_faults, 1)
        self.assert_counts(figures, out_of_order=1)

    def test_counts_messages_of_a_foreign_channel(self):
        server = Server("stray")
        figures = server.measure("g7")
        self.assertGreater(server.n_faults, 0)
        self.assert_counts(figures, stray=server.n_faults)


if __name__ == "__main__":
    unittest.main()
