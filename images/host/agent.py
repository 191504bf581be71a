#!/usr/bin/python3
"""The host's end of the control channel: JSON lines in on stdin, JSON lines out on stdout, standard library only.

A request is {"id": n, "op": name, ...}; its answer is {"id": n, "ok": {...}} or {"id": n, "error": {...}}. Events have no
id: {"event": "output" | "exit", "name": ..., "time_ns": ...}.

One thread does everything, and never blocks, for two reasons. End-of-file on stdin means that the other side is gone, by
kill -9 too: it must be seen at once, and everything started here must go along. And the parent-death signal, which takes
the children along when this process itself is killed, follows the thread that forked.
"""

import base64
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import pwd
import selectors
import signal
import socket
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
LOCK = "/run/lab-agent.lock"
READY = "/run/lab-ready"
POLL_SECONDS = 0.005
CHUNK = 65536
SHELLS = ("bash", "sh", "dash")


class RefusedError(Exception):
    """A request that cannot be done; the arguments are a code and details for the other side."""


class Child:
    """A program started here: its pipes, and what it has printed so far."""

    def __init__(self, name, process, on_exit=None):
        self.name = name
        self.process = process
        self.pending = {}
        self.collected = {"stdout": bytearray(), "stderr": bytearray()}
        self.open_pipes = 0
        self.status = None
        self.on_exit = on_exit
        self.begun_ns = time.time_ns()
        self.stdin_backlog = bytearray()


