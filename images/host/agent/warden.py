"""The warden: it does nothing but wait, and when the agent has ended, by kill -9 too, it ends all that is left.

The parent-death signal alone would not do: it is not inherited, so children of a server that forks would stay.
"""

from __future__ import annotations

import os

from process import descendants, kill


def watch_over(agent: int) -> int:
    """Reap whoever comes here without a parent; end all of them when the agent has ended. Return its exit status."""
    status, ended = 1, False
    while True:
        try:
            pid, waited = os.wait()
        except ChildProcessError:
            return status
        if pid == agent:
            status, ended = os.waitstatus_to_exitcode(waited) & 0xFF, True
        if ended:
            for orphan in descendants(os.getpid()):
                kill(orphan)
