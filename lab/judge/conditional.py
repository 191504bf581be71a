"""Expect one thing or another, as the kernel behaves or as the run was set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lab.judge.judging import Judged, look_in
from lab.judge.verdict import Message, Result, Verdict
from lab.recording.run import Run


def either(probe: Judged, then: Judged, otherwise: Judged) -> Either:
    """Expect `then` where the run shows that `probe` holds, and `otherwise` where it does not.

    The probe tells how this kernel behaves: versions do not, since behaviour is backported. Id and step are those of
    `then`; the result is that of the one chosen.
    """
    return Either(id=then.id, step=then.step, probe=probe, then=then, otherwise=otherwise)


def where(environment: Mapping[str, int | str], expectation: Judged) -> Where:
    """Expect that only of a run with these settings, by host and sysctl (`server.net.ipv4.tcp_synack_retries`).

    Any other run cannot try it: for a claim's case, that is `not tried`.
    """
    wanted = {name: str(value) for name, value in environment.items()}
    return Where(id=expectation.id, step=expectation.step, environment=wanted, expectation=expectation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Either(Judged):
    """What is expected of a kernel, by how it behaves."""

    probe: Judged
    then: Judged
    otherwise: Judged

    def expected(self) -> Message:
        """Return both."""
        return Message("either", {"then": self.then.expected(), "otherwise": self.otherwise.expected()})

    def find(self, run: Run) -> Result:
        """Ask the probe, then judge by what it says."""
        probed = self.probe.judge(run)
        chosen = {Verdict.PASS: self.then, Verdict.FAIL: self.otherwise}.get(probed.verdict)
        found = probed if chosen is None else chosen.judge(run)
        return replace(found, id=self.id, step=self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Judged):
    """What is expected of a run with certain settings."""

    environment: Mapping[str, str]
    expectation: Judged

    def expected(self) -> Message:
        """Return what is expected where it can be tried."""
        return self.expectation.expected()

    def find(self, run: Run) -> Result:
        """Judge, or say which setting is another one."""
        for name, wanted in self.environment.items():
            value = run.recording.environment.get(name, "?")
            if value != wanted:
                observed = Message("other-setting", {"name": name, "value": value, "wanted": wanted})
                place = (name,) if name in run.recording.environment else ()
                return self.result(Verdict.CANNOT_RUN, observed, None, (look_in(run, "environment", *place),))
        return self.expectation.judge(run)
