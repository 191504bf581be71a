"""Other ways to an engine's socket: TCP on loopback, TLS and ssh."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.lab.packages import unpacked
from tests.support import eventually, run

_CHUNK: Final = 1 << 16


@contextlib.contextmanager
def over_tcp(path: str) -> Iterator[str]:
    """Yield an address on loopback behind which each connection is joined to that socket."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = door.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(outside: socket.socket) -> None:
            with outside, socket.socket(socket.AF_UNIX) as inside, contextlib.suppress(OSError):
                inside.connect(path)
                back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
                back.start()
                pump(outside, inside)
                back.join()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"tcp://127.0.0.1:{door.getsockname()[1]}"
        finally:
            door.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until one end is over, and pass that on."""
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def certificates(folder: Path) -> list[str]:
    """Make an authority with a server's and a client's certificate (ca.pem, cert.pem, key.pem in the folder).

    Return the options with which dockerd lets in only who has such a certificate.
    """
    folder.mkdir()

    def openssl(*arguments: str) -> None:
        run("openssl", *arguments, cwd=folder)

    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-subj", "/CN=lab-test-ca", "-days", "2", "-keyout", "ca-key.pem", "-out", "ca.pem")
    for who, prefix in (("server", "server-"), ("client", "")):
        openssl("req", *key, "-subj", f"/CN={who}", "-keyout", f"{prefix}key.pem", "-out", f"{prefix}req.pem")
        signed = ("-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{prefix}req.pem", *signed, "-out", f"{prefix}cert.pem")
    files = {"tlscacert": "ca.pem", "tlscert": "server-cert.pem", "tlskey": "server-key.pem"}
    return ["--tlsverify", *(f"--{name}={folder / file}" for name, file in files.items())]


@contextlib.contextmanager
def over_ssh(folder: Path, engine: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the address of a real sshd on loopback behind which `docker` has that engine, and what a client needs.

    It has keys of its own, in the folder, and nobody's configuration is read or written.
    """
    folder.mkdir()
    sshd, libraries = _sshd(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for key in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "sshd").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nPermitRootLogin prohibit-password\nSetEnv DOCKER_HOST={engine}\n"
    )
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "ssh").write_text(
        f"IdentityFile {folder}/user\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known\nBatchMode yes\n"
    )
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh "$@"\n')
    wrapper.chmod(0o755)
    with (folder / "log").open("wb") as log:
        command = [*_with_its_user(folder), sshd, "-D", "-e", "-f", str(folder / "sshd")]
        server = subprocess.Popen(command, env=os.environ | libraries, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        assert eventually(lambda: b"listening" in (folder / "log").read_bytes() or server.poll() is not None)
        assert server.poll() is None, (folder / "log").read_text()
        yield f"ssh://root@127.0.0.1:{port}", {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    finally:
        server.terminate()
        server.wait()


def _sshd(folder: Path) -> tuple[str, dict[str, str]]:
    installed = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if installed:
        return installed, {}
    root = unpacked(folder, "openssh-server", "libwrap0")
    return str(root / "usr/sbin/sshd"), {"LD_LIBRARY_PATH": ":".join(map(str, (root / "usr/lib").glob("*-linux-gnu*")))}


def _with_its_user(folder: Path) -> list[str]:
    """Return what to start sshd with, so that it has its user and its empty folder without any trace on the machine."""
    users = Path("/etc/passwd").read_text()
    (folder / "passwd").write_text(users + "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n")
    mounts = f"mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && mount --bind {folder}/passwd /etc/passwd"
    return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$0" "$@"']
