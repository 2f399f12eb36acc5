"""The server library `pusher` for Python, as a driver of the SDK matrix (matrix/player.mjs)."""

from lines import serve
from pusher import Pusher


class Driver:
    def open(self, host, port, appId, key, secret, encryptionKey):
        self.sdk = Pusher(
            app_id=appId, key=key, secret=secret, host=host, port=port, ssl=False,
            encryption_master_key_base64=encryptionKey,
        )

    def publish(self, channels, event, data, socketId=None):
        self.sdk.trigger(channels, event, data, socketId)

    def batch(self, events):
        self.sdk.trigger_batch(events)

    def channels(self, prefix, info):
        return self.sdk.channels_info(prefix, info.split(","))["channels"]

    def channel(self, channel, info):
        return self.sdk.channel_info(channel, info.split(","))

    def users(self, channel):
        return [user["id"] for user in self.sdk.users_info(channel)["users"]]

    def authorize(self, socketId, channel, member=None):
        signed = self.sdk.authenticate(channel, socketId, member)
        if "shared_secret" in signed:
            signed["shared_secret"] = signed["shared_secret"].decode()
        return signed

    def authenticate(self, socketId, user):
        return self.sdk.authenticate_user(socketId, user)

    def send(self, user, event, data):
        self.sdk.send_to_user(user, event, data)

    def terminate(self, user):
        self.sdk.terminate_user_connections(user)

    def webhook(self, key, signature, body):
        webhook = self.sdk.validate_webhook(key, signature, body)
        return webhook and webhook["events"]


serve(Driver())
