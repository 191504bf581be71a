"""Save a run to a folder and load it again.

The folder holds `evidence.json` (everything but the raw outputs), and beside it what the tools gave, at the places that
the records name: the texts of `ss`, a file per sampling, a capture per host; and what the kernel told as a listing.
Of each of these files but the listing, which is there for the reader alone, evidence.json has length and digest.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lab.errors import EvidenceError, MachineError, UsageError
from lab.foreign import shown_json
from lab.kernel.listing import FILE as LISTING
from lab.kernel.listing import list_trace
from lab.recording.codec import FieldError, checked, decode, encode
from lab.recording.files import RunFiles, Written, written
from lab.recording.layout import EVIDENCE_FILE, compose_samples, sample_header
from lab.recording.raw import CaptureRecord, KernelRecord
from lab.recording.run import Run
from lab.recording.saved import FORMAT, SavedRun, SavedSampling, SavedSnapshot, SavedTrace, run_of, saved_form
from lab.recording.whole import check_capture, check_kernel
from lab.wire.packet import Buffer

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FILES: Final = "files"
_SINCE_FILES: Final = 5
_LATER: Final[dict[int, dict[str, Any]]] = {
    2: {"traces": [], "usages": [], "stand_ins": {}},
    3: {"kernel": None, "unrecorded": "no-recorder"},
    4: {"host_usages": []},
    6: {"delays": []},
}
"""What a version added to the record, as a run of an older one has it."""


def save(run: Run, folder: Path) -> None:
    """Write the run to `folder`, which must not be there yet or be empty: wholly or not at all.

    Raises MachineError `disk-full` or `run-not-written` with the path; nothing is left behind then.
    """
    # Beside it, so that the last move stays within one file system; hidden, so that nobody takes it for a run.
    partial = folder.parent / f".{folder.name}.{os.getpid()}.partial"
    with _nothing_left(partial), _machine_errors(folder):
        shutil.rmtree(partial, ignore_errors=True)
        for place, content in _files(saved_form(run)).items():
            path = partial / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        partial.rename(folder)


def load(folder: Path) -> Run:
    """Read what `save` wrote.

    Raises UsageError when the folder is no run, and EvidenceError, which names the file, and the place in it, for
    evidence that is missing, damaged, of a newer version, or not what this run recorded.
    """
    if not os.path.lexists(folder / EVIDENCE_FILE):
        raise UsageError("not-a-run", path=str(folder), file=EVIDENCE_FILE)
    files = RunFiles(folder)
    document, files.expected = _parse(files.text(EVIDENCE_FILE))
    saved: SavedRun = decode(SavedRun, document, functools.partial(_fill, files=files))
    run = run_of(saved)
    for record in run.recording.captures:
        # What a tcpdump that died left behind may well be cut short: that is for the judge, not damage of the run.
        if not record.died:
            check_capture(record, run.recording)
    if (kernel := run.recording.kernel) and not kernel.died:
        check_kernel(kernel, run.recording)
    files.require_unchanged()
    return run


def _files(saved: SavedRun) -> dict[str, bytes]:
    """Return the content of each file of a run, by its place in the folder."""
    files: dict[str, bytes] = {}
    raw: list[tuple[str, str | Buffer]] = [(snapshot.file, snapshot.text) for snapshot in saved.snapshots]
    raw += [(sampling.file, compose_samples(sampling.samples)) for sampling in saved.samplings]
    raw += [(trace.file, trace.text) for trace in saved.traces]
    raw += [(capture.file, capture.data) for capture in saved.captures]
    if saved.kernel:
        raw.append((saved.kernel.file, saved.kernel.data))
    for place, content in raw:
        if place in (EVIDENCE_FILE, LISTING, *files):
            raise ValueError(f"two records share the file {place}")
        files[place] = content.encode(errors="surrogatepass") if isinstance(content, str) else content[:]
    # Last: whoever is sent to a line of a record finds it where it was before there were these.
    kept = {place: encode(written(content)) for place, content in files.items()}
    document = {"format": FORMAT, **encode(saved), _FILES: kept}
    files[EVIDENCE_FILE] = (shown_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n").encode()
    if saved.kernel:
        with contextlib.suppress(EvidenceError):  # what a recorder that died left behind may be cut short
            listing = list_trace(saved.kernel.trace, {*saved.lab.addresses.values()})
            files[LISTING] = listing.encode(errors="surrogatepass")
    return files


@contextlib.contextmanager
def _nothing_left(partial: Path) -> Iterator[None]:
    """Remove what was begun when the whole does not succeed, Ctrl-C included, with the folders made for it."""
    made = [folder for folder in partial.parents if not folder.exists()]
    try:
        yield
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def _machine_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk-full" if error.errno in _FULL else "run-not-written"
        raise MachineError(code, path=str(folder), detail=error.strerror or str(error)) from None


def _parse(text: str) -> tuple[dict[str, Any], dict[str, Written] | None]:
    """Return the document without its version, and what was kept of each file, None in a version that did not.

    Raises EvidenceError for what is no evidence of a version known here.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise EvidenceError(
            "evidence-not-json", file=EVIDENCE_FILE, line=error.lineno, column=error.colno, reason=error.msg
        ) from None
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets nested as deep: no place is told.
        raise EvidenceError("evidence-not-json", file=EVIDENCE_FILE, line=1, column=1, reason=str(error)) from None
    members: dict[str, Any] = checked(dict, document, "$")
    if "format" not in members:
        raise FieldError("evidence-field-missing", path="format")
    version = checked(int, members.pop("format"), "format")
    if not 1 <= version <= FORMAT:
        raise EvidenceError("evidence-format", file=EVIDENCE_FILE, version=version, known=FORMAT)
    for since, later in _LATER.items():
        if version < since:
            members |= later
    if version < _SINCE_FILES:
        return members, None
    if _FILES not in members:
        raise FieldError("evidence-field-missing", path=_FILES)
    return members, decode(Mapping[str, Written], members.pop(_FILES), lambda record: record, _FILES)


def _fill(record: Any, files: RunFiles) -> Any:  # noqa: ANN401 - any record
    """Return the record with what stands in the file that it names."""
    if isinstance(record, SavedSnapshot | SavedTrace):
        return replace(record, text=files.text(record.file))
    if isinstance(record, CaptureRecord | KernelRecord):
        return replace(record, content=files.data(record.file))
    if isinstance(record, SavedSampling):
        texts = _cut(record, files.text(record.file))
        samples = (replace(one, text=text) for one, text in zip(record.samples, texts, strict=True))
        return replace(record, samples=tuple(samples))
    return record


def _cut(sampling: SavedSampling, text: str) -> list[str]:
    """Cut a sampling's file into its outputs: each header tells the length of what follows it."""
    found: list[str] = []
    at = 0
    for sample in sampling.samples:
        header = sample_header(sample.time_ns, 0).partition(", ")[0]
        told = re.compile(rf"{re.escape(header)}, ([0-9]{{1,12}}) characters\n").match(text, at)
        if told is None or len(text) <= told.end() + int(told[1]):
            raise EvidenceError("sampling-damaged", file=sampling.file, sample=len(found) + 1)
        at = told.end() + int(told[1])
        found.append(text[told.end() : at])
        at += 1
    return found
