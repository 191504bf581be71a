"""All processes started here: each in a session of its own, as the right user, and none outlives the agent.

A program of a play gets a user id that nobody else has. So none can signal, trace or write to another one, or to what
looks at it, and the id tells whose a process is, however it was forked. It yields the processor to the agent and what
looks at it, which run in the same cgroup: hundreds of busy children would else keep `ss` from ever coming to an end.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from child import Child, Command
from loop import Loop
from process import belonging_to, descendants, end_with, kill, tasks
from program import Program
from reply import RefusedError
from starter import Starter
from terminal import Seated, Terminal, sit_down

END_SECONDS = 2.0
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    # /tmp is everybody's: without this, one program could leave modules there that another one imports.
    "PYTHONNOUSERSITE": "1",
    "HOME": "/tmp",
}
OWN = "own"
FIRST_UID = 2000
NICE = 10  # of programs and their tracers; to others of the machine a host's processes count as one all the same


def begin_program(agent: int, nice: int) -> None:
    """Do what a process that stays does first: end with the agent, and be so much nicer than it is."""
    end_with(agent, signal.SIGKILL)
    os.nice(nice)


class Children:
    """Starts processes, reaps them, ends them."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._all: list[Child] = []
        self._programs: dict[str, Program] = {}
        self.starter = Starter()
        user = pwd.getpwnam("lab")
        self._users = {"lab": (user.pw_uid, user.pw_gid), "root": (0, 0)}
        self._own: dict[str, int] = {}

    def run(self, argv: Sequence[str], user: str, finished: Callable[[Command], object]) -> Command:
        """Start a short command; RefusedError when it cannot be started."""
        command = Command(self._loop, self._start(argv, user, stays=False), finished)
        self._all.append(command)
        return command

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        user: str,
        *,
        pty: bool = False,
        tracer: Sequence[str] = (),
        followed: bool = False,
    ) -> Program:
        """Start a program that stays; RefusedError when it cannot be started, or when one of that name runs.

        With the user `own` it gets an id of its own, the same for each program of that name. A tracer is run by root,
        and is told as whom to run the program. Of one that is `followed` the recorder may tell the calls.
        """
        if name in self._programs:
            raise RefusedError("name-taken", name)
        nice = NICE if user == OWN else 0
        if user == OWN:
            uid = self._own.setdefault(name, FIRST_UID + len(self._own))
            user = f"{OWN} {uid}"
            self._users[user] = (uid, uid)
        if tracer:
            argv, user = (*tracer, "-u", "{}:{}".format(*self._users[user]), *argv), "root"
        if pty:
            with Terminal() as terminal:
                process = self._start_program(argv, user, terminal, nice=nice, followed=followed)
                program: Program = Seated(self._loop, process, name, terminal.take())
        else:
            process = self._start_program(argv, user, None, nice=nice, followed=followed)
            program = Program(self._loop, process, name)
        self._programs[name] = program
        self._all.append(program)
        return program

    def owner(self, name: str) -> int | None:
        """Return the user id that a program of that name alone has; None when it has none of its own."""
        return self._own.get(name)

    def named(self, name: str) -> Program:
        """Return the program of that name; RefusedError when none runs."""
        if name not in self._programs:
            raise RefusedError("no-such-program", name)
        return self._programs[name]

    def programs(self) -> dict[str, int]:
        """Return the process ids of the programs that stay, by name."""
        return {name: program.process.pid for name, program in self._programs.items()}

    def reap(self) -> None:
        """Take note of who has ended, and let go."""
        for child in list(self._all):
            child.poll()
            if child.over:
                self._all.remove(child)
                if isinstance(child, Program):
                    del self._programs[child.name]
                child.finish()
        self._reap_orphans()

    def end(self, name: str) -> None:
        """End a program if it still runs, and those of its processes that have left it."""
        if name in self._programs:
            self._programs[name].end()
        for pid in belonging_to(self.owner(name)):
            kill(pid)

    def end_all(self) -> None:
        """End every process that was started here, and what it started: a stopped one too. Return when none is left."""
        for child in self._all:
            if child.status is None:
                child.end()
        for child in self._all:
            child.process.wait()
        # What they forked and left, in sessions of their own too.
        deadline = time.monotonic() + END_SECONDS
        while (orphans := descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in orphans:
                kill(pid)
            self._reap_orphans()

    def _start_program(
        self, argv: Sequence[str], user: str, terminal: Terminal | None, *, nice: int, followed: bool
    ) -> subprocess.Popen[bytes]:
        started: list[subprocess.Popen[bytes]] = []

        def start() -> None:
            started.append(self._start(argv, user, stays=True, terminal=terminal, nice=nice))

        if followed:
            self.starter.do(start)
        else:
            start()
        return started[0]

    def _start(
        self, argv: Sequence[str], user: str, *, stays: bool, terminal: Terminal | None = None, nice: int = 0
    ) -> subprocess.Popen[bytes]:
        # The recorder's container has not even the capability to become who it is.
        uid, gid = self._users[user] if self._users[user] != (os.geteuid(), os.getegid()) else (None, None)
        begin = functools.partial(begin_program, os.getpid(), nice)
        try:
            return subprocess.Popen(
                argv,
                stdin=terminal.slave if terminal else subprocess.PIPE if stays else subprocess.DEVNULL,
                stdout=terminal.slave if terminal else subprocess.PIPE,
                stderr=subprocess.PIPE,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                cwd="/tmp",
                # Whatever ends agent and warden together, what stays must go too. It doubles the time of the fork,
                # and a short command ends by itself.
                preexec_fn=(functools.partial(sit_down, begin) if terminal else begin) if stays else None,  # noqa: PLW1509 - one thread at a time, see starter.py
                start_new_session=True,
                env=ENVIRONMENT,
            )
        except OSError as error:
            if error.errno == errno.EAGAIN and (name := self._crowding()):
                raise RefusedError("crowded", name) from error
            raise RefusedError("cannot-start", f"{argv[0]}: {error.strerror}") from error

    def _crowding(self) -> str | None:
        """Return the program that has more of this host's processes and threads than all others, if one has."""
        all_of_them = tasks(int(entry) for entry in os.listdir("/proc") if entry.isdigit())
        return next((name for name, uid in self._own.items() if tasks(belonging_to(uid)) * 2 > all_of_them), None)

    def _reap_orphans(self) -> None:
        """Let those go who came here when the process that started them had ended."""
        ours = {child.process.pid for child in self._all}
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid in ours:
                    return
                os.waitpid(ended.si_pid, 0)
