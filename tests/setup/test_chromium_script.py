"""lab/setup/chromium.sh: silent where there is a browser, apt for root, else one line that says what to install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "dirname", "env", "grep", "head", "mktemp", "rm", "sed", "tail")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs in which there is no browser, no apt and no root."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    put(tmp_path, "id", "echo 1000")
    return tmp_path


def put(machine: Path, name: str, body: str) -> None:
    path = machine / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!{machine}/bash\n{body}\n")
    path.chmod(0o755)


def with_apt(machine: Path, installs: str = "chromium") -> None:
    """Make it a root's machine with an apt that notes what it was asked for, and installs so much of it."""
    put(machine, "id", "echo 0")
    put(machine, "apt-cache", "printf '  Candidate: 1.0\\n'")
    new = f'printf "#!{machine}/bash\\n" >{machine}/{installs}; chmod +x {machine}/{installs}' if installs else "true"
    put(machine, "apt-get", f'echo "$@" >>{machine}/asked; {new}')
    (machine / "chmod").symlink_to(str(shutil.which("chmod")))


def chromium(machine: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "lab/setup/chromium.sh"],
        cwd=ROOT, env={"PATH": str(machine), "LANG": "C.UTF-8"} | variables, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_where_a_browser_is_it_says_nothing(machine: Path, name: str) -> None:
    put(machine, name, "exit 1")
    assert said(chromium(machine)) == (0, "", "")


def test_another_browser_can_be_named(machine: Path) -> None:
    put(machine, "mine", "exit 1")
    assert said(chromium(machine, LAB_CHROMIUM=str(machine / "mine"))) == (0, "", "")


@pytest.mark.parametrize(("language", "words"), [("en", "apt-get install chromium"), ("zh-CN", "请安装 chromium")])
def test_who_may_not_install_is_told_in_one_line_what_to_install(machine: Path, language: str, words: str) -> None:
    code, out, complaint = said(chromium(machine, LAB_LANG=language))
    assert (code, out) == (3, "")
    assert len(complaint.splitlines()) == 1
    assert words in complaint


def test_root_with_apt_gets_it_and_a_chinese_font(machine: Path) -> None:
    with_apt(machine)
    done = chromium(machine)
    assert done.returncode == 0
    assert done.stdout.startswith("Installing chromium fonts-wqy-microhei with apt")
    (asked,) = (machine / "asked").read_text().splitlines()
    assert "install" in asked
    assert asked.endswith("chromium fonts-wqy-microhei")
    assert said(chromium(machine)) == (0, "", "")


def test_a_browser_without_a_chinese_font_gets_the_font_alone(machine: Path) -> None:
    with_apt(machine, installs="")
    put(machine, "chromium", "exit 1")
    put(machine, "fc-list", "true")
    assert chromium(machine).returncode == 0
    assert (machine / "asked").read_text().splitlines()[0].endswith(" fonts-wqy-microhei")
    put(machine, "fc-list", "echo 'WenQuanYi Micro Hei'")
    (machine / "asked").unlink()
    assert said(chromium(machine)) == (0, "", "")
    assert not (machine / "asked").exists()


def test_an_install_that_brings_no_browser_is_no_success(machine: Path) -> None:
    with_apt(machine, installs="something-else")
    done = chromium(machine)
    assert done.returncode == 3
    assert "need Chromium" in done.stderr
