"""Which processes had a part in something, and what was under way at the same time."""

from __future__ import annotations

import pytest

from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.programs.printed import sooner
from lab.judge.programs.processes import children, holders, own_words
from lab.judge.serving.abreast import abreast
from lab.judge.verdict import Message, Verdict
from lab.recording.play import Output
from lab.recording.run import Run
from lab.recording.saved import SavedLab
from lab.wire.segment import Endpoint
from tests.records import changed
from tests.unit.judge.builders import BEGUN, MS, OPEN, A, Talk, capture, evidence, party, row, snapshot

SITES = {f"site{n}": Endpoint(f"192.168.1.11{n}", 8000) for n in (1, 2, 3)}
ANSWER = ("> P. ask", "< P. page")
TOLD = r"page from (?P<site>\w+): fetched by (?P<worker>\d+), told to (?P<pid>\d+)"


def fetched(*lines: str, held_by: tuple[str, ...] = ("31", "32", "33"), begun: tuple[int, ...] = (0, 1, 2)) -> Run:
    """Return a run in which `pool` (pid 30) fetched from three sites; each connection begins at its own ms."""
    rows = [
        row("ESTAB", 0, 0, Endpoint(A.address, 4000 + n), site, holder=f"fetch_pool {pid} 9" if pid else "")
        for n, (site, pid) in enumerate(zip(SITES.values(), held_by, strict=False))
    ]
    frames = [
        frame
        for n, (site, ms) in enumerate(zip(SITES.values(), begun, strict=False))
        for frame in Talk(Endpoint(A.address, 4000 + n), site, BEGUN + ms * MS, every_ns=MS * 10).frames(*OPEN, *ANSWER)
    ]
    addresses = {"client": A.address, **{name: end.address for name, end in SITES.items()}}
    return evidence(
        lab=SavedLab("lab", "192.168.1.0/24", addresses),
        parties=(party("pool", "client", 30, "fetch_pool"), party("who", "shell", 40, "ps")),
        outputs=tuple(Output(BEGUN + n, "pool", "stdout", line) for n, line in enumerate(lines)),
        snapshots=(snapshot("asked", "client", *rows),),
        captures=(capture("client", frames=frames),),
    )


def verdict(expectation: Judged, run: Run) -> Verdict:
    return expectation.judge(run).verdict


@pytest.mark.parametrize(
    ("held_by", "count", "holds"),
    [
        (("31", "32", "33"), 3, True),
        (("31", "31", "33"), 3, False),
        (("30", "32", "33"), 3, False),
        (("31", "32", ""), "1..3", False),
        (("30", "30", "30"), 1, True),
        (("31", "31", "31"), 1, False),
        (("31", "32"), 3, False),
        ((), 3, False),
    ],
)
def test_each_connection_has_a_process_of_its_own_or_all_are_the_programs(
    held_by: tuple[str, ...], count: int | str, *, holds: bool
) -> None:
    expectation = holders("asked", on="client", of="pool", count=count, id="x")
    assert (verdict(expectation, fetched(held_by=held_by)) is Verdict.PASS) == holds


def test_a_failure_marks_who_should_not_hold_a_connection() -> None:
    result = holders("asked", on="client", of="pool", count=3, id="x").judge(fetched(held_by=("30", "32", "")))
    assert result.observed == Message("held", {"host": "client", "count": 2, "rows": 3})
    assert result.comparison is not None
    assert [pair.observed and pair.observed[1] for pair in result.comparison.pairs if pair.differs] == ["30", "-"]
    assert result.look[0].line is not None


@pytest.mark.parametrize(("parents", "holds"), [((30, 30, 1), True), ((30, 1), False), ((), False), ((30,) * 3, False)])
def test_children_are_counted_by_their_parent(parents: tuple[int, ...], *, holds: bool) -> None:
    lines = ("    PID    PPID COMMAND", *(f"  5{n} {parent} fetch_pool" for n, parent in enumerate(parents)))
    run = changed(fetched(), outputs=tuple(Output(BEGUN, "who", "stdout", line) for line in lines))
    assert (verdict(children("who", of="pool", count=2, id="x"), run) is Verdict.PASS) == holds


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        (("page from a: fetched by 31, told to 30", "page from b: fetched by 32, told to 30"), True),
        (("page from a: fetched by 31, told to 31", "page from b: fetched by 32, told to 32"), False),
        (("page from a: fetched by 31, told to 30", "page from b: fetched by 31, told to 30"), False),
        (("page from a: fetched by 30, told to 30", "page from b: fetched by 32, told to 30"), False),
        (("page from a: fetched by 31, told to 30", "something else"), False),
        (("something else",), False),
        ((), False),
    ],
)
def test_a_program_says_something_itself_of_each_of_its_children(lines: tuple[str, ...], *, holds: bool) -> None:
    result = own_words("pool", TOLD, count=2, id="x").judge(fetched(*lines))
    assert (result.verdict is Verdict.PASS) == holds
    assert result.verdict in (Verdict.PASS, Verdict.FAIL)


@pytest.mark.parametrize(
    ("begun", "holds"), [((0, 1, 2), True), ((0, 1, 29), False), ((0, 0, 60), False), ((0, 1), False), ((), False)]
)
def test_connections_stand_abreast_when_the_last_is_open_before_the_first_answer(
    begun: tuple[int, ...], *, holds: bool
) -> None:
    assert (verdict(abreast(tuple(SITES), on="client", id="x"), fetched(begun=begun)) is Verdict.PASS) == holds


@pytest.mark.parametrize(
    ("lines", "holds"),
    [(("go", "200"), True), (("go",), True), (("200", "go"), False), (("other",), False), ((), False)],
)
def test_something_is_said_before_something_else(lines: tuple[str, ...], *, holds: bool) -> None:
    assert (verdict(sooner("pool", "go", r"\d+", id="x"), fetched(*lines)) is Verdict.PASS) == holds


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: holders("asked", on="client", of="pool", count="few", id="x"), "amount"),
        (lambda: children("who", of="pool", count="6..5", id="x"), "amount"),
        (lambda: own_words("pool", "(", count=1, id="x"), "printed-pattern"),
        (lambda: sooner("pool", "(", "x", id="x"), "printed-pattern"),
    ],
)
def test_what_cannot_be_read_is_refused(make: object, code: str) -> None:
    with pytest.raises(ExerciseError) as error:
        make()  # type: ignore[operator]
    assert code in error.value.code