class Agent:
    """The loop over stdin, the children's pipes and ends, and due times."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.children = {}
        self.anonymous = {}
        self.samplings = {}
        self.timers = []
        self.inbox = bytearray()
        self.ended = False
        user = pwd.getpwnam("lab")
        self.identity = {"lab": (user.pw_uid, user.pw_gid), "root": (0, 0)}

    # -- the loop

    def main(self):
        """Serve until end-of-file on stdin."""
        if not self.wait_guarded():
            self.send({"event": "unguarded"})
            return 1
        # Nobody else may open it: who can read a file can lock it, and would keep the next agent out.
        lock = os.open(LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + 3  # an agent that has just lost its stdin is still cleaning up
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self.send({"event": "busy"})
                    return 1
                time.sleep(POLL_SECONDS)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(self, "ended", True))
        woken, wake = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        os.set_blocking(0, False)
        self.selector.register(0, selectors.EVENT_READ, self.read_requests)
        self.selector.register(woken, selectors.EVENT_READ, lambda: os.read(woken, CHUNK))
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

    def wait_guarded(self) -> bool:
        """Wait until entry.sh has set the guard of this namespace: nothing may run before."""
        deadline = time.monotonic() + 5
        while not os.path.exists(READY):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def until_next_timer(self):
        if not self.timers:
            return None
        return max(0.0, min(due for due, _ in self.timers) - time.monotonic())

    def run_timers(self):
        now = time.monotonic()
        due = [entry for entry in self.timers if entry[0] <= now]
        self.timers = [entry for entry in self.timers if entry[0] > now]
        for _, action in due:
            action()

    def at(self, seconds, action):
        self.timers.append((time.monotonic() + seconds, action))

    def send(self, message):
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        while data:
            try:
                data = data[os.write(1, data) :]
            except BlockingIOError:
                continue
            except OSError:  # nobody listens any more
                self.ended = True
                return

    def read_requests(self):
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
            self.handle(json.loads(line))

    def handle(self, request):
        number, operation = request.pop("id"), request.pop("op")
        try:
            answer = getattr(self, f"do_{operation}")(number, **request)
        except RefusedError as refused:
            self.send({"id": number, "error": {"code": refused.args[0], "detail": refused.args[1]}})
        except Exception as error:
            self.send({"id": number, "error": {"code": "agent", "detail": f"{operation}: {error!r}"}})
        else:
            if answer is not None:
                self.send({"id": number, "ok": answer})

    # -- programs

    def start(self, name, argv, user, on_exit=None):
        uid, gid = self.identity[user]

        def before_exec():
            # After setuid, which would clear it. A child must not outlive the lab, whatever ends the agent.
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

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
                preexec_fn=before_exec,
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
        for stream in ("stdout", "stderr"):
            pipe = getattr(process, stream)
            os.set_blocking(pipe.fileno(), False)
            child.pending[stream] = bytearray()
            child.open_pipes += 1
            self.selector.register(
                pipe, selectors.EVENT_READ, lambda child=child, stream=stream: self.read_output(child, stream)
            )
        if name:
            self.children[name] = child
        else:
            self.anonymous[process.pid] = child
        return child

    def read_output(self, child, stream):
        pipe = getattr(child.process, stream)
        try:
            data = os.read(pipe.fileno(), CHUNK)
        except BlockingIOError:
            return
        if not child.name:
            child.collected[stream] += data
        else:
            now = time.time_ns()
            *lines, rest = (child.pending[stream] + data).split(b"\n")
            if not data and rest:
                lines, rest = [*lines, rest], b""
            child.pending[stream] = bytearray(rest)
            for line in lines:
                self.tell_output(child.name, stream, line, now)
        if not data:
            self.selector.unregister(pipe)
            pipe.close()
            child.open_pipes -= 1
            self.finish(child)

    def tell_output(self, name, stream, line, now):
        text = line.decode("utf-8", "replace")
        self.send({"event": "output", "name": name, "stream": stream, "text": text, "time_ns": now})

    def reap(self):
        for child in [*self.children.values(), *self.anonymous.values()]:
            if child.status is None and child.process.poll() is not None:
                child.status = child.process.returncode
                child.ended_ns = time.time_ns()
                self.finish(child)

    def finish(self, child):
        """Report the end of a program once both its pipes and itself have ended, so that no output comes later."""
        if child.status is None or child.open_pipes:
            return
        if child.name:
            if self.children.get(child.name) is child:
                del self.children[child.name]
            if child.process.stdin:
                with contextlib.suppress(OSError):
                    child.process.stdin.close()
            self.send({"event": "exit", "name": child.name, "status": child.status, "time_ns": child.ended_ns})
        else:
            self.anonymous.pop(child.process.pid, None)
        if child.on_exit:
            child.on_exit(child)

    def kill_children(self):
        """Take every program along that was started here; a stopped one too."""
        everyone = [*self.children.values(), *self.anonymous.values()]
        for child in everyone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)
        for child in everyone:
            child.process.wait()

    def named(self, name):
        if name not in self.children:
            raise RefusedError("no-such-program", name)
        return self.children[name]

    # -- operations

    def do_ping(self, number):
        return {"time_ns": time.time_ns()}

    def do_run(self, number, argv, user="lab", timeout=10.0):
        """Run a short command; answer with its output when it has ended."""
        answered = []

        def ended(child):
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

        def too_late():
            if not answered:
                answered.append(True)
                child.process.kill()
                detail = f"{' '.join(argv)}: no end after {timeout:g} s"
                self.send({"id": number, "error": {"code": "timeout", "detail": detail}})

        self.at(timeout, too_late)

    def do_spawn(self, number, name, argv, user="lab"):
        """Start a program that stays; its lines and its end come as events."""
        if name in self.children:
            raise RefusedError("name-taken", name)
        child = self.start(name, argv, user)
        return {"pid": child.process.pid, "time_ns": time.time_ns()}

    def do_write(self, number, name, text):
        """Write to a program's stdin, as if typed."""
        stdin = self.named(name).process.stdin
        if stdin.closed:
            raise RefusedError("stdin-closed", name)
        try:
            stdin.write(text.encode())
            stdin.flush()
        except OSError as error:
            raise RefusedError("stdin-closed", f"{name}: {error.strerror}") from error
        return {"time_ns": time.time_ns()}

    def do_close(self, number, name):
        """Close a program's stdin: Ctrl-D."""
        self.named(name).process.stdin.close()
        return {"time_ns": time.time_ns()}

    def do_signal(self, number, name, signal_name):
        """Send a signal; for STOP, answer only when the program has really stopped."""
        pid = self.named(name).process.pid
        time_ns = time.time_ns()
        try:
            os.kill(pid, getattr(signal, f"SIG{signal_name}"))
        except ProcessLookupError as error:
            raise RefusedError("no-such-program", name) from error
        if signal_name == "STOP":
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return {"time_ns": time_ns}

    def do_sample(self, number, name, argv, user="lab"):
        """Look again and again until told to stop; keep each output that differs from the one before."""
        sampling = {"begun_ns": time.time_ns(), "polls": 0, "samples": [], "stop": None, "error": None}
        self.samplings[name] = sampling

        def look():
            try:
                self.start(None, argv, user, seen)
            except RefusedError as refused:
                sampling["error"] = str(refused.args[1])
                done()

        def seen(child):
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

        def done():
            sampling["ended_ns"] = time.time_ns()
            if sampling["stop"] is not None:
                self.tell_sampling(sampling["stop"], name)

        look()
        return {"time_ns": sampling["begun_ns"]}

    def do_sample_stop(self, number, name):
        """End a sampling after one more look, and answer with what it saw."""
        if name not in self.samplings:
            raise RefusedError("no-such-sampling", name)
        sampling = self.samplings[name]
        sampling["stop"] = number
        if "ended_ns" in sampling:
            self.tell_sampling(number, name)

    def tell_sampling(self, number, name):
        sampling = self.samplings.pop(name)
        del sampling["stop"]
        self.send({"id": number, "ok": sampling})

    def do_fetch(self, number, path):
        """Answer with a file's bytes."""
        with open(path, "rb") as file:
            return {"data": base64.b64encode(file.read()).decode()}

    def do_remove(self, number, path):
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return {}

    def do_sysctls(self, number, names):
        """Answer with the values of sysctls; None where this kernel has no such name."""
        values = {}
        for name in names:
            try:
                with open("/proc/sys/" + name.replace(".", "/"), encoding="ascii") as file:
                    values[name] = file.read().strip()
            except OSError:
                values[name] = None
        return {"values": values}

    def do_port_free(self, number, address, port):
        """Try to bind as a server would; answer with the error's name when the port is taken."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                probe.listen(1)
            except OSError as error:
                return {"error": errno.errorcode.get(error.errno, str(error.errno))}
        return {"error": None}

    def do_end_strangers(self, number):
        """End what somebody runs here by hand as the unprivileged user, but for the shells themselves."""
        ended = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/comm", encoding="utf-8") as file:
                    name = file.read().strip()
                if os.stat(f"/proc/{entry}").st_uid != self.identity["lab"][0] or name in SHELLS:
                    continue
                os.kill(int(entry), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue
            ended.append(f"{name} (pid {entry})")
        return {"ended": ended}

    def do_stop_all(self, number):
        """End every program started here; answer when none is left."""
        self.kill_children()
        return {}


if __name__ == "__main__":
    sys.exit(Agent().main())
