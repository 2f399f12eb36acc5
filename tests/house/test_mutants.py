"""Every deliberate bug of the mutation check still fits the source."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "mutants"))
from mutants import MUTANTS  # noqa: E402


class Mutants(unittest.TestCase):
    def test_each_row_has_its_place(self):
        for m in MUTANTS:
            with self.subTest(m.name):
                self.assertEqual((ROOT / m.file).read_text().count(m.old), 1)
                self.assertNotEqual(m.old, m.new)

    def test_names_are_told_apart(self):
        names = [m.name for m in MUTANTS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
