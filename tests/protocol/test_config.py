"""Configuration as an operator meets it: where it comes from, and the commands that look at it."""

import json
import os
import pty
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

from harness import PROGRAM, TIMEOUT_S

OWN_VARIABLES = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
APP = '[[app_manager.array.apps]]\nid = "1"\nkey = "k"\nsecret = "hush-hush"\nenabled = true\n'


class Config(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sockudo-config-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_program(self, *args, stdin=None, **env):
        return subprocess.run(
            [PROGRAM, *args], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S,
            env={**OWN_VARIABLES, **env},
        )

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    def printed(self, *args, **env):
        done = self.run_program("--print-config", *args, **env)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    # Where it comes from

    def test_toml_is_preferred_to_json_and_a_named_file_to_both(self):
        self.assertEqual(self.printed()["activity_timeout"], 120)
        self.write("config/config.json", '{"activity_timeout": 77}')
        self.assertEqual(self.printed()["activity_timeout"], 77)
        self.write("config/config.toml", "activity_timeout = 78\n")
        self.assertEqual(self.printed()["activity_timeout"], 78)
        self.assertEqual(self.printed("-c", self.write("other.toml", "port = 1"))["activity_timeout"], 120)

    def test_a_default_file_that_is_wrong_is_not_passed_over(self):
        self.write("config/config.json", '{"activity_timeout": 77}')
        self.write("config/config.toml", "port = 7000\nport = 7001\n")
        done = self.run_program()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "sockudo: config/config.toml:2:1: port: comes twice, first in line 1\n")

    def test_every_value_says_where_it_comes_from(self):
        path = self.write("test.json", '{"port": 7001,\n "host": "::1"}')
        secret = self.write("secret", "hush-hush\n")
        printed = self.printed("-c", path, PORT="7002", SOCKUDO_DEFAULT_APP_ID="i", SOCKUDO_DEFAULT_APP_KEY="k",
                               SOCKUDO_DEFAULT_APP_SECRET_FILE=secret, ACTIVITY_TIMEOUT_FILE=self.write("n", "9"))
        self.assertEqual((printed["port"], printed["host"], printed["activity_timeout"]), (7002, "::1", 9))
        source = printed["_source"]
        self.assertEqual(source["host"], "test.json:2:10")
        self.assertEqual(source["port"], "environment PORT")
        self.assertEqual(source["activity_timeout"], "environment ACTIVITY_TIMEOUT_FILE")
        self.assertEqual(source["app_manager.array.apps"], "environment SOCKUDO_DEFAULT_APP_ID")
        self.assertEqual(source["shutdown_grace_period"], "default")
        self.assertNotIn("hush-hush", json.dumps(printed))

    def test_what_is_printed_can_be_read_again(self):
        path = self.write("test.toml", 'port = 7001\nwebsocket.max_bytes = 9\nevent_limits.max_batch_size = 3\n' + APP)
        as_json = self.run_program("--print-config", "-c", path)
        again = self.run_program("--print-config", "-c", "-", stdin=as_json.stdout)
        self.assertEqual((as_json.returncode, again.returncode, again.stderr), (0, 0, ""))
        without_sources = lambda text: {k: v for k, v in json.loads(text).items() if k[0] != "_"}  # noqa: E731
        self.assertEqual(without_sources(again.stdout), without_sources(as_json.stdout))
        as_toml = self.run_program("config", "show", "-c", path)
        from_toml = self.run_program("--print-config", "-c", self.write("shown.toml", as_toml.stdout))
        self.assertEqual(without_sources(from_toml.stdout), without_sources(as_json.stdout))

    def test_config_show_is_toml_in_which_defaults_are_comments(self):
        done = self.run_program("config", "show", "-c", self.write("test.toml", APP), PORT="7002")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = tomllib.loads(done.stdout)
        app = shown.pop("app_manager")["array"]["apps"][0]
        self.assertEqual(shown, {"port": 7002})
        self.assertEqual((app["id"], app["secret"]), ("1", "********"))
        self.assertRegex(done.stdout, r"(?m)^port = 7002 +# environment PORT$")
        self.assertRegex(done.stdout, r'(?m)^# host = "0.0.0.0" +# default$')
        self.assertIn("# Apps: test.toml:1:21; secrets are not shown\n", done.stdout)

    # check

    def test_check_sums_up_a_good_file(self):
        path = self.write("test.toml", 'port = 7001\nhost = "::1"\n' + APP)
        done = self.run_program("check", path, SHUTDOWN_GRACE_PERIOD="1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "test.toml: good: 1 app, 3 keys set by the file, 1 key by the environment, "
                                      "0 warnings\n")

    def test_check_shows_all_that_is_wrong_and_warns(self):
        text = "".join(f"bad_{i} = 1\n" for i in range(15)) + "tag_filtering.enabled = true\n" + APP
        done = self.run_program("check", self.write("test.toml", text))
        self.assertEqual(done.returncode, 2)
        lines = done.stderr.splitlines()
        self.assertEqual([line for line in lines if line.startswith("error: ")],
                         [f"error: test.toml:{i + 1}:1: bad_{i}: unknown key" for i in range(15)])
        self.assertIn("warning: test.toml:16:25: tag_filtering.enabled: not available in this build", lines)
        self.assertEqual(done.stdout, "test.toml: not good: 15 errors, 1 warning\n")

    def test_check_names_what_nothing_reads(self):
        done = self.run_program("check", self.write("test.toml", 'adapter.redis.prefix = "x"\n' + APP))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "note: not in this build, and read by nothing: adapter.redis.prefix\n")

    def test_check_without_a_file_looks_at_what_would_be_started(self):
        self.write("config/config.toml", APP)
        self.assertTrue(self.run_program("check").stdout.startswith("config/config.toml: good: 1 app,"))
        done = self.run_program("check", PORT="x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("error: environment: PORT: expected a whole number", done.stderr)

    def test_a_toml_file_whose_name_does_not_say_so_is_recognized(self):
        for text in ("port = 7001\n", "[ssl]\nenabled = false\n", "# ours\nport = 1\n", " [[a]]\n"):
            done = self.run_program("check", self.write("sockudo.conf", text))
            self.assertIn("this is read as JSON, the name of a TOML file ends in .toml\n", done.stderr)
        done = self.run_program("check", self.write("sockudo.conf", '{"port": }'))
        self.assertNotIn("TOML", done.stderr)

    def test_explain_names_the_page_and_not_its_link(self):
        self.assertRegex(self.run_program("config", "explain", "ssl.enabled").stdout, r"See TLS\s+\(docs/tls\.md\)\.")

    def test_check_of_a_file_that_is_not_there_fails(self):
        done = self.run_program("check", "nowhere.toml")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "error: nowhere.toml: cannot be read: No such file or directory\n")
        self.assertEqual(done.stdout, "nowhere.toml: not good: 1 error, 0 warnings\n")

    def test_check_has_colours_on_a_terminal_unless_they_are_not_wanted(self):
        path = self.write("test.toml", "prot = 1\n")
        for env, is_colored in (({}, True), ({"NO_COLOR": "1"}, False)):
            leader, follower = pty.openpty()
            done = subprocess.run([PROGRAM, "check", path], cwd=self.folder, stdout=follower, stderr=follower,
                                  timeout=TIMEOUT_S, env={**OWN_VARIABLES, **env}, check=False)
            os.close(follower)
            output = os.read(leader, 65536).decode()
            os.close(leader)
            self.assertEqual(done.returncode, 2)
            self.assertIn("test.toml:1:1: prot: unknown key, did you mean \"port\"?", output)
            self.assertEqual("\x1b[" in output, is_colored)

    def test_a_start_shows_ten_errors_and_says_how_to_see_the_rest(self):
        path = self.write("test.toml", "".join(f"bad_{i} = 1\n" for i in range(15)))
        done = self.run_program("-c", path)
        self.assertEqual(done.returncode, 2)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 11)
        self.assertEqual(lines[-1], "sockudo: and 5 more (sockudo check shows all)")

    def test_the_small_clients_read_the_same_files(self):
        done = self.run_program("publish", "--url", "http://127.0.0.1:1", "c", "e", "{}",
                                SOCKUDO_DEFAULT_APP_SECRET_FILE="nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("SOCKUDO_DEFAULT_APP_SECRET_FILE: nowhere cannot be read", done.stderr)

    # explain

    def test_explain_tells_about_a_key_and_refuses_what_is_none(self):
        done = self.run_program("config", "explain", "websocket.max_messages")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("websocket.max_messages\n", "or null or 0 for no limit", "WEBSOCKET_MAX_MESSAGES", "honours it"):
            self.assertIn(words, done.stdout)
        self.assertIn("cors.origin", self.run_program("config", "explain", "cors").stdout)
        done = self.run_program("config", "explain", "websocket.max_mesages")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, 'sockudo: unknown key "websocket.max_mesages", did you mean '
                                      '"websocket.max_messages"?\n')


if __name__ == "__main__":
    unittest.main()
