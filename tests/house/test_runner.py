"""The test runner counts what happened: leaves, skips, crashes, and what never reported."""

import contextlib
import importlib.machinery
import importlib.util
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import tap  # noqa: E402

loader = importlib.machinery.SourceFileLoader("run_tests", str(TOOLS / "run-tests"))
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
sys.modules["run_tests"] = run_tests
loader.exec_module(run_tests)

CMOCKA = """1..3
ok 1 - one_holds
not ok 2 - two_fails
# 0 != 0xffffffffffffffff
# ../../src/base/a_test.c:7: error: Failure!
not ok 3 # SKIP three_skips
# not ok - a
"""

NODE = """TAP version 13
# Subtest: presence
    # Subtest: member leaves once
    ok 1 - member leaves once
      ---
      duration_ms: 1.2
      ...
    # Subtest: roster is complete
    not ok 2 - roster is complete
      ---
      error: 'two missing'
      ...
    # Subtest: later
    ok 3 - later # SKIP
      ---
      ...
    1..3
not ok 1 - presence
  ---
  error: '1 subtest failed'
  ...
# Subtest: alone
ok 2 - alone
1..2
# tests 4
"""


def summary(cases):
    return [(c.name, c.status) for c in cases]


class Tap(unittest.TestCase):
    def test_cmocka_results_with_a_skip(self):
        cases = tap.parse(CMOCKA)
        self.assertEqual(summary(cases), [
            ("one_holds", "passed"), ("two_fails", "failed"), ("three_skips", "skipped"),
        ])
        self.assertIn("a_test.c:7", cases[1].output)

    def test_node_groups_count_as_their_members(self):
        cases = tap.parse(NODE)
        self.assertEqual(summary(cases), [
            ("member leaves once", "passed"), ("roster is complete", "failed"), ("later", "skipped"), ("alone", "passed"),
        ])
        self.assertIn("two missing", cases[1].output)

    def test_a_group_that_fails_without_a_failed_member_counts(self):
        text = "    ok 1 - member\n    1..1\nnot ok 1 - group\n  error: 'hook threw'\n1..1\n"
        self.assertEqual(summary(tap.parse(text)), [("member", "passed"), ("group", "failed")])

    def test_what_never_reported_is_a_failure(self):
        self.assertEqual(tap.parse("1..3\nok 1 - a\n")[-1].status, "failed")


class Programs(unittest.TestCase):
    def statuses(self, status, output):
        return [c.status for c in run_tests.cases_of("program", status, output)]

    def test_success(self):
        self.assertEqual(self.statuses(0, "ok 1 - a\n1..1\n"), ["passed"])

    def test_a_failed_case_is_counted_once(self):
        self.assertEqual(self.statuses(1, "not ok 1 - a\n1..1\n"), ["failed"])

    def test_a_crash_after_good_results_is_a_failure(self):
        self.assertEqual(self.statuses(-11, "ok 1 - a\n"), ["passed", "failed"])

    def test_a_bad_exit_with_good_results_is_a_failure(self):
        self.assertEqual(self.statuses(1, "ok 1 - a\n1..1\n"), ["passed", "failed"])

    def test_silence_is_a_failure(self):
        self.assertEqual(self.statuses(0, ""), ["failed"])

    def test_running_out_of_time_is_a_failure_and_ends_the_program(self):
        with tempfile.NamedTemporaryFile() as log:
            status, output = run_tests.command(["sh", "-c", "echo begun; sleep 60"], log.name, 0.5)
        self.assertIsNone(status)
        self.assertEqual(self.statuses(status, output), ["failed"])


class PythonFiles(unittest.TestCase):
    def run_file(self, body):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "test_it.py")
            file.write_text("import unittest\nclass T(unittest.TestCase):\n" + body)
            run = subprocess.run(
                [sys.executable, TOOLS / "unittest_tap.py", file], capture_output=True, text=True, check=False)
        return [c.status for c in run_tests.cases_of("it", run.returncode, run.stdout + run.stderr)]

    def test_each_method_is_a_case(self):
        self.assertEqual(self.run_file(
            "  def test_a(self): pass\n"
            "  def test_b(self): self.fail('b')\n"
            "  @unittest.skip('later')\n"
            "  def test_c(self): pass\n"), ["passed", "failed", "skipped"])

    def test_each_failed_subtest_is_a_case(self):
        self.assertEqual(self.run_file(
            "  def test_a(self):\n"
            "    for i in range(3):\n"
            "      with self.subTest(i=i): self.assertEqual(i, 1)\n"), ["failed", "failed"])

    def test_a_failed_set_up_of_the_class_is_a_failure(self):
        self.assertEqual(self.run_file(
            "  @classmethod\n"
            "  def setUpClass(cls): raise OSError('no server')\n"
            "  def test_a(self): pass\n"), ["failed"])

    def test_a_file_that_does_not_load_is_a_failure(self):
        self.assertEqual(self.run_file("  import no_such_module\n"), ["failed"])


class Suites(unittest.TestCase):
    def test_a_suite_that_lacks_something_is_skipped_with_the_reason(self):
        suite = run_tests.Suite("s", "", lambda *_: self.fail("ran"), lacks=lambda: "no x here")
        cases = run_tests.run_suite(suite, "")
        self.assertEqual([(c.status, c.output) for c in cases], [("skipped", "no x here")])

    def test_a_suite_that_lacks_nothing_runs(self):
        suite = run_tests.Suite("s", "", lambda *_: [tap.Case("a", "passed")], lacks=lambda: "")
        self.assertEqual(summary(run_tests.run_suite(suite, "")), [("a", "passed")])

    def test_what_failed_is_named_once_more_at_the_end(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            run_tests.Screen().remind([tap.Case("a", "passed"), tap.Case("b", "failed", "its words")])
        self.assertEqual(out.getvalue(), "failed b\n")


if __name__ == "__main__":
    unittest.main()
