"""The record of a play while it is made: looks at the hosts, readings, what was done, each with its step and time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lab.conditions import Condition
from lab.errors import EvidenceError
from lab.hosts.host import Host
from lab.kernel.holders import plain_holders
from lab.kernel.sockets import SS_COMMAND, parse_ss
from lab.polling import Polling
from lab.recording.delays import NO_PROCESSOR, Delay
from lab.recording.play import Action, Party, Step, Taken
from lab.recording.recording import CounterReading, Sample, Sampling, SsOutput, Usage
from lab.settings import PATIENCE

_SETTLE_POLL_SECONDS: Final = 0.02


class PlayRecorder:
    """The hosts, and what was seen and done on them; `parties` are the programs that took part.

    What was taken stands apart from what was seen: it refers there by host and time (see lab/recording).
    """

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self.hosts = hosts
        self.steps: list[Step] = []
        self.parties: list[Party] = []
        self.actions: list[Action] = []
        self.delays: list[Delay] = []
        self.snapshots: list[Taken] = []
        self.samplings: list[Taken] = []
        self.counters: list[Taken] = []
        self.usages: list[Taken] = []
        self.seen_outputs: list[SsOutput] = []
        self.seen_samplings: list[Sampling] = []
        self.seen_counters: list[CounterReading] = []
        self.seen_usages: list[Usage] = []
        self._step = ""

    @contextlib.contextmanager
    def step(self, step_id: str) -> Iterator[None]:
        """Do the acts of one step of the page."""
        self._step = step_id
        begun = time.time_ns()
        try:
            yield
        finally:
            self.steps.append(Step(step_id, begun, time.time_ns()))

    def snapshot(
        self,
        name: str,
        *,
        on: Sequence[str] = ("server", "client"),
        seconds: float = PATIENCE,
        **conditions: Condition | None,
    ) -> None:
        """Keep what `ss` says on the hosts, once the conditions given hold on all of them, or at the deadline.

        A condition is given by its host's name: `client=state("FIN-WAIT-2", "b")`.
        """
        polling = Polling(seconds)
        while True:
            looks = Host.look_at({host: self.hosts[host] for host in on})
            missed = [host for host in on if not self._holds(conditions.get(host), looks[host][2])]
            if not missed:
                break
            if polling.late():
                self.note_starved(seconds)
                break
        number = len({snapshot.name for snapshot in self.snapshots}) + 1
        for host, (begun, ended, text) in looks.items():
            condition = conditions.get(host)
            self.snapshots.append(
                Taken(
                    name=name,
                    step=self._step,
                    host=host,
                    time_ns=begun,
                    waited_for=condition.words if condition else None,
                    timed_out=host in missed,
                )
            )
            file = f"ss/{number:02}-{name}.{host}.txt"
            self.seen_outputs.append(SsOutput(host, " ".join(SS_COMMAND), begun, ended, text, file))

    def until_repeated(self, client: str) -> float:
        """Return how long to wait for what comes with the next repetition of a segment of a client's handshake.

        The kernel doubles its pauses (RFC 6298, 5.5), and the first is a second: the next one comes before as much time
        again has passed as since the first, and a second more.
        """
        begun = next(action.time_ns for action in self.actions if action.actor == client)
        return PATIENCE + 1 + (time.time_ns() - begun) / 1e9

    def wait(self, host: str, condition: Condition, *, seconds: float = PATIENCE) -> bool:
        """Look at a host until the condition holds, and keep nothing; False at the deadline."""
        polling = Polling(seconds)
        while not (met := self._holds(condition, self.hosts[host].look()[2])) and not polling.late():
            pass
        if not met:
            self.note_starved(seconds)
        return met

    @contextlib.contextmanager
    def watching(self, name: str, *, on: str, pause: float = 0.005) -> Iterator[None]:
        """Look at a host again and again while the acts inside are done; keep every distinct output of `ss`.

        After each look it pauses for so many seconds.
        """
        step = self._step
        channel = self.hosts[on].channel
        channel.call("sample", name=name, argv=SS_COMMAND, user="root", pause=pause)
        try:
            yield
        finally:
            seen = channel.call("sample_stop", name=name)
            samples = [Sample(sample["time_ns"], plain_holders(sample["text"])) for sample in seen["samples"]]
            self.samplings.append(Taken(name, step, on, seen["begun_ns"]))
            self.seen_samplings.append(
                Sampling(
                    host=on,
                    command=" ".join(SS_COMMAND),
                    begun_ns=seen["begun_ns"],
                    ended_ns=seen["ended_ns"],
                    polls=seen["polls"],
                    samples=tuple(samples),
                    file=f"samples/{name}.{on}.txt",
                )
            )
        if seen["error"] is not None:  # it ended before it was told to: what came later it has not seen
            raise EvidenceError("probe-died", probe="ss", host=on, detail=seen["error"])

    def count(self, name: str, *, on: Sequence[str] = ("server", "client")) -> None:
        """Keep a reading of the kernel's counters on the hosts."""
        for host in on:
            time_ns, values = self.hosts[host].counters()
            self.counters.append(Taken(name, self._step, host, time_ns))
            self.seen_counters.append(CounterReading(host, time_ns, values))

    def measure(self, name: str, *parties: str) -> None:
        """Keep a reading, called `name`, of what each of these programs has used with all its threads and children."""
        for party in parties:
            known = next(known for known in self.parties if known.name == party)
            used = Usage(host=known.host, pid=known.pid, **self.used(party))
            self.usages.append(Taken(name, self._step, used.host, used.time_ns, party))
            self.seen_usages.append(used)

    def used(self, party: str) -> dict[str, Any]:
        """Return what a program has used by now, by the fields of Usage, and keep nothing.

        `host_cpu_ns` is what its whole host has, None where that cannot be read.
        """
        host = next(known.host for known in self.parties if known.name == party)
        return self.hosts[host].channel.call("usage", name=party)

    def settle(self, party: str, seconds: float) -> None:
        """Wait until a program rests: two looks find the same. One that polls is not waited for longer than that."""
        deadline = time.monotonic() + seconds
        before = None
        while time.monotonic() < deadline:
            used = self.used(party)
            now = used["cpu_ns"], used["voluntary"]
            if now == before:
                return
            before = now
            time.sleep(_SETTLE_POLL_SECONDS)

    def note_starved(self, seconds: float) -> None:
        """Keep which programs had hardly a processor in the last seconds, within which something did not happen.

        A program that had one for a quarter of the time has had its chance; one that waits for something else than a
        processor is not late for want of one. Neither is one that waited for others of the play: what the hosts had of
        the processors meanwhile, nobody else kept from it, else a program of many threads could excuse itself.
        """
        told = [host.runqueue(seconds) for host in self.hosts.values()]
        ours = sum(max((each["host_ran_ns"] for each in programs), default=0) for _, programs in told)
        for time_ns, programs in told:
            for each in programs:
                window, waited = each["window_ns"], each["waited_ns"]
                if (waited - ours) * 2 >= window and each["ran_ns"] * 4 < window:
                    self.delays.append(Delay(each["name"], NO_PROCESSOR, time_ns - window, time_ns, waited))

    def act(self, actor: str, verb: str, text: str = "", time_ns: int | None = None) -> None:
        """Record something that was done."""
        self.actions.append(Action(self._step, time_ns or time.time_ns(), actor, verb, text))

    def _named(self, client: str) -> Party | None:
        return next((party for party in self.parties if party.name == client), None)

    def _holds(self, condition: Condition | None, text: str) -> bool:
        return condition is None or condition.holds(parse_ss(text), self._named)
