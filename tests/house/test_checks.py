"""The checks of the house find what they are for: each is fed a tree with one defect."""

import importlib.machinery
import importlib.util
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def load(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


floors = load("check-floors")
calls = load("check-calls")


class TreeCase(unittest.TestCase):
    def problems(self, check, files):
        """What the check says of a tree with these files below src/."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                file = Path(root, "src", path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return check.check_tree(root)

    def assert_clean(self, check, files):
        self.assertEqual(self.problems(check, files), [])

    def assert_found(self, check, files, *words):
        found = self.problems(check, files)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])


class Floors(TreeCase):
    def test_downward_includes_are_fine(self):
        self.assert_clean(floors, {
            "base/str.h": "#include <string.h>\n",
            "core/hub.h": '#include "base/str.h"\n',
            "core/hub.c": '#include "core/hub.h"\n#include "base/str.h"\n',
            "server/api.c": '#include "core/hub.h"\n',
        })

    def test_an_upward_include_is_found_with_its_line(self):
        self.assert_found(floors, {
            "core/hub.h": "",
            "base/str.c": '\n\n#include "core/hub.h"\n',
        }, "src/base/str.c:3", "core/hub.h")

    def test_core_does_not_know_io(self):
        self.assert_found(floors, {"io/loop.h": "", "core/hub.c": '#include "io/loop.h"\n'}, "core")

    def test_codec_and_io_do_not_know_each_other(self):
        self.assert_found(floors, {"codec/ws.h": "", "io/net.c": '#include "codec/ws.h"\n'}, "io")
        self.assert_found(floors, {"io/net.h": "", "codec/ws.c": '#include "io/net.h"\n'}, "codec")

    def test_back_ends_do_not_know_each_other(self):
        for here in ("store", "cluster", "queue", "cache", "webhook"):
            for there in {"store", "cluster", "queue", "cache", "webhook"} - {here}:
                with self.subTest(here=here, there=there):
                    self.assert_found(floors, {
                        f"{there}/a.h": "",
                        f"{here}/b.c": f'#include "{there}/a.h"\n',
                    }, here)

    def test_a_circle_of_files_is_found_within_a_floor(self):
        self.assert_found(floors, {
            "core/a.h": '#include "core/b.h"\n',
            "core/b.h": '#include "core/c.h"\n',
            "core/c.h": '#include "core/a.h"\n',
        }, "circle", "core/a.h → core/b.h → core/c.h → core/a.h")

    def test_the_table_of_floors_has_no_circle(self):
        self.assertIsNone(floors.find_circle(floors.ALLOWED))

    def test_kernel_headers_are_found_outside_io_and_main(self):
        for header in ("sys/socket.h", "sys/epoll.h", "unistd.h", "time.h", "fcntl.h", "netinet/in.h"):
            for floor, is_allowed in (("io", True), ("main", True), ("base", False), ("server", False)):
                with self.subTest(header=header, floor=floor):
                    found = self.problems(floors, {f"{floor}/a.c": f"#include <{header}>\n"})
                    self.assertEqual(found == [], is_allowed, found)

    def test_unit_tests_may_include_kernel_headers_but_not_upper_floors(self):
        self.assert_clean(floors, {"base/log_test.c": "#include <unistd.h>\n"})
        self.assert_found(floors, {"io/a.h": "", "base/log_test.c": '#include "io/a.h"\n'}, "base")

    def test_own_header_comes_first(self):
        self.assert_found(floors, {
            "base/a.h": "",
            "base/b.h": "",
            "base/b.c": '#include "base/a.h"\n#include "base/b.h"\n',
        }, "base/b.h", "first")

    def test_includes_that_are_not_written_from_src_are_found(self):
        self.assert_found(floors, {"base/a.h": "", "base/b.c": '#include "a.h"\n'}, '"a.h"')
        self.assert_found(floors, {"base/a.h": "", "core/b.c": '#include "../base/a.h"\n'}, "../base")

    def test_an_unknown_folder_is_no_floor(self):
        self.assert_found(floors, {"attic/a.c": ""}, "attic")

    def test_includes_in_comments_do_not_count(self):
        self.assert_clean(floors, {
            "core/hub.h": "",
            "base/a.c": '/*\n#include "core/hub.h"\n*/\n// #include "core/hub.h"\n',
        })


class Calls(TreeCase):
    def test_a_banned_call_is_found_everywhere(self):
        for path in ("base/a.c", "io/a.c", "main/a.c", "base/a_test.c"):
            with self.subTest(path=path):
                self.assert_found(calls, {path: "\n x = strcpy(a, b);\n"}, f"src/{path}:2", "strcpy")

    def test_the_heap_is_reached_through_its_door_only(self):
        self.assert_clean(calls, {"base/mem.c": "p = malloc(1);\n"})
        self.assert_found(calls, {"base/map.c": "free (p);\n"}, "free")

    def test_the_kernel_is_asked_by_io_only(self):
        self.assert_clean(calls, {"io/net.c": "n = read(fd, p, 1); t = clock_gettime(c, &t);\n"})
        self.assert_found(calls, {"server/session.c": "n = writev(fd, v, 1);\n"}, "writev")
        self.assert_found(calls, {"core/hub.c": "t = time(NULL);\n"}, "time")

    def test_members_comments_and_literals_do_not_count(self):
        self.assert_clean(calls, {
            "core/a.c": 'ops->write(x); ops.read(x); /* free(x) */ f("malloc(1)"); // time(0)\n'
            "int (*close)(int);\nmy_read(x); stream_write(y);\n",
        })


if __name__ == "__main__":
    unittest.main()
