"""C files as the checks of the house see them: text without comments and literals, and include lines."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_TOKEN = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.S | re.X
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def c_files(root, *suffixes):
    """All files below root/src with these suffixes, as paths relative to root/src, sorted."""
    src = Path(root) / "src"
    return sorted(p.relative_to(src).as_posix() for p in src.rglob("*") if p.suffix in suffixes)


def blank(text, keep_strings=False):
    """The text with comments (and literals) replaced by blanks; lines stay where they are."""

    def replace(match):
        token = match.group()
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token if keep_strings else token[0] + " " * (len(token) - 2) + token[0]

    return _TOKEN.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line, is_ours, name) for each include in the text."""
    text = blank(text, keep_strings=True)
    for match in _INCLUDE.finditer(text):
        yield line_of(text, match.start(2)), match.group(1) == '"', match.group(2)
