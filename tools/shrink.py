"""Makes a list smaller that makes something fail: delta debugging, several candidates at a time.

Nothing is assumed about why it fails: without a part it may fail in another way, or not at all. So the result is one of
which no single part could be left out, not the smallest that there is."""

import time


def reduce(parts, fails, run_at_once=map, at_once=1, deadline=float("inf")):
    """A part of the list, in its order, that still fails. fails(list) is asked for at_once candidates together:
    run_at_once is the map() of a pool. After the deadline (of time.monotonic) it is what was found until then."""
    size = len(parts)
    while size > 0 and time.monotonic() < deadline:
        smaller = _leave_out(parts, size, fails, run_at_once, at_once, deadline)
        # Single ones are tried again as long as that helps: what they were needed for may be gone.
        if size > 1 or len(smaller) == len(parts):
            size = min(size // 2, max(1, len(smaller))) if smaller else 0
        parts = smaller
    return parts


def _leave_out(parts, size, fails, run_at_once, at_once, deadline):
    """Each piece of that size is left out once, from the end: what comes late hangs on what was before it."""
    end = len(parts)
    while end > 0 and time.monotonic() < deadline:
        ends = list(range(end, 0, -size))[:at_once]
        candidates = [parts[: max(0, e - size)] + parts[e:] for e in ends]
        hit = next((i for i, is_failing in enumerate(run_at_once(fails, candidates)) if is_failing), None)
        if hit is not None:
            parts = candidates[hit]
        end = ends[-1 if hit is None else hit] - size
    return parts


def ranges(numbers):
    """[3, 4, 5, 9] is "3-5,9"."""
    groups = []
    for n in sorted(numbers):
        if groups and n == groups[-1][1] + 1:
            groups[-1][1] = n
        else:
            groups.append([n, n])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in groups)
