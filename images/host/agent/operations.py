"""What can be asked of a host: one method for each operation, named do_ and the operation."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence

import cgroup
from child import Command
from children import FIRST_UID, OWN, Children
from leavings import remove_left
from loop import Loop
from reply import RefusedError, Reply
from runqueue import RunQueue
from sampling import PAUSE_SECONDS, Sampling
from strangers import end_strangers
from tracing import TraceEnd, forget_traces, trace_of
from usage import usage


class Operations:
    """Does one request after the other; what takes time is answered later."""

    def __init__(self, loop: Loop, children: Children) -> None:
        self._loop = loop
        self._children = children
        self._samplings: dict[str, Sampling] = {}
        self._runqueue = RunQueue(loop, children)

    def handle(self, line: bytes) -> None:
        """Do one request, whatever it is, and see that it is answered."""
        reply = Reply(self._loop)
        try:
            request = json.loads(line)
            reply.number, operation = request.pop("id"), request.pop("op")
            getattr(self, f"do_{operation}")(reply, **request)
        except RefusedError as refused:
            reply.error(refused.code, refused.detail)
        except Exception as error:  # noqa: BLE001 - a defect here must be told, and must not end the agent
            reply.error("agent", repr(error))

    def do_ping(self, reply: Reply) -> None:
        """Answer with the time."""
        reply.ok(time_ns=time.time_ns())

    def do_beacon(self, reply: Reply, address: str) -> None:
        """Have a socket listen on this host's address for a moment: the kernel's tracer tells who did that.

        So the recorder knows the thread that starts programs by the machine's number, see recorder/record.py.
        """
        import socket  # noqa: PLC0415 - not every host is recorded

        def listen() -> None:
            with socket.socket() as beacon:
                beacon.bind((address, 0))
                beacon.listen()

        self._children.starter.do(listen)
        reply.ok()

    # -- programs

    def do_run(self, reply: Reply, argv: Sequence[str], user: str = "lab", timeout: float = 10.0) -> None:
        """Run a short command; answer with its output when it has ended."""

        def finished(command: Command) -> None:
            timer.call_off()
            reply.ok(
                begun_ns=command.begun_ns,
                ended_ns=command.ended_ns,
                status=command.status,
                stdout=command.text("stdout"),
                stderr=command.text("stderr"),
            )

        def too_late() -> None:
            command.end()
            reply.error("timeout", f"{' '.join(argv)}: no end after {timeout:g} s")

        command = self._children.run(argv, user, finished)
        timer = self._loop.at(timeout, too_late)

    def do_spawn(
        self,
        reply: Reply,
        name: str,
        argv: Sequence[str],
        user: str = OWN,
        *,
        pty: bool = False,
        tracer: Sequence[str] = (),
        followed: bool = True,
    ) -> None:
        """Start a program that stays, with `pty` at a terminal of its own; its lines and its end come as events.

        `tracer` is the strace that is to run it, which writes where only root can. The recorder follows what the
        program does, unless it is root's, or not to be `followed`.
        """
        if tracer:
            tracer = (*tracer, "-o", trace_of(name))
        program = self._children.spawn(name, argv, user, pty=pty, tracer=tracer, followed=followed and user != "root")
        reply.ok(pid=program.process.pid, time_ns=time.time_ns())

    def do_write(self, reply: Reply, name: str, text: str) -> None:
        """Write to a program's stdin, as if typed."""
        self._children.named(name).keyboard.write(text.encode())
        reply.ok(time_ns=time.time_ns())

    def do_close(self, reply: Reply, name: str) -> None:
        """Close a program's stdin when it has read all: Ctrl-D. A terminal stays open: there it is a key."""
        self._children.named(name).keyboard.end()
        reply.ok(time_ns=time.time_ns())

    def do_signal(self, reply: Reply, name: str, signal_name: str) -> None:
        """Send a signal; for STOP, answer only when the program has really stopped."""
        process = self._children.named(name).process
        time_ns = time.time_ns()
        if process.poll() is not None:  # reaped: the number may be another's
            raise RefusedError("no-such-program", name)
        try:
            os.kill(process.pid, getattr(signal, f"SIG{signal_name}"))
        except ProcessLookupError as error:
            raise RefusedError("no-such-program", name) from error
        if signal_name == "STOP":
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        reply.ok(time_ns=time_ns)

    def do_stop_all(self, reply: Reply) -> None:
        """End every program started here, and remove what they left; answer when none is left."""
        self._children.end_all()
        remove_left(FIRST_UID)
        reply.ok()

    # -- looks

    def do_sample(
        self, reply: Reply, name: str, argv: Sequence[str], user: str = "lab", pause: float = PAUSE_SECONDS
    ) -> None:
        """Look again and again until told to stop; keep each output that differs from the one before."""
        sampling = self._samplings[name] = Sampling(self._loop, self._children, argv, user, pause)
        sampling.look()
        reply.ok(time_ns=sampling.begun_ns)

    def do_sample_stop(self, reply: Reply, name: str) -> None:
        """End a sampling after one more look, and answer with what it saw."""
        if name not in self._samplings:
            raise RefusedError("no-such-sampling", name)
        self._samplings.pop(name).stop(reply)

    def do_usage(self, reply: Reply, name: str) -> None:
        """Answer with what a program and all its processes have used, with the whole host's, and the time."""
        process = self._children.named(name).process
        cpu_ns, voluntary, involuntary = usage(process.pid, self._children.owner(name))
        reply.ok(
            time_ns=time.time_ns(),
            cpu_ns=cpu_ns,
            voluntary=voluntary,
            involuntary=involuntary,
            host_cpu_ns=cgroup.cpu_ns(),
        )

    def do_runqueue(self, reply: Reply, seconds: float) -> None:
        """Answer with how long each program waited for a processor in the last seconds, and how long it had one."""
        reply.ok(time_ns=time.time_ns(), programs=self._runqueue.since(seconds))

    def do_trace(self, reply: Reply, name: str) -> None:
        """End a traced program if it still runs; answer with its trace when all of it is written, and remove it."""
        self._children.end(name)
        TraceEnd(self._loop, reply, trace_of(name))

    def do_forget_traces(self, reply: Reply) -> None:
        """Remove the traces that a lab which was killed has left."""
        forget_traces()
        reply.ok()

    def do_sysctls(self, reply: Reply, names: Sequence[str]) -> None:
        """Answer with the values of sysctls; None where this kernel has no such name."""
        values: dict[str, str | None] = {}
        for name in names:
            try:
                with open("/proc/sys/" + name.replace(".", "/"), encoding="ascii") as file:
                    values[name] = file.read().strip()
            except OSError:
                values[name] = None
        reply.ok(values=values)

    # -- files and strangers

    def do_fetch(self, reply: Reply, path: str, offset: int = 0, size: int = -1) -> None:
        """Answer with a file's bytes, or with so many of them from an offset on."""
        with open(path, "rb") as file:
            file.seek(offset)
            reply.ok(data=base64.b64encode(file.read(size)).decode())

    def do_remove(self, reply: Reply, path: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        reply.ok()

    def do_end_strangers(self, reply: Reply) -> None:
        """End what somebody runs here by hand, but for the shells themselves and the lab's own processes."""
        reply.ok(ended=end_strangers())
