"""Pages that `lab report` writes of saved runs, each made once."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from unittest import mock

from lab.cli import main
from lab.errors import EXIT_PASS
from lab.recording.store import load
from lab.settings import ROOT
from tests.page.conftest import Made
from tests.records import timeline_of

RUNS = ROOT / "tests" / "fixtures" / "runs"


@functools.cache
def saved(run: str, language: str) -> Made:
    """Return the page of a run of tests/fixtures/runs, as the command writes it."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"LAB_LANG": language}):
        path = Path(folder) / "report.html"
        assert main(["report", str(RUNS / run), "--html", str(path)]) == EXIT_PASS
        return Made(timeline_of(load(RUNS / run)), path.read_text(encoding="utf-8"))
