"""tools/sim-swarm finds what fails, makes it small, and says how to see it again."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIM = os.environ["SIM"]
sys.path.insert(0, str(ROOT / "tools"))
import shrink  # noqa: E402

# A simulator of which seed 7 does what the test says.
FAKE = """#!/usr/bin/env bash
shift; first=$1; shift 2; seeds=$1
if [ "$first" -le 7 ] && [ 7 -lt $((first + seeds)) ]; then %s; fi
echo "# note: 1 events (1/s), 1 s simulated (1 times real time)"
"""

# One that fails in act 10, but without "rough" in act 20.
LATER = """#!/usr/bin/env python3
import sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
act, words = (20, "") if "rough" in options.get("--without", "") else (10, ", rough")
pieces = [piece.split("-") for piece in options.get("--acts", str(act)).split(",")]
if not any(int(piece[0]) <= act <= int(piece[-1]) for piece in pieces):
    sys.exit(0)
print(f"# violation: it fails\\n# run: 1 back-ends{words}\\n# after act: {act}\\n# replay: make sim SEED=1")
sys.exit(1)
"""


def swarm(*args, sim=SIM):
    done = subprocess.run(
        [sys.executable, ROOT / "tools/sim-swarm", *args], env={**os.environ, "SIM": str(sim)},
        capture_output=True, text=True, timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


def replay(command):
    """What the printed command says, with the simulator under test in the place of the built one."""
    lines = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = lines.replace("\\\n", " ").splitlines()[-1].split()
    done = subprocess.run([SIM, *words[1:]], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


class Small(unittest.TestCase):
    def test_a_failing_run_is_made_small_and_its_command_fails_again(self):
        status, output = swarm("--seeds", "200", "--trap", "rough,subscribe,vanish,publish")
        self.assertEqual(status, 1, output)
        self.assertRegex(output, r"(?m)^fails with: rough; not needed: ")
        acts = int(re.search(r"(?m)^(\d+) of \d+ acts are left", output).group(1))
        self.assertLessEqual(acts, 12, output)
        status, again = replay(re.search(r"(?m)^replay: (.*)", output).group(1))
        self.assertNotEqual(status, 0)
        self.assertIn("# violation: the trap is sprung by publish", again)

    def test_in_tap_the_line_says_all_that_is_needed(self):
        status, output = swarm("--tap", "--seconds", "20", "--trap", "connect,publish")
        self.assertEqual(status, 1, output)
        self.assertRegex(output, r"(?m)^not ok 1 - .*the trap.*make sim SEED=\d+ SEEDS=1 STEPS=400")

    def test_nothing_that_is_needed_is_left_out(self):
        for needed in ([], [0], [399], [3, 77, 200], list(range(50, 70))):
            found = shrink.reduce(list(range(400)), lambda parts: set(needed) <= set(parts), at_once=3)
            self.assertEqual(found, needed)

    def test_ranges(self):
        self.assertEqual([shrink.ranges(n) for n in ([], [1], [1, 3, 4, 5], [2, 1])], ["", "1", "1,3-5", "1-2"])


class Swarm(unittest.TestCase):
    def fake(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "sim"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test_good_seeds_are_counted_with_what_they_had(self):
        status, output = swarm("--seeds", "30")
        self.assertEqual(status, 0, output)
        self.assertIn("30 seeds in", output)
        self.assertRegex(output, r"so many had: rough [1-9]")
        self.assertRegex(output, r"acts: connect [1-9]")

    def test_wishes_reach_the_simulator_and_the_replay(self):
        status, output = swarm("--seeds", "50", "--clients", "60", "--nodes", "2", "--workers", "2", "--trap", "connect,publish")
        self.assertEqual(status, 1, output)
        self.assertRegex(output, r"(?m)^replay: make sim SEED=\d+ SEEDS=1 STEPS=400 NODES=2 WORKERS=2 CLIENTS=60 ")

    def test_a_seed_that_takes_the_process_with_it_is_found(self):
        status, output = swarm("--seeds", "30", sim=self.fake(FAKE % "kill -9 $$"))
        self.assertEqual(status, 1)
        self.assertIn("make sim SEED=7 SEEDS=1 STEPS=400", output)

    def test_what_fails_later_without_a_trouble_is_made_small_from_there(self):
        status, output = swarm("--seeds", "1", sim=self.fake(LATER))
        self.assertEqual(status, 1)
        self.assertRegex(output, r"(?m)^1 of 20 acts are left: 20, ")

    def test_a_run_that_does_not_end_is_a_violation(self):
        status, output = swarm("--seeds", "1", "--steps", "100000000", "--patience", "1", "--shrink-seconds", "1")
        self.assertEqual(status, 1)
        self.assertIn("the run does not end", output)
        self.assertIn("make sim SEED=1 SEEDS=1", output)


if __name__ == "__main__":
    unittest.main()
