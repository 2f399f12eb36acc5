"""The program is built so that a mistake in it is hard to use: docs/hardening.md says what each property is for."""

import platform
import re
import shutil
import subprocess
import unittest

from harness import IS_SANITIZED, PROGRAM


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, PROGRAM], capture_output=True, text=True, check=True).stdout


def segments():
    """[(type, flags such as "R E")]"""
    return re.findall(r"^ +(\w+) +0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([R ][W ][E ]) ", readelf("-l"), re.M)


class Elf(unittest.TestCase):
    def test_it_can_lie_anywhere(self):
        self.assertRegex(readelf("-h"), r"Type: +DYN ")
        self.assertRegex(readelf("-d"), r"\(FLAGS_1\).* PIE\b")

    def test_what_the_linker_resolves_is_read_only_before_main(self):
        self.assertIn(("GNU_RELRO", "R  "), segments())
        self.assertRegex(readelf("-d"), r"\(FLAGS\) +BIND_NOW")

    def test_nothing_is_writable_and_executable(self):
        self.assertIn(("GNU_STACK", "RW "), segments())
        self.assertEqual([s for s in segments() if s[1].endswith("WE")], [])
        self.assertNotIn("TEXTREL", readelf("-d"))

    def test_code_shares_no_page_with_anything_else(self):
        loads = [flags for kind, flags in segments() if kind == "LOAD"]
        self.assertEqual(loads[0], "R  ")
        self.assertEqual(loads.count("R E"), 1)

    def test_libraries_come_from_the_system_alone(self):
        self.assertNotRegex(readelf("-d"), r"R(UN)?PATH")

    @unittest.skipIf(IS_SANITIZED, "sanitizers check more, and their own way")
    def test_stacks_and_the_c_library_are_watched(self):
        checked = set(re.findall(r"\b__\w+_chk(?:_fail)?\b", readelf("--dyn-syms")))
        self.assertLessEqual({"__stack_chk_fail", "__memcpy_chk"}, checked)

    @unittest.skipUnless(platform.machine() == "x86_64", "x86 has it")
    def test_it_says_that_it_can_do_with_shadow_stacks_and_branch_tracking(self):
        self.assertRegex(readelf("-n"), r"x86 feature: IBT, SHSTK")

    @unittest.skipIf(IS_SANITIZED, "sanitizers check more, and their own way")
    @unittest.skipUnless(shutil.which("hardening-check"), "no hardening-check (Debian: devscripts)")
    def test_debians_own_check_is_content(self):
        run = subprocess.run(["hardening-check", PROGRAM], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stdout)


if __name__ == "__main__":
    unittest.main()
