"""The set-up scripts, at the shell's level: no engine is needed, and none is touched."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spellings import SPELLINGS, UNKNOWN

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "lab" / "setup"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBFit
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.test/linux/debian
Suites: bookworm
Components: stable
"""

ONE_LINE = """\
# deb http://commented.test/debian bookworm main
deb [arch=amd64,arm64 signed-by=/etc/key.gpg] http://mirror.test/debian/ bookworm main contrib # trailing
deb-src http://mirror.test/debian bookworm main
deb http://mirror.test/debian bookworm-updates main
deb http://mirror.test/security bookworm-security main
deb http://vendor.test/debian bookworm main
"""


def run(
    script: str, *arguments: str, path: str = os.environ["PATH"], **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a bash script without a terminal, with only those LAB_ variables and no locale but C."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LAB_", "LC_", "LANG", "DOCKER_", "MAKE"))}
    environment = kept | {"LANG": "C.UTF-8", "PATH": path} | variables
    return subprocess.run(
        ["bash", "-c", script, "bash", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(folder: Path, name: str, body: str) -> None:
    """Put a program of that name into a folder that a test puts first on PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{body}\n")
    (folder / name).chmod(0o755)


# engine.sh puts the system's own folders behind PATH: a fake command must be found first, and none must be missing from
# there. So the tests that need "no engine at all" source its functions and say so.
ABSENT = """
    . lab/setup/engine.sh
    has() { case $1 in docker|dockerd|systemctl) return 1 ;; *) command -v "$1" >/dev/null 2>&1 ;; esac; }
    has_compose() { return 1; }
    has_systemd() { return 1; }
    LAB_ENGINE_LOCK=/dev/null
