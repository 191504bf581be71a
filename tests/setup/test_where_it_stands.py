"""A checkout that is renamed, copied, not ours to write to, or in a folder of any letters; and which engine is told of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.hosts.endpoint import endpoint
from lab.settings import ROOT
from tests.support import needs_root

# Stands for the machine's Python and for that of the environment that it makes: this is about who makes one, and when.
PYTHON = """#!/bin/bash
case "$*" in
    *"import os, sys"*) echo "3.11 3.11.9 $0" ;;
    "-m venv --clear .venv") mkdir -p .venv/bin .venv/lib/python3.11/site-packages && cp "$0" .venv/bin/python ;;
    *"--editable ."*) touch .venv/lib/python3.11/site-packages/lab.pth ;;
esac
"""
ENGLISH = {"LANG": "C.UTF-8", "LAB_LANG": "en"}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may look into, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="standing-") as folder:
        Path(folder).chmod(0o755)
        program(Path(folder) / "python", PYTHON)
        yield Path(folder)


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def checkout(folder: Path) -> Path:
    """Put the set-up of a checkout there: what the targets of the Makefile begin with."""
    (folder / "lab").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "lab" / "setup", folder / "lab" / "setup")
    return folder


def setup(folder: Path, *command: str, user: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a part of that checkout's set-up, as root or as another user."""
    environment = {"PATH": os.environ["PATH"], "LAB_PYTHON": str(folder.parent / "python"), **ENGLISH, **variables}
    before = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return subprocess.run(
        [*before, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


# Names that begin one another, either way round, and what else a folder may be called.
NAMES = [("lab-main", "lab"), ("lab", "lab-main"), ("a lab", "lab"), ("实验", "lab"), ("lab", "实验 一")]


@pytest.mark.parametrize(("old", "new"), NAMES)
@pytest.mark.parametrize("how", ["renamed", "copied"])
@pytest.mark.parametrize("lc_all", ["C.UTF-8", "POSIX"])
def test_the_environment_is_made_anew_where_the_checkout_stands_now(
    place: Path, old: str, new: str, how: str, lc_all: str
) -> None:
    before = checkout(place / old)
    made = setup(before, "lab/setup/venv.sh", LC_ALL=lc_all)
    again = setup(before, "lab/setup/venv.sh", LC_ALL=lc_all)
    after = before.rename(place / new) if how == "renamed" else Path(shutil.copytree(before, place / new))
    there = setup(after, "lab/setup/venv.sh", LC_ALL=lc_all)
    settled = setup(after, "lab/setup/venv.sh", LC_ALL=lc_all)

    assert (made.returncode, "Making the Python environment" in made.stdout) == (0, True), made.stderr
    assert (again.returncode, again.stdout) == (0, "")
    assert (there.returncode, "Making the Python environment" in there.stdout) == (0, True), there.stderr
    assert (settled.returncode, settled.stdout) == (0, "")


@pytest.mark.parametrize(("old", "new"), NAMES)
def test_what_every_target_begins_with_notices_it_too(place: Path, old: str, new: str) -> None:
    folder = checkout(place / old)
    program(folder / "lab" / "setup" / "engine.sh", "#!/bin/bash\n")
    setup(folder, "lab/setup/ready.sh")
    settled = setup(folder, "lab/setup/ready.sh")
    moved = setup(folder.rename(place / new), "lab/setup/ready.sh")

    assert settled.stdout == ""
    assert "Making the Python environment" in moved.stdout


def test_an_environment_gets_a_newer_command_without_being_made_anew(place: Path) -> None:
    folder = checkout(place / "lab")
    setup(folder, "lab/setup/venv.sh")
    launcher = folder / "lab" / "setup" / "launch.sh"
    launcher.write_text(f"{launcher.read_text()}# newer\n")
    done = setup(folder, "lab/setup/venv.sh")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / ".venv" / "bin" / "lab").read_text() == launcher.read_text()


def test_a_checkout_reached_by_two_ways_is_one(place: Path) -> None:
    folder = checkout(place / "lab")
    (place / "link").symlink_to(folder)
    setup(folder, "lab/setup/venv.sh")
    for way in (folder, place / "link"):
        assert setup(way, "bash", f"{way}/lab/setup/venv.sh").stdout == ""


@pytest.mark.parametrize("name", ["copy", "实验 一", "it's"])
@pytest.mark.parametrize("lc_all", ["C.UTF-8", "POSIX", "xx_YY.latin1"])
@pytest.mark.parametrize("way", ["path", "link", "PATH"])
def test_a_copys_command_runs_the_copys_code(tmp_path: Path, name: str, lc_all: str, way: str) -> None:
    """The environment is this one, so that nothing has to be installed; what a copy has of its own is copied."""
    copy = tmp_path / name
    for part in ("bin", "lib"):
        (copy / ".venv" / part).mkdir(parents=True)
    here = Path(sys.prefix)
    shutil.copy(here / "pyvenv.cfg", copy / ".venv")
    (copy / ".venv" / "bin" / "python").symlink_to((here / "bin" / "python").resolve())
    shutil.copy(ROOT / "lab" / "setup" / "launch.sh", copy / ".venv" / "bin" / "lab")
    for each in here.glob("lib/python*"):
        (copy / ".venv" / "lib" / each.name).symlink_to(each)
    (copy / "lab").mkdir()
    (copy / "lab" / "__init__.py").touch()
    (copy / "lab" / "__main__.py").write_text(
        'import sys\nsys.stdout.buffer.write(b"of the copy: %s" % sys.argv[1].encode())\n'
    )
    (tmp_path / "lab-link").symlink_to(copy / ".venv" / "bin" / "lab")

    environment = os.environ | {"LC_ALL": lc_all}
    command = {"path": str(copy / ".venv" / "bin" / "lab"), "link": str(tmp_path / "lab-link"), "PATH": "lab"}[way]
    if way == "PATH":
        environment["PATH"] = f"{copy / '.venv' / 'bin'}:{environment['PATH']}"
    done = subprocess.run([command, "list"], cwd="/", env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "of the copy: list", "")


# --- a checkout of root's ----------------------------------------------------------------------------------------------


@pytest.fixture
def of_root(place: Path) -> Path:
    """A checkout in which root has made everything, and which nobody else may write to."""
    folder = checkout(place / "lab")
    assert setup(folder, "lab/setup/venv.sh").returncode == 0
    program(folder / ".venv" / "bin" / "lab", '#!/bin/sh\necho "lab $*"\n')
    return folder


@needs_root
@pytest.mark.parametrize("target", ["list", "status", "doctor", "claims", "venv"])
def test_who_may_only_read_a_checkout_uses_it(of_root: Path, target: str) -> None:
    done = setup(of_root, "make", "--no-print-directory", target, user=65534)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if target == "venv" else f"lab {target}\n")


