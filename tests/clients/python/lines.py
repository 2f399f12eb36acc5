"""A driver of the SDK matrix in Python: told by lines of JSON, answers and reports by lines (matrix/lines.mjs)."""

import json
import sys
import threading
import traceback

_writing = threading.Lock()


def write(message):
    with _writing:
        print(json.dumps(message), flush=True)


def serve(driver):
    """Does what the lines say, by the methods of the driver, until they end."""
    for line in sys.stdin:
        order = json.loads(line)
        try:
            write({"id": order["id"], "answer": getattr(driver, order["do"])(**order["args"])})
        except Exception as error:
            traceback.print_exc()
            write({"id": order["id"], "error": str(error) or repr(error)})
