#!/usr/bin/python3
"""The host's end of the control channel: JSON lines in on stdin, JSON lines out on stdout, standard library only.

A request is {"id": n, "op": name, ...}; its answer is {"id": n, "ok": {...}} or {"id": n, "error": {...}}. Events have
no id: {"event": "output" | "exit" | "lost" | "stalled", "name": ..., "time_ns": ...}.

One thread does everything, and never blocks, for two reasons. End-of-file on stdin means that the other side is gone,
by kill -9 too: it must be seen at once, and everything started here must go along. And the parent-death signal, which
takes the children along when this process itself is killed, follows the thread that forked.

The parent-death signal is not inherited, though: children of a server that forks would stay. So orphans come to this
process, and when it has been killed to a second one, the guard, which does nothing but wait to end them.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import fcntl
import functools
import heapq
import itertools
import json
import os
import pwd
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import IO, Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)
LOCK = "/run/lab-agent.lock"
POLL_SECONDS = 0.005
CHUNK = 65536
SHELLS = ("bash", "sh", "dash")
PATIENCE_SECONDS = 3.0  # an agent that has just lost its stdin is still cleaning up
KEPT_BYTES = 262144  # of what one program prints: the lab keeps all of it in memory and in the record
KEPT_LINES = 5000
LINE_BYTES = 4096  # a longer line is told in pieces
TYPED_BYTES = 1048576  # waiting for a program that does not read
ANSWER_BYTES = 16777216  # of what a short command prints
TICK_SECONDS = 0.25
STALL_SECONDS = 1.0


Answer = dict[str, Any]
Action = Callable[[], object]
Timer = list[Any]
"""[when it is due (monotonic, s), a number, what is then to be done or None when it is off]; a heap orders them."""


class RefusedError(Exception):
    """A request that cannot be done; the arguments are a code and details for the other side."""


class Child:
    """A program started here: its pipes, and what it has printed so far. Without a name it is a short command."""

    def __init__(
        self, name: str | None, process: subprocess.Popen[bytes], on_exit: Callable[[Child], object] | None
    ) -> None:
        self.name = name
        self.process = process
        self.on_exit = on_exit
        self.begun_ns = time.time_ns()
        self.ended_ns = 0
        self.status: int | None = None
        self.timer: Timer | None = None
        self.open_pipes: dict[str, IO[bytes]] = {}
        # A short command's output is answered as a whole, a program's told line by line.
        self.collected = {"stdout": bytearray(), "stderr": bytearray()}
        self.pending = {"stdout": b"", "stderr": b""}
        self.kept_lines = 0
        self.kept_bytes = 0
        self.lost = False
        self.typed = bytearray()
        self.typing_ends = False

    @property
    def stdin(self) -> IO[bytes]:
        """Its stdin; RefusedError when it is closed, or was never there."""
        if self.process.stdin is None or self.process.stdin.closed:
            raise RefusedError("stdin-closed", self.name)
        return self.process.stdin


def descendants(root: int) -> list[int]:
    """Return the ids of the living and the dead but unreaped processes below `root`, deepest last."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                # The command's name, in brackets, may hold anything.
                children.setdefault(int(file.read().rpartition(b")")[2].split()[1]), []).append(int(entry))
    found = list(children.get(root, ()))
    for pid in found:
        found += children.get(pid, ())
    return found


