"""How the tests of this folder ask the programs beside them, which answer in lines (see records.h)."""

import os
import shutil
import struct
import subprocess
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "protocol"))  # harness.py
import harness  # noqa: E402

LLHTTP_SOURCES = Path("/usr/share/llhttp")
LLHTTP_HEADERS = Path("/usr/share/include/llhttp")
TIMEOUT_S = 60  # for all questions to one program


def ours(name):
    """The program of that name in the build under test."""
    return Path(harness.PROGRAM).parent / "tests/oracle" / ("oracle-" + name)


def llhttp(folder):
    """The program that asks llhttp, compiled into folder."""
    compiler = os.environ.get("CC", "cc")
    if not (LLHTTP_SOURCES / "llhttp.c").exists():
        raise unittest.SkipTest("no llhttp: Debian's package node-llhttp is not installed")
    if not shutil.which(compiler):
        raise unittest.SkipTest(f"no C compiler ({compiler})")
    program = Path(folder) / "oracle-llhttp"
    flags = ["-O0", "-w", "-DLLHTTP_STRICT_MODE=1", f"-I{LLHTTP_HEADERS}"]
    sources = [HERE / "llhttp.c", *sorted(LLHTTP_SOURCES.glob("*.c"))]
    subprocess.run([compiler, *flags, "-o", program, *sources], check=True)
    return program


def ask(program, questions, *args):
    """The lines that the program writes."""
    records = b"".join(struct.pack("<I", len(q)) + q for q in questions)
    command = [program, *map(str, args)]
    done = subprocess.run(command, input=records, stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_S)
    return done.stdout.split(b"\n")[:-1]


@dataclass
class Verdict:
    """What a parser made of a connection's bytes."""

    requests: list  # (method, target, body)
    end: str  # complete, closed, incomplete, refused
    why: str  # of refused


def verdicts(program, streams, *args):
    result, requests = [], []
    for line in ask(program, streams, *args):
        kind, *words = line.decode().split(" ")
        if kind == "request":
            requests.append((words[0].encode(), bytes.fromhex(words[1]), bytes.fromhex(words[2])))
        else:
            result.append(Verdict(requests, words[0], " ".join(words[1:])))
            requests = []
    assert len(result) == len(streams), (len(result), len(streams))
    return result
