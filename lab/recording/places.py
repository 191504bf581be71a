"""Where a record stands in evidence.json: the line that a reader opens it at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lab.recording.codec import fields_of
from lab.recording.run import Run
from lab.recording.saved import FORMAT, saved_form


def line_of_record(run: Run, *path: str | int) -> int:
    """Return the number (from 1) of the line at which a part of the saved form begins, as `store.save` writes it.

    The path leads there by names and numbers (from 0): `"outputs", 3, "text"`. Raises KeyError when there is none.
    """
    line = 1
    members: list[tuple[str | int, Any]] = [("format", FORMAT), *_members(saved_form(run))]
    for key in path:
        line += 1  # what encloses it has a line for its bracket
        for name, inner in members:
            if name == key:
                members = list(_members(inner))
                break
            line += _lines(inner)
        else:
            raise KeyError(path)
    return line


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:  # noqa: ANN401 - any record or part of one
    kind: Any = type(value)
    if isinstance(value, Mapping):
        yield from value.items()
    elif names := fields_of(kind):
        yield from ((name, getattr(value, name)) for name in names)
    elif isinstance(value, tuple):
        yield from enumerate(value)


def _lines(value: Any) -> int:  # noqa: ANN401 - any record or part of one
    """Return how many lines a value takes: one for each that is no bracket, two for the brackets around any."""
    inner = sum(_lines(member) for _, member in _members(value))
    return inner + 2 if inner else 1
