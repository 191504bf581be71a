"""The kernel's own patience with a half-open connection, 63 s: under FULL=1 alone."""

from __future__ import annotations

import json

import pytest

from lab.settings import Settings
from tests.lab.conftest import RunLab
from tests.lab.faults import FULL

pytestmark = pytest.mark.lab


@pytest.mark.skipif(not FULL, reason="takes the kernel 63 s: FULL=1")
def test_by_default_the_kernel_drops_what_is_half_open_after_63_seconds(hosts_up: Settings, run_lab: RunLab) -> None:
    answer = run_lab("run", "5", "--json", env={"FULL": "1", "LAB_NAME": hosts_up.name}, timeout=180)
    assert answer.returncode == 0, answer.stderr
    (claim,) = [each for each in json.loads(answer.stdout)["claims"] if each["id"] == "B10"]
    assert {case["condition"]: case["holds"] for case in claim["cases"]} == {
        "default": "instead",
    }  # fmt: skip
