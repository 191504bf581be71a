"""The command `doctor`: what it found, each with its remedy."""

from __future__ import annotations

from rich.console import Console

from lab.commands.writing import write_json
from lab.doctor.containers import examine_containers
from lab.doctor.finding import Finding, Health
from lab.doctor.machine import examine_machine
from lab.errors import EXIT_MACHINE, EXIT_PASS
from lab.report.doctor import doctor_document, doctor_page
from lab.report.jsonform import to_json
from lab.settings import Settings


def doctor(settings: Settings, *, as_json: bool) -> int:
    """Print the findings; exit code 3 when one of them means that the lab cannot run here."""
    findings: list[Finding] = [*examine_containers(settings), *examine_machine(settings)]
    if as_json:
        document = doctor_document(findings, settings.language)
        write_json(to_json(document))
    else:
        doctor_page(Console(highlight=False), findings, settings.language)
    stops = any(finding.health is Health.STOPS for finding in findings)
    return EXIT_MACHINE if stops else EXIT_PASS
