"""An engine of the test's own, to be killed: in a network namespace of its own, where it touches no rule of the machine's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.hosts.images import image_name
from tests.support import eventually, run


class PrivateEngine:
    """A second dockerd, with the lab's image; it can be killed and started again."""

    def __init__(self, folder: Path, dockerd: Sequence[str] = ("dockerd",)) -> None:
        """Take the command that starts it, with the options that it is to have beside its own."""
        self.folder = folder
        self._dockerd = dockerd
        self.host = f"unix://{folder / 'sock'}"
        self._namespace = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self._daemon: subprocess.Popen[bytes] | None = None
        # Joined before it is one of its own, an engine without a bridge would delete the machine's.
        assert eventually(lambda: self._net(self._namespace.pid) != self._net(os.getpid()))

    @staticmethod
    def _net(pid: int) -> str:
        return str(Path(f"/proc/{pid}/ns/net").readlink())

    def inside(self, *command: str) -> list[str]:
        """Return the command as it must be typed to run in the engine's network namespace."""
        return ["nsenter", "--net", "--target", str(self._namespace.pid), *command]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        run(*self.inside("ip", "link", "set", "lo", "up"))
        (self.folder / "pid").unlink(missing_ok=True)
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        options = [f"--{name}={self.folder / place}" for name, place in places.items()]
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                self.inside(*self._dockerd, *options, f"--host={self.host}", "--bridge=none", "--iptables=false"),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        assert eventually(lambda: self._answers() or self._ended(), 30, 0.05), (self.folder / "log").read_text()[-2000:]
        assert not self._ended(), (self.folder / "log").read_text()[-2000:]

    def load(self) -> None:
        """Give it the lab's image."""
        with subprocess.Popen(["docker", "save", image_name()], stdout=subprocess.PIPE) as save:
            run("docker", "-H", self.host, "load", stdin=save.stdout)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it; the containers it has started live on, as after any crash of an engine."""
        if self._daemon is not None:
            self._daemon.send_signal(number)
            self._daemon.wait()

    def links(self) -> list[str]:
        """Return the links of its network namespace but for loopback, and for pairs that both still are in it.

        An engine that is killed between making such a pair and handing one end to a host forgets it, and nothing tells
        whose it was to be.
        """
        links = json.loads(run(*self.inside("ip", "-j", "link")))
        names = {link["ifname"] for link in links}
        return [link["ifname"] for link in links if link["ifname"] != "lo" and link.get("link") not in names]

    def close(self) -> None:
        """End it and everything that it has started."""
        with contextlib.suppress(AssertionError):
            if self._daemon is not None and self._ended():
                self.start()
            names = run("docker", "-H", self.host, "ps", "-aq").split()
            if names:
                run("docker", "-H", self.host, "rm", "-f", *names)
        self.kill(signal.SIGTERM)
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "exec" / "containerd" / "containerd.pid").read_text()), signal.SIGKILL)
        # It mounts its folder upon itself, and leaves that mount behind.
        subprocess.run(["umount", "--lazy", self.folder / "data"], capture_output=True, check=False)
        self._namespace.kill()
        self._namespace.wait()

    def _answers(self) -> bool:
        command = ["docker", "-H", self.host, "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _ended(self) -> bool:
        return self._daemon is not None and self._daemon.poll() is not None


@contextlib.contextmanager
def private_engine(folder: Path, dockerd: Sequence[str] = ("dockerd",)) -> Iterator[PrivateEngine]:
    """Yield an engine with the lab's image, in a folder of few letters: a socket's path has 107.

    Never in the machine's own network namespace: a second dockerd there empties the first one's chains, and with
    --bridge=none it removes the first one's docker0.
    """
    engine = PrivateEngine(folder, dockerd)
    try:
        engine.start()
        engine.load()
        yield engine
    finally:
        engine.close()
