"""Expect that the kernel's own record of the run, where there is one, holds all that the kernel told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lab.judge.judging import OfRecording
from lab.judge.verdict import Message, Result, Verdict
from lab.recording.run import Run
from lab.recording.whole import check_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRecord(OfRecording):
    """Whether the record is short; a run in which the kernel was not asked has none that could be."""

    def expected(self) -> Message:
        """Return that nothing is missing."""
        return Message("record-whole")

    def find(self, run: Run) -> Result:
        """Ask the record itself; EvidenceError for what is lost."""
        if run.recording.kernel is not None:
            check_whole(run.recording.kernel)
        return self.result(Verdict.PASS, Message("record-whole"))


WHOLE_RECORD: Final = WholeRecord(id="whole-record")
"""Asked of every run: its words are the lab's, not an exercise's."""
