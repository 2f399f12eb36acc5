"""The tree as it is passes the checks of the house."""

import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class House(unittest.TestCase):
    def check(self, tool):
        run = subprocess.run([ROOT / "tools" / tool], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, "\n" + (run.stdout + run.stderr)[:4000])

    def test_includes_run_downwards_without_a_circle(self):
        self.check("check-floors")

    def test_calls_stay_where_they_belong(self):
        self.check("check-calls")

    def test_every_header_compiles_alone(self):
        self.check("check-headers")

    @unittest.skipUnless(shutil.which("clang-format"), "no clang-format")
    def test_code_is_formatted(self):
        self.check("check-format")

    def test_the_page_of_metrics_is_what_their_tables_say(self):
        run = subprocess.run([ROOT / "tools/metrics-docs", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    unittest.main()
