"""Where a saved run keeps what, and how a sampling's texts lie in its one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lab.recording.recording import Sample

EVIDENCE_FILE: Final = "evidence.json"
"""The record of everything but the raw texts and captures, which lie beside it."""


def compose_samples(samples: Sequence[Sample]) -> str:
    r"""Return the text of a sampling's file: before each output of `ss` a line with its time in ns and its length.

    >>> from lab.recording.recording import Sample
    >>> print(compose_samples([Sample(1_700_000_000_000_000_000, "State")]), end="")
    @ 1700000000000000000 ns, 5 characters
    State
    """
    return "".join(sample_header(sample.time_ns, len(sample.text)) + sample.text + "\n" for sample in samples)


def sample_header(time_ns: int, characters: int) -> str:
    """Return the line that stands before a sample of that length."""
    return f"@ {time_ns} ns, {characters} characters\n"


def first_line_of_sample(samples: Sequence[Sample], index: int) -> int:
    """Return the number (from 1) of the first line of a sample's own text in the sampling's file."""
    return compose_samples(samples[:index]).count("\n") + 2
