"""The words of the pages in two languages, from the `words/*.toml` of every face.

A key is a path of table names: `[deal] buy = { zh = "购买", en = "Buy" }` is `deal.buy`. `one` is the English
sentence for exactly one `n`; Chinese needs none.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct, convert

WEB = Path(__file__).parent.parent
COUNTS = frozenset({"n", "points", "have", "of"})


class Word(Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence, with {placeholders}."""

    zh: str
    en: str
    one: str | None = None

    def in_(self, language: str, n: object = None) -> str:
        if language == "zh":
            return self.zh
        return self.one if n == 1 and self.one is not None else self.en


def counted(name: str, fact: object) -> object:
    """A count of a thousand or more with its commas, as the page writes it elsewhere; any other fact as it is."""
    return f"{fact:,}" if name in COUNTS and type(fact) is int else fact


@cache
def catalogue(web: Path = WEB) -> dict[str, Word]:
    """Every key of every face. A key said twice is an error: the pages would depend on the order of files."""
    found: dict[str, Word] = {}
    for path in sorted(web.glob("*/words/*.toml")):
        _walk(tomllib.loads(path.read_text(encoding="utf-8")), "", found, path)
    return found


def _walk(table: dict[str, Any], prefix: str, found: dict[str, Word], path: Path) -> None:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if not isinstance(value, dict):
            raise ValueError(f"{path.name}: {key} is no sentence in two languages")
        if not {"zh", "en"} & value.keys():
            _walk(value, f"{key}.", found, path)
            continue
        if key in found:
            raise ValueError(f"{path.name}: {key} is said twice")
        found[key] = convert(value, Word)


class Words:
    """The catalogue in one language: `t("deal.buy")`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, /, **facts: object) -> str:
        """The sentence of the key, filled in. An unknown key shows itself: a test forbids it."""
        word = catalogue().get(key)
        if word is None:
            return key
        sentence = word.in_(self.language, facts.get("n"))
        return sentence.format_map({name: counted(name, fact) for name, fact in facts.items()}) if facts else sentence
