"""The glossary is read by strangers and by editors of pages: it may not decay."""

import re
from pathlib import Path

import pytest

from hutong.infra.placement import PLACEMENT

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
PLACED = {name.split(".")[0] for name in PLACEMENT}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_word_has_both_languages_and_a_home(row: list[str]):
    assert len(row) == 5
    word, zh, english, chinese, home = row
    assert word
    assert home
    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert not re.search(r"[\u4e00-\u9fff]", english)
    assert english.endswith(".")
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert chinese.endswith("。")


def test_no_word_is_there_twice():
    words = [row[0].casefold() for row in ROWS]
    assert sorted(set(words)) == sorted(words)


def test_tables_that_are_named_exist():
    """A table that was renamed is renamed here, too. Packages without a table yet are left out."""
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", " ".join(row[4] for row in ROWS)))
    assert sorted(table for table in named if table.split(".")[0] in PLACED and table not in PLACEMENT) == []
