"""Whatever an expectation may name is compared with what the play has: no field of a new kind is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import lab.judge
from lab.checking.references import FREE, NAMING
from lab.judge.judging import Judged


def kinds() -> Iterator[type]:
    for module in pkgutil.walk_packages(lab.judge.__path__, "lab.judge."):
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and issubclass(each, Judged):
                yield each


def test_every_field_of_every_kind_of_expectation_is_either_checked_or_free() -> None:
    found = {each.name for kind in kinds() if is_dataclass(kind) for each in fields(kind)}
    assert found - NAMING - FREE == set()
    assert set() == NAMING & FREE
    assert (NAMING | FREE) - found == set(), "named, but no expectation has it any more"
