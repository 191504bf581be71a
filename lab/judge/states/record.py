"""Expect that the kernel's own record of the run, where there is one, holds all that the kernel told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lab.evidence.records import Evidence
from lab.evidence.whole import check_whole
from lab.judge.judging import Judged
from lab.judge.verdict import Message, Result, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRecord(Judged):
    """Whether the record is short; a run in which the kernel was not asked has none that could be."""

    def expected(self) -> Message:
        """Return that nothing is missing."""
        return Message("record-whole")

    def find(self, evidence: Evidence) -> Result:
        """Ask the record itself; EvidenceError for what is lost."""
        if evidence.kernel is not None:
            check_whole(evidence.kernel)
        return self.result(Verdict.PASS, Message("record-whole"))


WHOLE_RECORD: Final = WholeRecord(id="whole-record")
"""Asked of every run: its words are the lab's, not an exercise's."""
