from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.readme import NoMarkersError, check, renew, renewed

PAGE = "# Lab\n\n<!-- bench -->\nold\n<!-- /bench -->\n\nafter\n"


def test_the_table_stands_between_its_markers_and_the_rest_stays() -> None:
    assert renewed(PAGE, "new\n", "x") == "# Lab\n\n<!-- bench -->\nnew\n<!-- /bench -->\n\nafter\n"


def test_renewing_twice_is_renewing_once() -> None:
    assert renewed(renewed(PAGE, "new", "x"), "new", "x") == renewed(PAGE, "new", "x")


@pytest.mark.parametrize(
    "page",
    ["", "<!-- bench -->", "<!-- /bench -->", "<!-- /bench --><!-- bench -->", PAGE + PAGE],
    ids=["none", "no end", "no begin", "wrong order", "twice"],
)
def test_a_page_without_a_place_for_the_table_is_named(page: str) -> None:
    with pytest.raises(NoMarkersError, match=r"x\.md"):
        renewed(page, "new", "x.md")


def test_a_readme_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoMarkersError, match=r"README\.md"):
        check(tmp_path / "README.md")


def test_a_file_is_renewed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(PAGE)
    renew(path, "| 表 |")
    assert path.read_text() == PAGE.replace("old", "| 表 |")