class Agent:
    """The loop over stdin, the children's pipes and ends, and due times."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.children: dict[str, Child] = {}
        self.anonymous: dict[int, Child] = {}
        self.samplings: dict[str, dict[str, Any]] = {}
        self.timers: list[Timer] = []
        self.timer_numbers = itertools.count()
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.last_tick = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.ended = False
        user = pwd.getpwnam("lab")
        self.identity = {"lab": (user.pw_uid, user.pw_gid), "root": (0, 0)}

    # -- the loop

    def main(self) -> int:
        """Serve until end-of-file on stdin."""
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # should the guard be killed
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(self, "ended", True))
        woken, wake = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self.selector.register(0, selectors.EVENT_READ, self.read_requests)
        self.selector.register(woken, selectors.EVENT_READ, lambda: os.read(woken, CHUNK))
        self.tick()
        self.send({"event": "ready", "config": os.environ.get("LAB_CONFIG", ""), "time_ns": time.time_ns()})
        try:
            while not self.ended:
                for key, _ in self.selector.select(self.until_next_timer()):
                    key.data()
                self.reap()
                self.run_timers()
        finally:
            self.kill_children()
        return 0

    def until_next_timer(self) -> float | None:
        """Return how long to wait for the next timer, None when there is none."""
        return max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None

    def run_timers(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            action = heapq.heappop(self.timers)[2]
            if action is not None:
                action()

    def at(self, seconds: float, action: Action) -> Timer:
        """Do something later."""
        timer: Timer = [time.monotonic() + seconds, next(self.timer_numbers), action]
        heapq.heappush(self.timers, timer)
        return timer

    def tick(self) -> None:
        """Tell when this host stood still (paused, machine asleep): what was late then is nobody's failure."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        late = now - self.last_tick - TICK_SECONDS
        self.last_tick = now
        if late > STALL_SECONDS:
            self.send({"event": "stalled", "name": "", "seconds": round(late, 3), "time_ns": time.time_ns()})
        self.at(TICK_SECONDS, self.tick)

    def send(self, message: Answer) -> None:
        """Send a message to the other side, as soon as it reads."""
        waiting = bool(self.outbox)
        self.outbox += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if not waiting:
            self.write_out()
            if self.outbox:
                self.selector.register(1, selectors.EVENT_WRITE, self.write_out_more)

    def write_out_more(self) -> None:
        """Go on writing now that the other side reads again."""
        self.write_out()
        if not self.outbox:
            self.selector.unregister(1)

    def write_out(self) -> None:
        """Write what the other side takes now."""
        try:
            while self.outbox:
                del self.outbox[: os.write(1, self.outbox[:CHUNK])]
        except BlockingIOError:  # the other side does not read now; end-of-file must be seen all the same
            pass
        except OSError:  # nobody listens any more
            self.ended = True
            self.outbox.clear()

    def read_requests(self) -> None:
        """Take requests; end-of-file ends the agent."""
        try:
            data = os.read(0, CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.ended = True
            return
        self.inbox += data
        *lines, rest = self.inbox.split(b"\n")
        self.inbox = bytearray(rest)
        for line in lines:
            self.handle(line)

    def handle(self, line: bytes | bytearray) -> None:
        """Do one request and answer it, whatever it is."""
        number = None
        try:
            request = json.loads(line)
            number, operation = request.pop("id"), request.pop("op")
            answer = getattr(self, f"do_{operation}")(number, **request)
        except RefusedError as refused:
            self.send({"id": number, "error": {"code": refused.args[0], "detail": refused.args[1]}})
        except Exception as error:  # noqa: BLE001 - a defect here must be told, and must not end the agent
            self.send({"id": number, "error": {"code": "agent", "detail": repr(error)}})
        else:
            if answer is not None:
                self.send({"id": number, "ok": answer})

    # -- programs

    def start(
        self, name: str | None, argv: Sequence[str], user: str, on_exit: Callable[[Child], object] | None = None
    ) -> Child:
        """Start a program as that user, in a session of its own."""
        uid, gid = self.identity[user]
        agent = os.getpid()

        def before_exec() -> None:
            # After setuid, which would clear it. A child must not outlive the lab, whatever ends the agent.
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != agent:
                os._exit(1)

        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if name else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                user=uid,
                group=gid,
                extra_groups=[],
                cwd="/tmp",
                preexec_fn=before_exec,  # noqa: PLW1509 - there is but this one thread
                start_new_session=True,
                env={
                    "PATH": os.environ["PATH"],
                    "LANG": "C.UTF-8",
                    "PYTHONUNBUFFERED": "1",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "HOME": "/tmp",
                },
            )
        except OSError as error:
            raise RefusedError("cannot-start", f"{argv[0]}: {error.strerror}") from error
        child = Child(name, process, on_exit)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
        for stream, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe:
                os.set_blocking(pipe.fileno(), False)
                child.open_pipes[stream] = pipe
                self.selector.register(pipe, selectors.EVENT_READ, functools.partial(self.read_output, child, stream))
        if name:
            self.children[name] = child
        else:
            self.anonymous[process.pid] = child
        return child

    def read_output(self, child: Child, stream: str) -> None:
        """Take what a program has printed."""
        if stream not in child.open_pipes:
            return
        try:
            data = os.read(child.open_pipes[stream].fileno(), CHUNK)
        except BlockingIOError:
            return
        if child.name:
            self.take_lines(child, stream, data)
        else:
            child.collected[stream] += data
            if len(child.collected[stream]) > ANSWER_BYTES:
                del child.collected[stream][ANSWER_BYTES:]
                self.kill_group(child)
        if not data:
            self.close_output(child, stream)
            self.finish(child)

    def take_lines(self, child: Child, stream: str, data: bytes) -> None:
        """Tell the lines that are whole; all that is left at end-of-file."""
        if child.lost:
            return
        now = time.time_ns()
        *lines, rest = (child.pending[stream] + data).split(b"\n")
        if len(rest) > LINE_BYTES or (rest and not data):
            lines, rest = [*lines, rest], b""
        child.pending[stream] = rest
        for line in lines:
            for start in range(0, max(len(line), 1), LINE_BYTES):
                self.tell_output(child, stream, line[start : start + LINE_BYTES], now)

    def tell_output(self, child: Child, stream: str, line: bytes, now: int) -> None:
        """Tell a line, or once that from here on none is kept."""
        if child.lost:
            return
        child.kept_lines += 1
        child.kept_bytes += len(line)
        child.lost = child.kept_lines > KEPT_LINES or child.kept_bytes > KEPT_BYTES
        event = {"name": child.name, "stream": stream, "time_ns": now}
        if child.lost:
            self.send({"event": "lost", **event})
        else:
            self.send({"event": "output", "text": line.decode("utf-8", "replace"), **event})

    def close_output(self, child: Child, stream: str) -> None:
        """Read no more of it."""
        pipe = child.open_pipes.pop(stream)
        self.selector.unregister(pipe)
        pipe.close()

    def reap(self) -> None:
        """Take note of who has ended."""
        for child in [*self.children.values(), *self.anonymous.values()]:
            if child.status is None and child.process.poll() is not None:
                child.status = child.process.returncode
                child.ended_ns = time.time_ns()
                if child.open_pipes:
                    self.at(1.0, functools.partial(self.stop_reading, child))
                self.finish(child)
        self.reap_orphans()

    def reap_orphans(self) -> None:
        """Let those go who came here when the program that started them had ended."""
        ours = {child.process.pid for child in [*self.children.values(), *self.anonymous.values()]}
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in ours:
                os.waitpid(ended.si_pid, 0)

    def stop_reading(self, child: Child) -> None:
        """Wait no longer for pipes that a child of an ended program has inherited and keeps open."""
        for stream in list(child.open_pipes):
            if child.name:
                self.take_lines(child, stream, b"")
            self.close_output(child, stream)
            self.finish(child)

    def finish(self, child: Child) -> None:
        """Report the end of a program once both its pipes and itself have ended, so that no output comes later."""
        if child.status is None or child.open_pipes:
            return
        if child.name:
            if self.children.get(child.name) is child:
                del self.children[child.name]
            self.stop_typing(child)
            self.send({"event": "exit", "name": child.name, "status": child.status, "time_ns": child.ended_ns})
        else:
            self.anonymous.pop(child.process.pid, None)
        if child.on_exit:
            child.on_exit(child)

    def kill_group(self, child: Child) -> None:
        """End a program and those of its children that have stayed with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)

    def kill_children(self) -> None:
        """Take every program along that was started here, and what it started: a stopped one too."""
        everyone = [*self.children.values(), *self.anonymous.values()]
        for child in everyone:
            if child.status is None:
                self.kill_group(child)
        for child in everyone:
            child.process.wait()
        # What they forked and left, in sessions of their own too.
        deadline = time.monotonic() + 2
        while (orphans := descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.reap_orphans()

    def type_on(self, child: Child) -> None:
        """Give a program as much of what was typed as it takes now."""
        try:
            while child.typed:
                del child.typed[: os.write(child.stdin.fileno(), child.typed[:CHUNK])]
        except BlockingIOError:
            return
        except OSError:  # it has closed its end
            child.typed.clear()
            child.typing_ends = True
        self.selector.unregister(child.stdin)
        if child.typing_ends:
            child.stdin.close()

    def stop_typing(self, child: Child) -> None:
        """Close a program's stdin, whatever still waits for it."""
        stdin = child.process.stdin
        if stdin and not stdin.closed:
            with contextlib.suppress(KeyError):
                self.selector.unregister(stdin)
            stdin.close()

    def named(self, name: str) -> Child:
        """Return the program of that name; RefusedError when none runs."""
        if name not in self.children:
            raise RefusedError("no-such-program", name)
        return self.children[name]

    # -- operations

    def do_ping(self, _number: int) -> Answer:
        """Answer with the time."""
        return {"time_ns": time.time_ns()}

    def do_run(self, number: int, argv: Sequence[str], user: str = "lab", timeout: float = 10.0) -> None:
        """Run a short command; answer with its output when it has ended."""
        answered: list[bool] = []

        def ended(child: Child) -> None:
            if child.timer:
                child.timer[2] = None
            if answered:
                return
            answered.append(True)
            self.send(
                {
                    "id": number,
                    "ok": {
                        "begun_ns": child.begun_ns,
                        "ended_ns": child.ended_ns,
                        "status": child.status,
                        "stdout": child.collected["stdout"].decode("utf-8", "replace"),
                        "stderr": child.collected["stderr"].decode("utf-8", "replace"),
                    },
                }
            )

        child = self.start(None, argv, user, ended)

        def too_late() -> None:
            if not answered:
                answered.append(True)
                self.kill_group(child)
                detail = f"{' '.join(argv)}: no end after {timeout:g} s"
                self.send({"id": number, "error": {"code": "timeout", "detail": detail}})

        child.timer = self.at(timeout, too_late)

    def do_spawn(self, _number: int, name: str, argv: Sequence[str], user: str = "lab") -> Answer:
        """Start a program that stays; its lines and its end come as events."""
        if name in self.children:
            raise RefusedError("name-taken", name)
        child = self.start(name, argv, user)
        return {"pid": child.process.pid, "time_ns": time.time_ns()}

    def do_write(self, _number: int, name: str, text: str) -> Answer:
        """Write to a program's stdin, as if typed."""
        child = self.named(name)
        data = text.encode()
        if child.typing_ends:
            raise RefusedError("stdin-closed", name)
        if len(child.typed) + len(data) > TYPED_BYTES:
            raise RefusedError("stdin-full", f"{name} does not read: {len(child.typed)} bytes wait for it")
        if not child.typed:
            self.selector.register(child.stdin, selectors.EVENT_WRITE, functools.partial(self.type_on, child))
        child.typed += data
        self.type_on(child)
        if child.typing_ends:
            raise RefusedError("stdin-closed", name)
        return {"time_ns": time.time_ns()}

    def do_close(self, _number: int, name: str) -> Answer:
        """Close a program's stdin when it has read all: Ctrl-D."""
        child = self.named(name)
        child.typing_ends = True
        if not child.typed:
            self.stop_typing(child)
        return {"time_ns": time.time_ns()}

    def do_signal(self, _number: int, name: str, signal_name: str) -> Answer:
        """Send a signal; for STOP, answer only when the program has really stopped."""
        child = self.named(name)
        pid = child.process.pid
        time_ns = time.time_ns()
        if child.process.poll() is not None:  # reaped: the number may be another's
            raise RefusedError("no-such-program", name)
        try:
            os.kill(pid, getattr(signal, f"SIG{signal_name}"))
        except ProcessLookupError as error:
            raise RefusedError("no-such-program", name) from error
        if signal_name == "STOP":
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return {"time_ns": time_ns}

    def do_sample(self, _number: int, name: str, argv: Sequence[str], user: str = "lab") -> Answer:
        """Look again and again until told to stop; keep each output that differs from the one before."""
        sampling: dict[str, Any] = {"begun_ns": time.time_ns(), "polls": 0, "samples": [], "stop": None, "error": None}
        self.samplings[name] = sampling

        def look() -> None:
            try:
                self.start(None, argv, user, seen)
            except RefusedError as refused:
                sampling["error"] = str(refused.args[1])
                done()

        def seen(child: Child) -> None:
            text = child.collected["stdout"].decode("utf-8", "replace")
            if child.status != 0:
                sampling["error"] = child.collected["stderr"].decode("utf-8", "replace").strip()
            else:
                sampling["polls"] += 1
                if not sampling["samples"] or sampling["samples"][-1]["text"] != text:
                    sampling["samples"].append({"time_ns": child.begun_ns, "text": text})
            if sampling["stop"] is None and sampling["error"] is None:
                self.at(POLL_SECONDS, look)
            else:
                done()

        def done() -> None:
            sampling["ended_ns"] = time.time_ns()
            if sampling["stop"] is not None:
                self.tell_sampling(sampling["stop"], name)

        look()
        return {"time_ns": sampling["begun_ns"]}

    def do_sample_stop(self, number: int, name: str) -> None:
        """End a sampling after one more look, and answer with what it saw."""
        if name not in self.samplings:
            raise RefusedError("no-such-sampling", name)
        sampling = self.samplings[name]
        sampling["stop"] = number
        if "ended_ns" in sampling:
            self.tell_sampling(number, name)

    def tell_sampling(self, number: int, name: str) -> None:
        """Answer with what a sampling saw."""
        sampling = self.samplings.pop(name)
        del sampling["stop"]
        self.send({"id": number, "ok": sampling})

    def do_fetch(self, _number: int, path: str) -> Answer:
        """Answer with a file's bytes."""
        with open(path, "rb") as file:
            return {"data": base64.b64encode(file.read()).decode()}

    def do_remove(self, _number: int, path: str) -> Answer:
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return {}

    def do_sysctls(self, _number: int, names: Sequence[str]) -> Answer:
        """Answer with the values of sysctls; None where this kernel has no such name."""
        values: dict[str, str | None] = {}
        for name in names:
            try:
                with open("/proc/sys/" + name.replace(".", "/"), encoding="ascii") as file:
                    values[name] = file.read().strip()
            except OSError:
                values[name] = None
        return {"values": values}

    def do_end_strangers(self, _number: int) -> Answer:
        """End what somebody runs here by hand, but for the shells themselves and the lab's own processes."""
        ended = []
        for entry in os.listdir("/proc"):
            try:
                name = self.stranger(entry)
                if name:
                    os.kill(int(entry), signal.SIGKILL)
                    ended.append(f"{name} (pid {entry})")
            except (FileNotFoundError, ProcessLookupError):
                continue
        return {"ended": ended}

    def stranger(self, entry: str) -> str | None:
        """Return the name of a program that the lab has not started, None for any other."""
        if not entry.isdigit() or int(entry) == 1:
            return None
        with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
            name, _, rest = file.read().partition("(")[2].rpartition(")")
        with open(f"/proc/{entry}/cmdline", "rb") as file:
            command = file.read()
        waits = name == "sleep" and rest.split()[1] == "1"  # entry.sh has become this
        agent = b"/lab/agent.py" in command.split(b"\0")
        # A process that has no command line is dead, or not yet what it will be.
        return None if waits or agent or not command or name in SHELLS or name.startswith("runc") else name

    def do_stop_all(self, _number: int) -> Answer:
        """End every program started here; answer when none is left."""
        self.kill_children()
        return {}


def take_lock(patience: float) -> bool:
    """Return whether this host is ours now; two labs must not drive it at once."""
    # Nobody else may open it: who can read a file can lock it, and would keep the next agent out.
    lock = os.open(LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(POLL_SECONDS)
    return False


def guard(agent: int) -> int:
    """Reap whoever comes here without a parent; end all of them when the agent has ended. Return its exit status."""
    code, ended = 1, False
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return code
        if pid == agent:
            code = os.waitstatus_to_exitcode(status) & 0xFF
            ended = True
        if ended:
            for orphan in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)


def main() -> int:
    """Become the guard of an agent. The lock is held by both: the host is free only when nobody of ours is left."""
    if not take_lock(float(sys.argv[1]) if len(sys.argv) > 1 else PATIENCE_SECONDS):
        os.write(1, b'{"event":"busy"}\n')
        return 1
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    agent = os.fork()
    return guard(agent) if agent else Agent().main()


if __name__ == "__main__":
    sys.exit(main())
