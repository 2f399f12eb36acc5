"""Conformance to RFC 6455 and RFC 7692: cases with the family numbers that the Autobahn testsuite made standard.

A case is a row of a table: what one connection writes, and everything that must come back, to the last octet and to
the end of the TCP stream. The tables are in framing.py (families 1 to 5), utf8.py (6), closing.py (7), limits.py
(9, 10) and compression.py (12, 13); suite.py numbers them; stage.py plays them; report.py writes them down.

A Pusher server echoes nothing to whoever speaks. But a client event on a private channel reaches the other
subscribers as it was written, so every case has two connections: the speaker, and the listener who hears exactly
what the server took for a message.

    python3 -m conformance            all cases (in tests/protocol)
    python3 -m conformance 6.4 9      those whose numbers begin so
    python3 -m conformance --report   and docs/conformance.md written anew
"""
