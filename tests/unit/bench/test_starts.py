from __future__ import annotations

from lab.recording.play import Exit, Party
from tests.bench.bare import Start, starts_of
from tests.records import changed
from tests.unit.judge.builders import evidence


def party(name: str, role: str, command: str) -> Party:
    return Party(name, role, role, command.split(maxsplit=1)[0], command, 1, None, None)


def test_the_starts_are_the_runs_own_programs_in_order() -> None:
    run = changed(
        evidence(),
        parties=(
            party("server", "server", "serve_blocking --backlog 5 10.0.0.102 8000"),
            party("a", "client", "prompt 10.0.0.102 8000"),
            party("rounds", "client", "rounds 10.0.0.102 8000 20"),
            party("strict", "server", "serve_blocking --no-reuseaddr 10.0.0.102 8000"),
            party("again", "server", "serve_blocking 10.0.0.102 8000"),
        ),
        exits=(Exit(1, "server", -15), Exit(2, "a", 0), Exit(3, "strict", 1), Exit(4, "again", -9)),
    )
    assert starts_of(run) == (
        Start("server", ("serve_blocking", "--backlog", "5", "10.0.0.102", "8000"), afresh=True),
        Start("client", ("prompt", "10.0.0.102", "8000"), afresh=False),
        Start("client", ("rounds", "10.0.0.102", "8000", "0"), afresh=False),
        Start("server", ("serve_blocking", "--no-reuseaddr", "10.0.0.102", "8000"), afresh=False),
        Start("server", ("serve_blocking", "10.0.0.102", "8000"), afresh=True),
    )
