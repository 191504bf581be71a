"""One host of the lab, over its channel: run, look, and put everything back as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.errors import EvidenceError
from lab.hosts.channel import Channel
from lab.hosts.tcpdump import Tcpdump
from lab.kernel.counters import NSTAT_COMMAND, parse_nstat
from lab.kernel.holders import plain_holders
from lab.kernel.sockets import SS_COMMAND, is_whole

_LOOK_SECONDS: Final = 4.0
"""A look takes 5 ms; a host that needs more than this is frozen, and no deadline of the stage means anything."""
_MORE_SECONDS: Final = 2.0
SYSCTLS: Final = (
    "net.core.somaxconn",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_synack_retries",
    "net.ipv4.tcp_syn_retries",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_rfc1337",
    "net.ipv4.ip_local_port_range",
)
_TIDY: Final = {"browser": (("sh", "-c", "rm -rf /tmp/browse-*"),)}
"""What else puts a host back as it was: a browser that was opened by hand leaves its profile and its caches."""

Look = tuple[int, int, str]
"""What `ss` said: begun and ended (ns since the epoch), and its text."""


class Host:
    """A host and its probes."""

    def __init__(self, name: str, address: str, channel: Channel) -> None:
        self.name = name
        self.address = address
        self.channel = channel
        self.tcpdump = Tcpdump(channel)

    def run(self, *argv: str, user: str = "lab", timeout: float = 10.0) -> str:
        """Run a short command and return what it printed; EvidenceError with its words when it fails."""
        answer = self.channel.call("run", argv=argv, user=user, timeout=timeout, patience=timeout + _MORE_SECONDS)
        if answer["status"] != 0:
            words = (answer["stderr"].strip() or f"exit status {answer['status']}").splitlines()[-1]
            raise EvidenceError("probe-died", probe=" ".join(argv), host=self.name, detail=words)
        return str(answer["stdout"])

    def look(self) -> Look:
        """Run `ss` as root: it sees every program's processes, and none can reach it; return begin, end (ns), text."""
        return self.end_look(self.begin_look())

    def begin_look(self) -> int:
        """Ask for a look without waiting for it; return the number to ask `end_look` for."""
        return self.channel.begin("run", {"argv": SS_COMMAND, "user": "root", "timeout": _LOOK_SECONDS})

    def end_look(self, number: int) -> Look:
        """Wait for a look that `begin_look` asked for; EvidenceError when `ss` fails."""
        answer = self.channel.answer(number, "ss", _LOOK_SECONDS + 1)
        if answer["status"] != 0:
            raise EvidenceError("probe-died", probe="ss", host=self.name, detail=answer["stderr"].strip())
        text = plain_holders(answer["stdout"])
        if not is_whole(text):
            raise EvidenceError("probe-died", probe="ss", host=self.name, detail="not whole")
        return answer["begun_ns"], answer["ended_ns"], text

    @staticmethod
    def look_at(hosts: Mapping[str, Host]) -> dict[str, Look]:
        """Look at several hosts at the same time; return each one's look by its name."""
        begun = {name: host.begin_look() for name, host in hosts.items()}
        return {name: hosts[name].end_look(number) for name, number in begun.items()}

    def counters(self) -> tuple[int, dict[str, int]]:
        """Return the time (ns) and the kernel's counters of this host's network namespace."""
        answer = self.channel.call("run", argv=NSTAT_COMMAND, user="lab")
        return answer["begun_ns"], parse_nstat(answer["stdout"])

    def environment(self) -> dict[str, str]:
        """Return the versions of the tools, the kernel's release and the sysctls that matter to TCP, by name."""
        values = self.channel.call("sysctls", names=SYSCTLS)["values"]
        return self.channel.facts | {name: value for name, value in values.items() if value is not None}

    def runqueue(self, seconds: float) -> tuple[int, list[dict[str, Any]]]:
        """Return the time (ns), and how each program spent the last seconds, see images/host/agent/runqueue.py."""
        answer = self.channel.call("runqueue", seconds=seconds)
        return answer["time_ns"], answer["programs"]

    def clean(self) -> None:
        """End every program and every connection, and forget what the kernel learned of the peers.

        `ss -K` also ends listening sockets and, with -a, TIME-WAIT. The embedded name server of the engine is not
        reached: its address is no lab address.
        """
        self.channel.call_all(
            ("stop_all", {}),
            ("forget_traces", {}),
            ("run", {"argv": ("ss", "-Ktan", "src", self.address), "user": "root"}),
            ("run", {"argv": ("ip", "tcp_metrics", "flush", "all"), "user": "root"}),
            *(("run", {"argv": argv}) for argv in _TIDY.get(self.name, ())),
        )

    def end_strangers(self) -> list[str]:
        """End what a learner runs here by hand, but for their shells; return the programs' names."""
        return list(self.channel.call("end_strangers")["ended"])

    def leftovers(self) -> list[str]:
        """Return the rows of TCP sockets that are still there on this host's address."""
        answer = self.channel.call("run", argv=("ss", "-Htan", "src", self.address), user="root")
        return [line for line in answer["stdout"].splitlines() if line.strip()]
