"""The client library `pysher` for Python, as a driver of the SDK matrix (matrix/player.mjs).

It signs its subscriptions itself, with the app's secret. It binds events by name only, so this listens to the names that
the cells use, and it leaves the roster of a presence channel to its user.
"""

import json
import queue
import threading
from collections import defaultdict

from lines import serve, write
from pysher import Pusher

EVENTS = ("sample", "n", "x", "price", "client-typing", "client-end", "pusher:cache_miss")
WAIT_S = 10


class Driver:
    def __init__(self):
        self.subscribing = threading.Lock()
        self.names = defaultdict(dict)  # channel → user id → name

    def connect(self, host, port, key, secret, member, **_):
        self.socket = Pusher(
            key, secure=False, custom_host=host, port=port, secret=secret,
            user_data={"user_id": str(member["user_id"]), "user_info": member["user_info"]},
        )
        outcome = Outcome()
        connection = self.socket.connection
        connection.event_handler = self.handle
        connection.bind("pusher:connection_established", lambda data: outcome.put(json.loads(data)["socket_id"]))
        connection.bind("pusher:error", self.failed, outcome)
        self.socket.connect()
        return outcome.get()

    def subscribe(self, channel):
        outcome = Outcome()
        with self.subscribing:
            subscription = self.socket.subscribe(channel)
            for event in EVENTS:
                subscription.bind(event, self.heard, channel, event)
            subscription.bind("pusher_internal:subscription_succeeded", self.subscribed, channel, outcome)
            subscription.bind("pusher_internal:member_added", self.joined, channel)
            subscription.bind("pusher_internal:member_removed", self.left, channel)
        return outcome.get()

    def unsubscribe(self, channel):
        self.socket.unsubscribe(channel)

    def trigger(self, channel, event, data):
        self.socket.channel(channel).trigger(event, data)

    # On the thread of the connection

    def handle(self, event, data, channel):
        """Keeps an answer until the callbacks of its channel are bound, which pysher allows only after asking."""
        with self.subscribing:
            self.socket._connection_handler(event, data, channel)

    def failed(self, error, outcome):
        write({"event": "error", "data": error["code"]})
        outcome.put(RuntimeError(f"refused with {error['code']}"))

    def heard(self, data, channel, event):
        write({"channel": channel, "event": event, "data": json.loads(data) if isinstance(data, str) else data})

    def subscribed(self, data, channel, outcome):
        members = json.loads(data).get("presence", {}).get("hash", {})
        self.names[channel] = {user: info["name"] for user, info in members.items()}
        outcome.put(sorted(self.names[channel].values()))

    def joined(self, data, channel):
        member = json.loads(data)
        name = self.names[channel][member["user_id"]] = member["user_info"]["name"]
        write({"channel": channel, "event": "joined", "data": name})

    def left(self, data, channel):
        write({"channel": channel, "event": "left", "data": self.names[channel].pop(json.loads(data)["user_id"])})


class Outcome(queue.Queue):
    """What another thread finds out: a value, or an exception to raise."""

    def get(self):
        value = super().get(timeout=WAIT_S)
        if isinstance(value, Exception):
            raise value
        return value


serve(Driver())
