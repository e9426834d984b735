"""Every sentence of the pages is in the catalogue, in both languages, and none is left over."""

import re
from pathlib import Path

import pytest

from hutong.web.shared.words import Words, catalogue

WEB = Path("src/hutong/web")
OURS = [path for path in WEB.rglob("*.js") if "vendor" not in path.parts]
SOURCES = [*WEB.rglob("*.html"), *WEB.rglob("*.py"), *OURS]
# t('deal.buy'), visit.t("error.stale"), and the beginning of a key that is made: t('order.' ~ state), f"refund.{...}"
WHOLE = re.compile(r"""\bt\(\s*f?['"]([a-z0-9_.]+)['"]\s*[,)]""")
MADE = re.compile(r"""\bt\(\s*(?:f?['"])([a-z0-9_.]+\.)(?:['"]\s*~|\{)""")
# What is wrong with a field is noted by its key and said later.
NOTED = re.compile(r"""\bnote\(\s*f?['"][\w{}]+['"],\s*['"]([a-z0-9_.]+)['"]\s*\)""")
PLACE = re.compile(r"\{(\w+)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def used() -> tuple[set[str], set[str]]:
    """Whole keys, and beginnings of keys that are made from a value."""
    whole: set[str] = set()
    made: set[str] = set()
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        whole |= set(WHOLE.findall(source)) | set(NOTED.findall(source))
        made |= set(MADE.findall(source))
    return whole, made


def test_every_key_that_is_used_exists():
    """A key that nobody wrote shows itself to the reader."""
    whole, made = used()
    assert sorted(key for key in whole if key not in catalogue()) == []
    assert sorted(start for start in made if not any(key.startswith(start) for key in catalogue())) == []


def test_no_key_is_left_over():
    """A sentence that no page says is translated for nobody."""
    whole, made = used()
    idle = [key for key in catalogue() if key not in whole and not any(key.startswith(start) for start in made)]
    assert idle == []


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_both_languages_say_the_same_facts(key: str):
    """A fact that one language leaves out is missing for its readers. `n` may be said in words ("One more")."""
    word = catalogue()[key]
    assert word.zh.strip()
    assert word.en.strip()
    assert set(PLACE.findall(word.zh)) == set(PLACE.findall(word.en))
    assert set(PLACE.findall(word.one or word.en)) | {"n"} == set(PLACE.findall(word.en)) | {"n"}
    if key != "me.language":  # each language names the other one
        assert not CHINESE.search(word.en)


def test_one_is_said_as_one_and_facts_are_filled_in():
    """English has a singular."""
    assert Words("en")("home.use", n=1) == "One voucher ready to use"
    assert Words("en")("home.use", n=3) == "3 vouchers ready to use"
    assert Words("zh")("home.use", n=1) == "有 1 张券可用"
    assert Words("en")("bill.points_n", n=123456) == "123,456 points"  # as amounts beside it have their commas
