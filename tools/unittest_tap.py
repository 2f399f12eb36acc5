"""Runs one file of Python unit tests and reports it as TAP:  python3 tools/unittest_tap.py <file>

Each result is written when it is known, so that a run which is cut off still tells how far it came.
"""

import importlib.util
import sys
import unittest
from pathlib import Path


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.bad_subtests = 0

    def report(self, test, is_ok, note="", details=""):
        name = test.id().split(".", 1)[-1] if "." in test.id() else test.id()
        lines = [f"{'ok' if is_ok else 'not ok'} - {name}{note}"]
        lines += [f"# {line}" for line in details.splitlines()]
        print("\n".join(lines), flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.bad_subtests = 0

    def addSuccess(self, test):
        if self.bad_subtests == 0:
            self.report(test, True)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.bad_subtests += 1
            self.report(subtest, False, details=self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.report(test, False, details=self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self.report(test, False, details=self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.report(test, True, note=f" # SKIP {reason}")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.report(test, True)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.report(test, False, details="expected to fail, but passed")


def main():
    path = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    result = TapResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
