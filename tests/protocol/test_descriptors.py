"""When there are no descriptors left: nothing spins, nothing is lost, and health can be asked."""

import json
import unittest
from pathlib import Path

from harness import ServerCase, Stream, until

DESCRIPTORS = 80


def cpu_seconds(pid):
    """What it has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class FewDescriptors(ServerCase):
    def setUp(self):
        self.server = self.start(descriptors=DESCRIPTORS)

    def fill_with_websockets(self):
        """As many as are let in."""
        inside = []
        while True:
            ws = self.closing(self.server.ws())
            event = ws.event()
            if event["event"] == "pusher:error":
                return inside, event["data"], ws
            inside.append(ws)
            assert len(inside) < DESCRIPTORS

    def log_lines(self, event):
        return [json.loads(line) for line in self.server.log().splitlines() if f'"{event}"' in line]

    def test_websockets_leave_a_reserve_for_health_and_the_api(self):
        inside, refusal, refused = self.fill_with_websockets()
        self.assertEqual(refusal, {"code": 4100, "message": "Over capacity"})
        self.assertEqual(refused.close_frame()[0], 4100)
        self.assertGreater(len(inside), DESCRIPTORS // 2)
        for _ in range(DESCRIPTORS):
            answer = self.server.get("/up", sign=False)
            self.assertEqual((answer.status, answer.header("connection")), (200, "close"))
        self.assertEqual(self.server.get("/apps/app-id/channels").status, 200)
        self.assertIn("LimitNOFILE", str(self.log_lines("over capacity")))

    def test_those_inside_go_on_and_a_place_that_is_free_is_given_again(self):
        inside, _, _ = self.fill_with_websockets()
        inside[0].subscribe("news")
        self.server.publish("news", "hello", "x")
        self.assertEqual(inside[0].event()["event"], "hello")
        for ws in inside[1:]:
            ws.close()
        until(self.is_welcome, "no place is given again")
        self.assertIsNone(self.server.get("/up", sign=False).header("connection"))

    def is_welcome(self):
        with self.server.ws() as ws:
            return ws.event()["event"] == "pusher:connection_established"

    def test_a_crowd_that_asks_nothing_does_not_keep_health_away(self):
        """More idle connections than descriptors: those of the reserve are taken back within a second."""
        for _ in range(DESCRIPTORS + 8):
            self.closing(Stream(self.server.port))
        until(lambda: self.log_lines("out of descriptors"), "they are not short")
        before = cpu_seconds(self.server.process.pid)
        until(self.is_well, "health is not answered")
        self.assertLess(cpu_seconds(self.server.process.pid) - before, 0.5)
        self.assertLess(len(self.log_lines("out of descriptors")), 10)
        self.assertIn("LimitNOFILE", str(self.log_lines("out of descriptors")))

    def is_well(self):
        try:
            return self.server.get("/up", sign=False).status == 200
        except (OSError, EOFError):
            return False


if __name__ == "__main__":
    unittest.main()
