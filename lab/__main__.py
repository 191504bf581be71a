"""`python -m lab`: the command `lab`, which no signal ends before it can say so."""

import signal
import sys

from lab.commands.leaving import ENDING


def _run() -> int:
    # While modules are imported a signal waits: main() lets it through where it is answered.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    from lab.cli import main  # noqa: PLC0415

    code = main()
    # With -m, CPython ends by SIGINT whatever the code is, if one ever came while it executed a string, as a dataclass
    # does when it is defined. It forgets that with the next string.
    exec("")  # noqa: S102
    return code


if __name__ == "__main__":
    sys.exit(_run())
