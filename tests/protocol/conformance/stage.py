"""Where cases are played: servers of several settings, and lanes on them that do not hear each other.

A lane is an app. Its channels are its own, so that many cases can go on at a time against one server.
"""

import json
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from conformance.case import ANSWERS, CHANNEL, CUTS, LEAVES
from conformance.compression import WINDOWS
from conformance.peer import COMPRESSED, SMALL, Forbidden, Peer
from harness import CLOSE, SECRET, TEXT, Frame, Server, app, close_payload, frame, hexmac, succeeded

LANES = 12  # at a time
BIG_LANES = 2  # of messages that fill memory
GRACE_MS = 3000
FENCE = "fence"

SETTINGS = {
    "plain": {"websocket": {"close_grace_ms": GRACE_MS}},
    "large": {"websocket_max_payload_kb": 16 * 1024, "websocket": {"close_grace_ms": GRACE_MS}},
    "small frames": {"websocket": {"max_frame_size": 1000, "max_message_size": 3000, "close_grace_ms": GRACE_MS}},
    "small messages": {"websocket": {"max_message_size": 3000, "close_grace_ms": GRACE_MS}},
    **{mode: {"websocket": {"compression": mode, "close_grace_ms": GRACE_MS}} for mode, _ in WINDOWS},
}


class Stage:
    """Starts a server when the first case wants it; `stop` ends them all, and each has to end well."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(LANES)
        self.lock = threading.Lock()
        self.houses = {}

    def play(self, case):
        """A promise of [] or of what was wrong, line by line."""
        return self.pool.submit(self._play, case)

    def _play(self, case):
        with self.lock:
            if case.server not in self.houses:
                self.houses[case.server] = House(case.server)
            house = self.houses[case.server]
        key = house.lanes.get()
        try:
            return play(case, house.server.port, key)
        finally:
            house.lanes.put(key)

    def stop(self):
        self.pool.shutdown()
        problems = []
        for name, house in self.houses.items():
            try:
                house.server.stop()
            except AssertionError as e:
                problems.append(f"{name}: {e}")
        if problems:
            raise AssertionError("\n".join(problems))


class House:
    def __init__(self, name):
        n = BIG_LANES if name == "large" else LANES
        apps = [app(f"app-{i}", f"key-{i}") for i in range(n)]
        self.server = Server(apps, **SETTINGS[name])
        self.lanes = queue.SimpleQueue()
        for one in apps:
            self.lanes.put(one["key"])


# A case


def play(case, port, key):
    try:
        with Peer(port, key, case.offers) as speaker, Peer(port, key, case.listener_offers) as listener:
            return converse(case, key, speaker, listener)
    except (Forbidden, OSError) as e:
        return [f"never came so far: {e!r}"]


def converse(case, key, speaker, listener):
    problems = answers_that_differ(case, speaker, case.offers)
    problems += answers_that_differ(case, listener, case.listener_offers)
    for peer in (speaker, listener):
        subscribe(peer, key)
    says = case.says() if callable(case.says) else case.says
    relays = case.relays() if callable(case.relays) else case.relays
    problems += differences("speaker", expected_of_speaker(case), speak(case, says, speaker, listener))
    problems += differences("listener", expected_of_listener(relays, listener), listen(listener))
    return problems and [*problems, f"said {brief(says)} in pieces of {list(case.pieces) or 'all'}"]


def answers_that_differ(case, peer, offers):
    """Whoever offers is answered alike."""
    expected = case.answer if offers else None
    if peer.extension == expected:
        return []
    return [f"offered {' | '.join(offers)}", f"  expected {expected}", f"  answered {peer.extension}"]


def subscribe(peer, key):
    greeting = peer.next()
    if not isinstance(greeting, Frame):
        raise Forbidden(f"no greeting: {greeting}")
    socket_id = json.loads(json.loads(greeting.payload)["data"])["socket_id"]
    auth = f"{key}:{hexmac(f'{socket_id}:{CHANNEL}', SECRET)}"
    ask(peer, {"channel": CHANNEL, "auth": auth})
    answer = peer.next()
    if answer != Frame(0x81, succeeded(CHANNEL).encode()):
        raise Forbidden(f"not an acknowledgement: {answer}")


def ask(peer, data):
    peer.say(frame(TEXT, json.dumps({"event": "pusher:subscribe", "data": data})))


def speak(case, says, speaker, listener):
    if case.end == LEAVES:
        says += frame(CLOSE, close_payload(1000))
    try:
        speaker.say(says, case.pieces, meanwhile=(speaker, listener))
    except Forbidden as e:
        return [str(e)]
    if case.end == CUTS:
        speaker.cut()
    return speaker.hear(answers=case.end == ANSWERS)


def listen(listener):
    """What the listener has heard when the hub has done everything that the speaker caused."""
    ask(listener, {"channel": FENCE})
    heard = []
    while not heard or heard[-1] != ACKNOWLEDGED and not isinstance(heard[-1], str):
        try:
            heard.append(listener.next())
        except Forbidden as e:
            heard.append(str(e))
    listener.leave()
    return heard + listener.hear(answers=False)


ACKNOWLEDGED = Frame(0x81, succeeded(FENCE).encode())
GOODBYE = Frame(0x88, close_payload(1000))


def expected_of_speaker(case):
    return [*case.hears, *([] if case.close is None else [Frame(0x88, case.close)]), "end of stream"]


def expected_of_listener(relays, listener):
    return [*(relayed(text, listener) for text in relays), ACKNOWLEDGED, GOODBYE, "end of stream"]


def relayed(text, listener):
    is_compressed = listener.inflate and len(text) >= SMALL
    return Frame(0x81 | COMPRESSED if is_compressed else 0x81, text)


# Words


def differences(who, expected, heard):
    if expected == heard:
        return []
    at = next((i for i, (a, b) in enumerate(zip(expected, heard)) if a != b), min(len(expected), len(heard)))
    lines = [f"{who} heard {at} of {len(expected)} items as expected, then"]
    for name, items in (("expected", expected), ("heard", heard)):
        lines += [f"  {name} {brief(item)}" for item in items[at : at + 4]] or [f"  {name} nothing"]
    return lines


def brief(item):
    if isinstance(item, Frame):
        return f"{item.first:02x} {brief(item.payload)}"
    if isinstance(item, bytes):
        return f"{item!r}" if len(item) <= 200 else f"{item[:90]!r} … {item[-60:]!r} ({len(item)} octets)"
    return item
