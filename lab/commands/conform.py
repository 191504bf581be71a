"""The command `conform`: every server of the echo family in every case, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from lab.commands.documents import write_document
from lab.commands.progress import progress
from lab.commands.writing import as_long_as_read
from lab.conformance import CASES, FAMILY, Outcome, Trial
from lab.errors import EXIT_FAIL, EXIT_PASS, UsageError
from lab.examining import examine
from lab.hosts.connection import open_hosts
from lab.report.jsonform import to_json
from lab.settings import HOSTS, ROOT, Settings

FORMAT = 1


def conform(settings: Settings, servers: Sequence[str], cases: Sequence[str], *, as_json: bool, build: bool) -> int:
    """Try the servers named, or the whole family, in the cases named, or all; the exit code is 1 when one fails."""
    programs = sorted(path.stem for path in (ROOT / "images" / "servers").rglob("*.py"))
    for server in servers:
        if server not in programs:
            raise UsageError("unknown-server", program=server, known=", ".join(programs))
    for case in cases:
        if case not in CASES:
            raise UsageError("unknown-case", case=case, known=", ".join(CASES))
    chosen = [case for case in CASES if case in (cases or CASES)]
    trials: list[Trial] = []
    tell = progress(settings)
    with open_hosts(settings, {host: {} for host in HOSTS}, tell if build else None, say=tell) as hosts:
        page = None
        if not as_json:
            # What draws is loaded when there is something to draw.
            from lab.report.conform import ConformPage  # noqa: PLC0415
            from lab.report.style import new_console  # noqa: PLC0415

            page = ConformPage(new_console(), settings.language, servers or FAMILY, chosen)
        with as_long_as_read():
            for server in servers or FAMILY:
                found = list(examine(hosts, server, chosen))
                trials += found
                if page:
                    page.row(server, found)
            if page:
                page.end(trials)
            else:
                code = _code(trials)
                document = {"format": FORMAT, "exit_code": code, "trials": [asdict(trial) for trial in trials]}
                write_document(to_json(document), code)
    return _code(trials)


def _code(trials: Sequence[Trial]) -> int:
    return EXIT_FAIL if any(trial.outcome is Outcome.FAIL for trial in trials) else EXIT_PASS