@needs_root
@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("target", ["unit", "check", "clean"])
def test_what_must_write_there_says_so_in_one_line(of_root: Path, target: str, language: str) -> None:
    done = setup(of_root, "make", "--no-print-directory", target, user=65534, LAB_LANG=language)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    assert done.returncode == 2  # make's own; what it called has ended with 3
    assert "Error 3" in done.stderr
    assert done.stdout == ""
    assert len(lines) == 1
    assert f"cp -R {of_root} ~/" in lines[0]
    assert (of_root / ".venv").is_dir()


@needs_root
def test_an_environment_that_root_has_not_made_is_asked_of_who_may(of_root: Path) -> None:
    shutil.rmtree(of_root / ".venv")
    done = setup(of_root, "lab/setup/venv.sh", user=65534)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert f"cp -R {of_root} ~/" in done.stderr


# --- which engine ------------------------------------------------------------------------------------------------------

# As the real one: it looks at the variables, then at what was chosen, and nobody answers.
DOCKER = """#!/bin/bash
case "$1 $2" in
    "context show") echo "${DOCKER_CONTEXT:-chosen}" ;;
    "context inspect") echo "unix:///nobody/there.sock" ;;
    *) echo "Cannot connect to the Docker daemon" >&2; exit 1 ;;
esac
"""
TOLD = {
    "a socket that is not there": ({"DOCKER_HOST": "unix:///nobody/there.sock"}, "unix:///nobody/there.sock"),
    "a port where nobody listens": ({"DOCKER_HOST": "tcp://127.0.0.1:1"}, "tcp://127.0.0.1:1"),
    "a context by variable": ({"DOCKER_CONTEXT": "mine"}, "mine"),
    "a context that was chosen": ({}, "chosen"),
}


@pytest.mark.parametrize(("told", "name"), TOLD.values(), ids=TOLD)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_make_and_lab_say_the_same_of_an_engine_that_does_not_answer(
    tmp_path: Path, told: dict[str, str], name: str, language: str
) -> None:
    program(tmp_path / "docker", DOCKER)
    (tmp_path / "config.json").write_text('{"currentContext": "chosen"}')
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
    environment = kept | {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"} | told
    environment |= {"LAB_LANG": language, "LAB_RUNS": str(tmp_path / "runs"), "LC_ALL": "C.UTF-8"}

    def said(*command: str) -> tuple[int, str]:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.strip()

    code, make = said("bash", "lab/setup/engine.sh")
    undo = next(iter(told), None)
    assert code == 3
    assert name in make
    assert make.endswith(f"unset {undo}" if undo else "docker context use default")
    assert said("bash", "lab/setup/ready.sh") == (3, make)
    for command in (["status"], ["up"], ["down"], ["reset"], ["images"], ["watch"], ["shell", "server"], ["run", "3"]):
        assert said(sys.executable, "-m", "lab.cli", *command) == (3, f"lab: {make}"), command


CONFIGURATIONS = {
    "capitals": ('{"CurrentContext": "chosen"}', "chosen"),
    "the last one": ('{"currentContext": "a", "CURRENTCONTEXT": "chosen"}', "chosen"),
    "the last string": ('{"currentContext": "chosen", "currentContext": null}', "chosen"),
    "more behind it": ('{"currentContext": "chosen"} and more', "chosen"),
    "no UTF-8": (b'{"currentContext": "chosen", "note": "\xff"}', "chosen"),
    "one below": ('{"auths": {"currentContext": "a"}}', ""),
    "in a list": ('[{"currentContext": "a"}]', ""),
    "nothing": ("null", ""),
    "a number": ('{"currentContext": 5}', ""),
    "damaged": ('{"currentContext": "a", damaged', ""),
}


@pytest.mark.parametrize(("written", "chosen"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_chosen_context_is_read_as_docker_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str | bytes, chosen: str
) -> None:
    (tmp_path / "config.json").write_bytes(written if isinstance(written, bytes) else written.encode())
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    assert endpoint().told == chosen


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("unix://", ""),
        (" ", ""),
        (" unix:///var/run/docker.sock\n", ""),
        ("unix:////var/run/docker.sock", ""),
        # The command finds nobody below a socket, so the SDK must not either.
        ("unix:///var/run/docker.sock/", "unix:///var/run/docker.sock/"),
        ("unix://var/run/docker.sock", "unix://var/run/docker.sock"),
    ],
)
def test_an_address_is_the_machines_own_engine_where_docker_takes_it_for_that(
    monkeypatch: pytest.MonkeyPatch, host: str, told: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert endpoint().told == told