"""


# --- language --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LAB_LANG": "zh-CN"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LAB_LANG": "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh-CN"),
    ],
)
def test_the_language_is_lab_lang_or_else_the_locale(variables: dict[str, str], expected: str) -> None:
    assert run(". lab/setup/say.sh; lab_lang", **variables).stdout == expected


def test_any_spelling_of_a_language_is_understood() -> None:
    script = '. lab/setup/say.sh; for each; do language_of "$each" && echo || echo none; done'
    asked = [*SPELLINGS, *UNKNOWN]
    answers = run(f"set -- {shlex.join(asked)}; {script}").stdout.splitlines()
    assert dict(zip(asked, answers, strict=True)) == SPELLINGS | dict.fromkeys(UNKNOWN, "none")


@pytest.mark.parametrize("language", UNKNOWN)
def test_an_unknown_language_is_one_clear_line(language: str) -> None:
    done = run(". lab/setup/say.sh; say 'on' '继续'", LAB_LANG=language)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"LAB_LANG={language} is not a language of the lab. Use one of: en, zh-CN.\n"
    chinese = run(". lab/setup/say.sh", LAB_LANG=language, LANG="zh_CN.UTF-8")
    assert "请使用：en、zh-CN" in chinese.stderr


def test_a_sentence_is_said_in_the_chosen_language_with_its_arguments() -> None:
    script = ". lab/setup/say.sh; say '%s of %s' '%s（共 %s）' 1 2"
    assert run(script).stdout == "1 of 2\n"
    assert run(script, LAB_LANG="zh-CN").stdout == "1（共 2）\n"


def test_every_sentence_of_the_scripts_has_as_many_fields_in_both_languages() -> None:
    pair = re.compile(r"'((?:[^'\n])*)'\s*(?:\\\n\s*)?'([^'\n]*[\u4e00-\u9fff][^'\n]*)'")
    sentences = [
        (script.name, english, chinese)
        for script in [*SETUP.glob("*.sh"), ROOT / "images/host/build-base.sh"]
        for english, chinese in pair.findall(script.read_text(encoding="utf-8"))
    ]
    assert len(sentences) > 30
    wrong = [s for s in sentences if re.findall(r"%.", s[1]) != re.findall(r"%.", s[2])]
    assert wrong == []


def test_progress_in_a_log_is_a_line_per_tenth() -> None:
    script = ". lab/setup/say.sh; for n in $(seq 0 100); do progress $n step; done"
    assert len(run(script).stdout.splitlines()) == 11


# --- the engine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("en", "There is no container engine"), ("zh-CN", "没有容器引擎")])
def test_never_with_no_engine_ends_with_one_line_and_the_command_to_type(language: str, word: str) -> None:
    done = run(f"{ABSENT}\nmain", LAB_ENGINE="never", LAB_LANG=language)
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1
    assert word in done.stderr
    assert "env -u LAB_ENGINE make engine" in done.stderr


def test_start_forbids_installing() -> None:
    done = run(f"{ABSENT}\nmain", LAB_ENGINE="start")
    assert done.returncode == 3
    assert "LAB_ENGINE=start forbids installing one" in done.stderr


def test_never_with_a_stopped_engine_forbids_starting_it() -> None:
    done = run(f"{ABSENT}\nhas() {{ [ $1 = dockerd ]; }}\nmain", LAB_ENGINE="never")
    assert done.returncode == 3
    assert "is stopped, and LAB_ENGINE=never forbids starting it. Type: sudo make engine" in done.stderr


def test_a_dead_docker_host_is_named_and_nothing_is_installed(tmp_path: Path) -> None:
    socket = f"unix://{tmp_path}/no.sock"
    program(tmp_path / "bin", "docker", 'echo "Cannot connect to the Docker daemon" >&2; exit 1')
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    for engine in ("never", "auto"):
        done = run("exec lab/setup/engine.sh", path=path, LAB_ENGINE=engine, DOCKER_HOST=socket)
        assert (done.returncode, done.stdout) == (3, "")
        assert len(done.stderr.splitlines()) == 1
        assert socket in done.stderr
        assert "unset DOCKER_HOST" in done.stderr


def test_a_user_who_may_not_use_the_engine_is_told_how_to(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", 'echo "permission denied while trying to connect" >&2; exit 1')
    done = run("exec lab/setup/engine.sh", path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert done.returncode == 3
    assert "sudo usermod -aG docker " in done.stderr


def test_a_running_engine_with_compose_is_silent(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", "echo 26.1.5")
    done = run("exec lab/setup/engine.sh", path=f"{tmp_path}/bin:{os.environ['PATH']}", LAB_ENGINE="never")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("like", "command"),
    [
        ("os_id=fedora", "sudo dnf install moby-engine docker-cli docker-compose"),
        ("os_id=arch", "sudo pacman -S docker docker-compose"),
        ("os_id=manjaro os_like=arch", "sudo pacman -S docker docker-compose"),
        ("os_id=alpine", "doas apk add docker docker-cli-compose"),
        ("os_id=debian", "sudo make engine"),
        ("os_id=linuxmint os_like='ubuntu debian'", "sudo make engine"),
    ],
)
def test_who_cannot_be_helped_gets_the_exact_command_of_his_system(like: str, command: str) -> None:
    done = run(f"{ABSENT}\nis_root() {{ false; }}\ndistribution() {{ os_like= os_name=here; {like}; }}\nmain")
    assert done.returncode == 3
    assert command in done.stderr


@pytest.mark.parametrize(
    ("system", "versions", "state", "expected"),
    [
        ("debian bookworm", "", "absent", "docker.io/trixie docker-cli/trixie docker-compose/trixie iptables"),
        (
            "debian trixie",
            "docker.io=26 docker-cli=26 docker-compose=2",
            "absent",
            "docker.io docker-cli docker-compose",
        ),
        ("ubuntu noble", "docker.io=27 docker-compose=1 docker-compose-v2=2", "absent", "docker.io docker-compose-v2"),
        ("debian bookworm", "", "running", "docker-compose/trixie"),
        ("debian bookworm", "docker-compose-plugin=2", "running", "docker-compose-plugin"),
        ("kali rolling", "docker.io=20 docker-compose=1", "absent", "nothing"),
    ],
)
def test_what_is_installed_depends_on_what_the_distribution_has(
    system: str, versions: str, state: str, expected: str
) -> None:
    script = f"""{ABSENT}
        read -r os_id os_codename <<<"{system}"
        state={state}
        if [ $state = running ]; then has() {{ true; }}; fi
        apt_candidate() {{
            for pair in {versions}; do if [ "${{pair%%=*}}" = "$1" ]; then echo "${{pair##*=}}.1-1"; fi; done
        }}
        plan_install || packages=nothing
        echo "$packages"
    """
    found = run(script).stdout.strip()
    assert found.removesuffix(" iptables") == expected.removesuffix(" iptables")


def test_a_stopped_engine_is_started_and_waited_for(tmp_path: Path) -> None:
    up = tmp_path / "up"
    program(tmp_path / "bin", "dockerd", f"ls -l /proc/$$/fd >{tmp_path}/held; touch {up}; exec sleep 20 </dev/null")
    program(tmp_path / "bin", "docker", f'test -e {up} && echo 26.1.5 || {{ echo "Cannot connect" >&2; exit 1; }}')
    script = f"""
        exec 7<lab/setup/say.sh 8<lab/setup/say.sh
        . lab/setup/engine.sh
        has_systemd() {{ false; }}
        is_root() {{ true; }}
        drop_stale_pid_file() {{ true; }}
        LAB_ENGINE_LOCK={tmp_path}/lock LAB_ENGINE_LOG={tmp_path}/log
        main
        kill $engine_pid
    """
    done = run(script, path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The engine 26.1.5 is up" in done.stdout
    held = (tmp_path / "held").read_text()
    assert "say.sh" not in held
    assert "lock" not in held


def test_an_engine_that_dies_at_once_shows_the_end_of_its_log(tmp_path: Path) -> None:
    program(tmp_path / "bin", "dockerd", 'echo "failed to start daemon: no cgroup" >&2; exit 1')
    program(tmp_path / "bin", "docker", 'echo "Cannot connect" >&2; exit 1')
    script = f"""
        . lab/setup/engine.sh
        has_systemd() {{ false; }}
        is_root() {{ true; }}
        drop_stale_pid_file() {{ true; }}
        LAB_ENGINE_LOCK={tmp_path}/lock LAB_ENGINE_LOG={tmp_path}/log
        main
    """
    done = run(script, path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert done.returncode == 3
    assert "failed to start daemon: no cgroup" in done.stderr
    assert f"What it said is in: {tmp_path}/log" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_only_the_pid_file_of_an_engine_that_is_gone_is_removed(tmp_path: Path) -> None:
    script = """
        . lab/setup/engine.sh
        sleep 0 & dead=$!; wait $dead
        echo $dead >"$1/dead"; echo $$ >"$1/alive"; echo $$ >"$1/reused"
        drop_stale_pid_file "$1/dead" dockerd
        drop_stale_pid_file "$1/alive" bash
        drop_stale_pid_file "$1/reused" dockerd
        drop_stale_pid_file "$1/none" dockerd
    """
    done = run(script, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert [p.name for p in tmp_path.iterdir()] == ["alive"]


# --- the sources of packages -----------------------------------------------------------------------------------------


def derive(folder: Path, name: str, text: str, uris: str = "") -> str:
    (folder / name).write_text(text)
    script = '. lab/setup/say.sh; . lab/setup/apt.sh; derive_sources bookworm trixie "$1" "$2"'
    return run(script, uris, str(folder / name)).stdout


def test_deb822_sources_are_moved_to_the_other_suite_with_their_keys(tmp_path: Path) -> None:
    assert derive(tmp_path, "debian.sources", DEB822) == (
        "Types: deb\nURIs: http://mirror.test/debian\nSuites: trixie\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        "Types: deb\nURIs: http://mirror.test/debian-security\nSuites: trixie-security\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBFit\n -----END PGP PUBLIC KEY BLOCK-----\n\n"
    )


def test_one_line_sources_are_moved_to_the_other_suite_with_their_options(tmp_path: Path) -> None:
    assert derive(tmp_path, "sources.list", ONE_LINE, "http://mirror.test/debian/\nhttp://mirror.test/security/") == (
        "Types: deb\nURIs: http://mirror.test/debian/\nSuites: trixie\nComponents: main\n"
        "Architectures: amd64 arm64\nSigned-By: /etc/key.gpg\n\n"
        "Types: deb\nURIs: http://mirror.test/security\nSuites: trixie-security\nComponents: main\n\n"
    )


def test_a_third_party_with_the_same_suite_is_left_out_when_the_archive_is_known(tmp_path: Path) -> None:
    assert "vendor.test" in derive(tmp_path, "sources.list", ONE_LINE)
    assert "vendor.test" not in derive(tmp_path, "sources.list", ONE_LINE, "http://mirror.test/debian")


def test_a_machine_without_such_a_source_gives_nothing(tmp_path: Path) -> None:
    assert derive(tmp_path, "debian.sources", DEB822.replace("bookworm", "forky")) == ""


def test_the_pinned_source_is_derived_and_stays_below_everything_else(tmp_path: Path) -> None:
    (tmp_path / "debian.sources").write_text(DEB822)
    script = """
        . lab/setup/say.sh; . lab/setup/apt.sh
        sample=$1/debian.sources
        apt_source_files() { echo "$sample"; }
        distribution_uris() { true; }
        LAB_TRIXIE_SOURCE=$1/socketlab.sources LAB_TRIXIE_PIN=$1/socketlab
        add_trixie_source
    """
    done = run(script, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    source = (tmp_path / "socketlab.sources").read_text()
    assert "Suites: trixie\n" in source
    assert "Suites: trixie-security\n" in source
    pin = (tmp_path / "socketlab").read_text()
    assert pin.endswith("Package: *\nPin: release n=trixie*\nPin-Priority: 100\n")


# --- make, the locks, and what must not be in the repository ---------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_make_help_lists_every_target_in_one_line(language: str) -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {m.replace("%", "N") for m in re.findall(r"^([a-z][a-z0-9%-]*):", text, re.MULTILINE)} - {"always"}
    done = run("make --no-print-directory help", LAB_LANG=language)
    lines = [line.split(None, 2) for line in done.stdout.splitlines() if line.startswith("  make ")]
    assert {line[1] for line in lines} == targets
    assert all(bool(CHINESE.search(line[2])) == (language == "zh-CN") for line in lines)
    assert run("make", LAB_LANG=language).stdout == done.stdout


@pytest.mark.parametrize("target", ["exercise-0", "exercise-3", "exercise-03"])
def test_an_exercise_target_runs_that_exercise(target: str) -> None:
    done = run(f"make -n {target} ASK=0")
    assert f".venv/bin/lab run --build {target.removeprefix('exercise-')}" in done.stdout
    assert "lab/setup/ready.sh" in done.stdout


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_hashes_for_every_package_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) > 5
    for package in packages:
        assert re.match(r"[a-z0-9.-]+==[^ ]+ \\\n", package)
        assert "--hash=sha256:" in package
    assert "://" not in text


def test_what_tests_need_contains_what_the_lab_needs_in_the_same_versions() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.-]+==[^ ]+)", (ROOT / lock).read_text(), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_shell_scripts_can_be_run() -> None:
    sourced = {"say.sh", "apt.sh"}
    scripts = [*SETUP.glob("*.sh"), *(ROOT / "images/host").glob("*.sh"), ROOT / ".ci/run"]
    assert [s.name for s in scripts if s.name not in sourced and not os.access(s, os.X_OK)] == []


@pytest.mark.parametrize(
    ("answer", "expected"), [("\n", "yes"), ("y\n", "yes"), ("n\n", "no"), ("No\n", "no"), ("\x04", "no")]
)
def test_on_a_terminal_an_installation_is_asked_for_and_yes_is_the_default(answer: str, expected: str) -> None:
    parent, child = pty.openpty()
    script = ". lab/setup/say.sh; if confirm 'Go on?' '继续吗？'; then echo =yes; else echo =no; fi"
    with subprocess.Popen(["bash", "-c", script], cwd=ROOT, stdin=child, stdout=child, stderr=child) as asked:
        os.write(parent, answer.encode())
        assert asked.wait(timeout=10) == 0
    os.close(child)
    assert f"={expected}" in all_from(parent)


def all_from(terminal: int) -> str:
    """Return what was written to a terminal whose other end is closed: one read may bring a part of it."""
    seen = b""
    with contextlib.suppress(OSError):  # EIO: that was all
        while part := os.read(terminal, 4096):
            seen += part
    os.close(terminal)
    return seen.decode()


def test_without_a_terminal_an_installation_goes_on_without_a_question() -> None:
    done = run(". lab/setup/say.sh; confirm 'Go on?' '继续吗？' && echo =yes")
    assert done.stdout == "=yes\n"


@pytest.mark.parametrize("target", ["up", "exercise-3"])
def test_a_fresh_clone_builds_the_missing_image_by_itself(target: str) -> None:
    recipe = subprocess.run(
        ["make", "-n", target], cwd=ROOT, check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    ).stdout
    assert re.search(r"bin/lab (up|run) --build\b", recipe), recipe
