"""A lab of another user is taken over only when its taker says so: with --yes, or asked on a terminal."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable
from typing import Final

from lab.errors import MachineError
from lab.hosts.endpoint import hold_engine
from lab.report.asking import wants_questions
from lab.report.error import show_error
from lab.settings import Settings
from lab.text.catalog import messages

_YES: Final = ("y", "yes", "是")


def run_command(options: argparse.Namespace, settings: Settings) -> int:
    """Run a command, which keeps to one engine; should the lab be another user's, ask whether to take it over.

    Nothing has been touched when that is found out, so the command is then run again. Raises MachineError
    `lab-of-another` where the answer is no, or nobody is there to answer.
    """
    hold_engine()
    command: Callable[[argparse.Namespace, Settings], int] = options.command
    if getattr(options, "yes", False):
        settings = dataclasses.replace(settings, takes_over=True)
    try:
        return command(options, settings)
    except MachineError as error:
        if error.code != "lab-of-another" or not _agrees(error, settings.language):
            raise
    return command(options, dataclasses.replace(settings, takes_over=True))


def _agrees(error: MachineError, language: str) -> bool:
    if not wants_questions(os.environ, sys.stdin, sys.stderr):
        return False
    show_error(error, language)
    sys.stderr.write(messages(language).get("cli.take-over"))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in _YES
