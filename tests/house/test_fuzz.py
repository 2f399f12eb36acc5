"""fuzz/run says what its targets found, and none of it gets lost."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import tap  # noqa: E402

GOOD = """
echo '#1000 pulse cov: 12 ft: 20 exec/s: 500'
echo 'stat::number_of_executed_units: 1000'
"""
CRASH = """
echo 'x.c:7: CHECK failed: a == b'
echo 'artifact_prefix=a/; Test unit written to a/crash-1'
exit 77
"""


class FuzzRun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "build/fuzz").mkdir(parents=True)

    def add(self, target, script):
        (self.folder / "corpus" / target).mkdir(parents=True)
        if script is None:
            return
        program = self.folder / "build/fuzz" / f"fuzz-{target}"
        program.write_text("#!/bin/sh\necho \"$@\" >>\"$0.args\"\n" + script)
        program.chmod(0o755)

    def run_all(self, seconds="0", *targets):
        run = subprocess.run(
            [ROOT / "fuzz/run", seconds, *targets], capture_output=True, text=True, check=False,
            env={**os.environ, "FUZZ_BUILD": str(self.folder / "build"), "FUZZ_SEEDS": str(self.folder)})
        return run.returncode, run.stdout

    def args(self, target):
        return (self.folder / "build/fuzz" / f"fuzz-{target}.args").read_text()

    def test_every_target_has_a_line_with_its_figures(self):
        self.add("a", GOOD)
        self.add("b", GOOD)
        status, output = self.run_all()
        self.assertEqual(status, 0)
        self.assertEqual([c.status for c in tap.parse(output)], ["passed", "passed"])
        self.assertRegex(output, r"ok - a +1000 runs +500/s +coverage +12 +nothing found")

    def test_a_finding_is_a_failure_with_the_input_and_the_reason(self):
        self.add("a", CRASH)
        self.add("b", GOOD)
        status, output = self.run_all()
        self.assertEqual(status, 1)
        cases = tap.parse(output)
        self.assertEqual([c.status for c in cases], ["failed", "passed"])
        self.assertIn("a/crash-1", cases[0].name)
        self.assertIn("CHECK failed: a == b", cases[0].output)

    def test_a_target_that_was_not_built_is_a_failure(self):
        self.add("a", None)
        status, output = self.run_all()
        self.assertEqual((status, [c.status for c in tap.parse(output)]), (1, ["failed"]))

    def test_a_target_that_cannot_see_where_it_goes_is_a_failure(self):
        self.add("a", GOOD.replace("cov: 12", "cov: 0"))
        self.assertEqual(self.run_all()[0], 1)

    def test_no_targets_are_a_failure(self):
        (self.folder / "corpus").mkdir()
        self.assertEqual(self.run_all(), (1, ""))

    def test_zero_seconds_replay_the_seeds_and_more_look_for_new_inputs(self):
        self.add("a", GOOD)
        self.run_all("0")
        self.assertIn("-runs=0", self.args("a"))
        self.run_all("3")
        self.assertIn("-max_total_time=3", self.args("a"))

    def test_targets_can_be_named(self):
        self.add("a", CRASH)
        self.add("b", GOOD)
        status, output = self.run_all("0", "b")
        self.assertEqual((status, len(tap.parse(output))), (0, 1))


class Targets(unittest.TestCase):
    def test_each_target_has_seeds(self):
        text = (ROOT / "fuzz/meson.build").read_text()
        for seeds in (ROOT / "fuzz/corpus").iterdir():
            if seeds.is_dir():
                self.assertTrue(f"'{seeds.name}'" in text or f"'fuzz-{seeds.name}'" in text, seeds.name)
        for source in (ROOT / "fuzz").glob("*.c"):
            if "LLVMFuzzerTestOneInput" in source.read_text():
                self.assertTrue(any((ROOT / "fuzz/corpus" / source.stem).iterdir()), source.stem)


if __name__ == "__main__":
    unittest.main()
