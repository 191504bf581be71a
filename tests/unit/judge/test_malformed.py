"""What an exercise writes wrongly is refused when it is loaded, and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.errors import EXIT_USAGE
from lab.judge.agreement import agree
from lab.judge.claims import Claim
from lab.judge.errors import ExerciseError
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import printed
from lab.judge.readings.counters import counters
from lab.judge.segments.closing import closes
from lab.judge.segments.ladders import segments
from lab.judge.sockets.over_time import eventually
from lab.judge.sockets.tables import sockets

NAMES = "State  Recv-Q  Local  Peer  Process\n"


def table(text: str, **more: object) -> Callable[[], object]:
    return lambda: sockets("now", on="server", id="B7", table=text, **more)  # type: ignore[arg-type]


def ladder(text: str, **more: object) -> Callable[[], object]:
    return lambda: segments("a", id="B7", ladder=text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "code", "line"),
    [
        (table(" \n"), "table-empty", None),
        (table("State  Port\n"), "table-column", "State  Port"),
        (table("State  State\n"), "table-column", "State  State"),
        (table(NAMES + "ESTAB  0"), "table-row", "ESTAB  0"),
        (table(NAMES + "ESTAB  0  server:8000  client:a  server  fd=3"), "table-row", None),
        (table(NAMES + "OPEN  0  server:8000  client:a  -"), "table-cell", "OPEN  0  server:8000  client:a  -"),
        (table(NAMES + "ESTAB  few  server:8000  client:a  -"), "table-cell", None),
        (table(NAMES + "ESTAB  6..5  server:8000  client:a  -"), "table-cell", None),
        (table(NAMES + "ESTAB  0  server  client:a  -"), "table-cell", None),
        (table(NAMES + "ESTAB  0  server:8000  client:a  server fd=x"), "table-cell", None),
        (table("State  Timer\nESTAB  timewait soon"), "table-cell", None),
        (table(NAMES, only=70000), "table-only", None),
        (table(NAMES, only="a"), "table-only", None),
        (lambda: eventually("w", on="server", id="B7", table=NAMES), "table-one-row", None),
        (ladder("client:a server S"), "ladder-line", "client:a server S"),
        (ladder("client:a > server  Q"), "ladder-line", "client:a > server  Q"),
        (ladder("client:a > server  S  seq"), "ladder-line", None),
        (ladder("client:a > server  S  seq 1 seq 2"), "ladder-line", None),
        (ladder('client:a > server  P.  "hel'), "ladder-line", None),
        (ladder('client:a > server  P.  "\\xZZ"'), "ladder-line", None),
        (ladder("client:b > server  S"), "ladder-ends", "client:b > server  S"),
        (ladder("client:a > client:a  S"), "ladder-ends", None),
        (ladder("", part="middle"), "ladder-part", None),
        (lambda: closes("a", id="B7", first="b"), "closes-first", None),
        (lambda: closes("a", id="B7", first="a", segments="many"), "amount", None),
        (lambda: agree("B7", client="a", snapshot="now", state_on_server="OPEN"), "joint-state", None),
        (lambda: counters("x", "y", on="server", id="B7", change={"TcpInSegs": "some"}), "amount", None),
        (lambda: printed("a", id="B7"), "printed-what", None),
        (lambda: printed("a", "x", id="B7", matches="y"), "printed-what", None),
        (lambda: printed("a", id="B7", matches="("), "printed-pattern", "("),
        (lambda: Claim("B7"), "claim-cases", None),
        (lambda: Claim("B7", says=()), "claim-cases", None),
        (lambda: Claim("B7", says=exited("a", 0, id="x"), cites="RFC 9110"), "claim-cases", None),
        (lambda: Claim("B7", instead=exited("a", 0, id="x"), cites="RFC 9110"), "claim-cases", None),
        (lambda: Claim("B7", cases={"now": ((), None)}), "claim-cases", None),
    ],
)
def test_what_is_malformed_is_named(make: Callable[[], object], code: str, line: str | None) -> None:
    with pytest.raises(ExerciseError) as caught:
        make()
    error = caught.value
    assert (error.code, error.params["id"], error.exit_code) == (code, "B7", EXIT_USAGE)
    if line is not None:
        assert error.params["line"] == line
    for language in ("en", "zh-CN"):
        assert "B7" in error.what(language)
        assert error.remedy(language)
