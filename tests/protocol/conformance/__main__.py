"""Plays cases, prints what failed and a table, and writes docs/conformance.md with --report."""

import argparse
import sys
import time

from conformance import report, suite
from conformance.stage import Stage


def main():
    options = argparse.ArgumentParser(prog="python3 -m conformance", description=__doc__)
    options.add_argument("numbers", nargs="*", help="play only the cases whose number begins so")
    options.add_argument("--report", action="store_true", help="write docs/conformance.md")
    options = options.parse_args()
    if options.report and options.numbers:
        sys.exit("conformance: a report is of all cases")
    results = {}
    stage = Stage()
    start = time.monotonic()
    try:
        promises = [(case, stage.play(case)) for case in suite.select(options.numbers)]
        for case, promise in promises:
            results[case.number] = promise.result()
            if results[case.number]:
                print("\n  ".join([f"failed {case.number} {case.words}", *results[case.number]]), flush=True)
    finally:
        stage.stop()
    print(report.table(results))
    failed = sum(1 for problems in results.values() if problems)
    print(f"{len(results) - failed} passed, {failed} failed, in {time.monotonic() - start:.1f} s")
    if options.report:
        report.DOCUMENT.write_text(report.document(results))
    sys.exit(0 if results and not failed else 1)


if __name__ == "__main__":
    main()
