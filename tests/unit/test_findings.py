from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from lab.settings import ROOT

FOLDER: Final = ROOT / "findings"
SCRIPTS: Final = sorted(FOLDER.glob("*.sh"))
ROW: Final = re.compile(
    r"^\| [^|]+ \| \[`([^`]+)`\]\(([^)]+)\) \| [^|]+ \| [^|]*\d{4}-\d\d-\d\d[^|]* \|$", re.MULTILINE
)


def test_the_list_has_one_row_for_each_script_with_its_date() -> None:
    rows = ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(rows) == [(path.name, path.name) for path in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_finding_says_first_what_surprises_and_works_in_a_folder_of_its_own(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    shebang, first = text.splitlines()[:2]
    assert shebang == "#!/usr/bin/env bash"
    assert re.fullmatch(r"# \S.{20,}", first)
    assert "mktemp -d" in text
    assert "set -euo pipefail" in text
    assert "lab/" not in text, "a finding runs without the lab"
