"""Run one `lab` command after the other in one process: what it loads is loaded once. Requests and answers are JSON lines."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from unittest import mock

from lab.cli import main
from lab.commands.writing import open_standard_streams


def serve() -> None:
    """Do what each line of stdin asks for, and answer with the exit code and what was said."""
    open_standard_streams()  # what has been read from cannot be prepared any more
    answers = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        out, err = io.StringIO(), io.StringIO()
        given = mock.patch.dict(os.environ, request["environment"])
        with given, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(request["arguments"])
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            except BaseException:  # noqa: BLE001 - a defect, told to the test
                traceback.print_exc()
                code = -1
        print(json.dumps([code, out.getvalue(), err.getvalue()]), file=answers, flush=True)


if __name__ == "__main__":
    serve()
