"""The command `doctor`: what it found, each with its remedy."""

from __future__ import annotations

from lab.commands.documents import write_document
from lab.doctor.containers import examine_containers
from lab.doctor.finding import Finding, Health
from lab.doctor.machine import examine_machine
from lab.errors import EXIT_MACHINE, EXIT_PASS
from lab.report.doctor import doctor_document, doctor_page
from lab.report.jsonform import to_json
from lab.report.style import new_console
from lab.settings import Settings


def doctor(settings: Settings, *, as_json: bool) -> int:
    """Print the findings; exit code 3 when one of them means that the lab cannot run here."""
    findings: list[Finding] = [*examine_containers(settings), *examine_machine(settings)]
    code = EXIT_MACHINE if any(finding.health is Health.STOPS for finding in findings) else EXIT_PASS
    if as_json:
        document = doctor_document(findings, settings.language) | {"exit_code": code}
        write_document(to_json(document), code)
    else:
        doctor_page(new_console(), findings, settings.language)
    return code
