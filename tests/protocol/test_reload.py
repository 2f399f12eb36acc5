"""SIGHUP: what can change does, while nobody is disturbed; and a configuration that is wrong changes nothing.

SOCKUDO_RELOADS says how often the last test reloads (50, and as often with several workers).
"""

import json
import os
import signal
import threading
import time
import unittest

from harness import IS_SANITIZED, PATH, PONG_TEXT, Server, app, authorize, error, until

RELOADS = int(os.environ.get("SOCKUDO_RELOADS", "50"))
OTHER = {"id": "2", "key": "key-2", "secret": "secret-2"}
OTHER_PATH = PATH.replace("app-key", "key-2")


def records(log):
    """The whole lines."""
    return [json.loads(line)["fields"] for line in log.splitlines() if line.endswith("}")]


class Reload(unittest.TestCase):
    workers = 1

    def start(self, apps=None, **settings):
        server = Server(apps, workers=self.workers, **settings)
        self.addCleanup(server.stop)
        self.file = server.folder / "config.json"
        self.config = json.loads(self.file.read_text())
        return server

    def keep(self, peer):
        self.addCleanup(peer.close)
        return peer

    def lines(self, server, event):
        return [r for r in records(server.log()) if r["message"] == event]

    def reload(self, server, apps=None, good=True, **settings):
        """With these settings beside those of before; returns the lines of the log about it."""
        event = "reloaded" if good else "reload_refused"
        before, n = len(server.log()), len(self.lines(server, event))
        self.config.update(settings)
        if apps is not None:
            self.config["app_manager"]["array"]["apps"] = apps
        self.file.write_text(json.dumps(self.config))
        server.signal(signal.SIGHUP)
        until(lambda: len(self.lines(server, event)) > n, f"no {event}")
        return records(server.log()[before:])

    def test_apps_come_and_go_and_the_others_do_not_notice(self):
        server = self.start([app(), app(**OTHER)])
        stays, goes = self.keep(server.client()), self.keep(server.client(OTHER_PATH))
        stays.subscribe("private-a")
        goes.subscribe("b")
        said = self.reload(server, [app()])
        self.assertEqual([r["ids"] for r in said if r["message"] == "reload_apps_removed"], ["2"])
        self.assertEqual(goes.text(), error(4001, "Application does not exist"))
        self.assertEqual(goes.closed(), (4001, "Application does not exist"))
        stays.fence()
        self.assertEqual(self.keep(server.ws(OTHER_PATH)).text(), error(4001, "Application does not exist"))
        answer = server.get("/apps/2/channels", key="key-2", secret="secret-2")
        self.assertEqual(answer.status, 404)

        said = self.reload(server, [app(**OTHER), app()])
        self.assertEqual([r["ids"] for r in said if r["message"] == "reload_apps_added"], ["2"])
        back = self.keep(server.client(OTHER_PATH))
        back.subscribe("b")
        self.assertEqual(server.get("/apps/2/channels", key="key-2", secret="secret-2").json(), {"channels": {"b": {}}})
        server.publish("private-a", "e", "still there")
        self.assertEqual(stays.event()["data"], "still there")

        said = self.reload(server, [app(**{**OTHER, "enabled": False}), app()])
        self.assertEqual([r["ids"] for r in said if r["message"] == "reload_apps_changed"], ["2"])
        self.assertEqual(back.text(), error(4003, "Application disabled"))
        stays.fence()

    def test_new_key_and_secret_are_for_new_signatures_and_sessions_stay(self):
        server = self.start()
        ws = self.keep(server.client())
        ws.subscribe("private-a")
        self.reload(server, [app(key="new-key", secret="new-secret")])
        ws.ask("private-b")
        self.assertEqual(ws.event()["data"]["code"], 4009)
        auth = authorize(ws.socket_id, "private-b", key="new-key", secret="new-secret")
        ws.ask("private-b", auth=auth)
        self.assertEqual(ws.event()["event"], "pusher_internal:subscription_succeeded")
        self.assertEqual(server.get("/apps/app-id/channels").status, 404)
        answer = server.get("/apps/app-id/channels", key="new-key", secret="new-secret")
        self.assertEqual(answer.json(), {"channels": {"private-a": {}, "private-b": {}}})
        self.assertEqual(self.keep(server.ws(PATH)).text(), error(4001, "Application does not exist"))

    def test_limits_hold_for_what_comes_and_not_for_what_is_there(self):
        server = self.start()
        peers = [self.keep(server.client()) for _ in range(3)]
        self.reload(server, [app(max_connections=1, max_channel_name_length=5)])
        for ws in peers:
            ws.fence()
        refused = self.keep(server.ws())
        self.assertEqual(refused.text(), error(4004, "Application is over connection quota"))
        peers[0].ask("long-name")
        self.assertEqual(peers[0].event()["event"], "pusher:error")
        for ws in peers:
            ws.close()
        until(lambda: server.get("/apps/app-id/channels").status == 200, "the API")
        time.sleep(0.1)
        only = self.keep(server.client())
        only.fence()
        self.reload(server, [app()], max_connections=1)
        self.assertEqual(self.keep(server.ws()).text(), error(4100, "Over capacity"))
        only.fence()

    def test_options_and_log_level_change_and_listeners_do_not(self):
        server = self.start()
        said = self.reload(
            server,
            activity_timeout=17,
            port=server.port + 1,
            logging={"format": "json", "level": "debug"},
            cors={"origin": ["https://a.example"]},
        )
        changed = [r["keys"] for r in said if r["message"] == "reload_keys_changed"]
        self.assertEqual(changed, ["activity_timeout cors.origin logging.level"])
        late = [r["keys"] for r in said if r["message"] == "reload_keys_need_restart"]
        self.assertEqual(late, ["port"])
        established = self.keep(server.ws()).event()
        self.assertEqual(json.loads(established["data"])["activity_timeout"], 17)
        with server.http() as http:
            answer = http.call("GET", "/up", sign=False, headers=["Origin: https://a.example"])
            self.assertEqual(answer.header("access-control-allow-origin"), "https://a.example")
        # Of the start's settings, until somebody restarts: said again.
        said = self.reload(server)
        self.assertEqual([r["message"] for r in said], ["configuration", "reload_keys_need_restart", "reloaded"])

    def test_wrong_configuration_changes_nothing_and_is_reported_like_at_the_start(self):
        server = self.start()
        ws = self.keep(server.client())
        self.config["activity_timeout"] = "soon"
        self.config["app_manager"]["array"]["apps"][0]["enabeld"] = True
        said = self.reload(server, good=False, max_connections=1)
        problems = [r["problem"] for r in said if r["message"] == "configuration" and "demo" not in r["problem"]]
        self.assertEqual(len(problems), 2)
        self.assertRegex(problems[0], r'config\.json:1:\d+: activity_timeout: expected a whole number')
        self.assertRegex(problems[1], r'unknown key, did you mean "enabled"\?')
        self.file.write_text("{")
        server.signal(signal.SIGHUP)
        until(lambda: len(self.lines(server, "reload_refused")) == 2, "the second refusal")
        ws.fence()
        self.keep(server.client()).fence()
        self.assertEqual(server.get("/apps/app-id/channels").status, 200)

    def test_many_reloads_under_load_disturb_nobody_and_cost_nothing(self):
        """One app stays, one comes and goes, limits alternate; the memory of the process stays what it is."""
        server = self.start(http_api={"idle_timeout_ms": 60000})
        peers = [self.keep(server.client()) for _ in range(20)]
        for ws in peers:
            ws.subscribe("room")
        sent, stop = [0], threading.Event()

        def publish():
            with server.http() as http:
                while not stop.is_set():
                    body = {"name": "e", "channel": "room", "data": str(sent[0])}
                    answer = http.call("POST", "/apps/app-id/events", (), body)
                    self.assertEqual(answer.status, 200, answer.raw)
                    sent[0] += 1

        publisher = threading.Thread(target=publish)
        publisher.start()
        heard = [0] * len(peers)
        resident = []
        try:
            for i in range(RELOADS):
                apps = [app(max_client_events_per_second=i + 1)] + [app(**OTHER)] * (i % 2)
                self.file.write_text(json.dumps({**self.config, "activity_timeout": 100 + i % 50,
                                                 "app_manager": {"array": {"apps": apps}}}))
                server.signal(signal.SIGHUP)
                until(lambda: server.log().count('"reloaded"') > i, "no reload")
                established = self.keep(server.ws()).event()
                self.assertEqual(json.loads(established["data"])["activity_timeout"], 100 + i % 50)
                text = self.keep(server.ws(OTHER_PATH)).text()
                self.assertIn("connection_established" if i % 2 else '"code":4001', text)
                for k, ws in enumerate(peers):
                    while heard[k] < sent[0] - 1:
                        self.assertEqual(ws.event()["data"], str(heard[k]))
                        heard[k] += 1
                if i * 2 >= RELOADS:
                    resident.append(server.resident_kb())
        finally:
            stop.set()
            publisher.join()
        for k, ws in enumerate(peers):
            while heard[k] < sent[0]:
                self.assertEqual(ws.event()["data"], str(heard[k]))
                heard[k] += 1
            ws.say('{"event":"pusher:ping"}')
            self.assertEqual(ws.text(), PONG_TEXT)
        self.assertGreater(sent[0], RELOADS)
        if not IS_SANITIZED:
            self.assertLess(max(resident) - resident[0], 1024)


class ReloadOfManyWorkers(Reload):
    workers = 3


if __name__ == "__main__":
    unittest.main()
