"""Reads what was typed into a form, field by field; keeps the first thing that is wrong with each."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hutong.kit.money import SCALES, Amount
from hutong.kit.text import Text
from hutong.web.shared.visit import Visit

T = TypeVar("T")


class Fields:
    """One form as it was typed, in a zone. `wrong`: by field, a key of the words or a sentence.

    A field that cannot be read gives a harmless value, so that the form can be drawn again.
    """

    def __init__(self, form: Any, zone: str) -> None:
        self.form, self.zone = form, zone
        self.wrong: dict[str, str | Text] = {}

    def note(self, name: str, why: str | Text) -> None:
        self.wrong.setdefault(name, why)

    def text(self, name: str, *, longest: int = 500) -> Text:
        """Both languages; a language that was left out is the other one."""
        zh, en = (" ".join(getattr(self.form, f"{name}_{tongue}").split()) for tongue in ("zh", "en"))
        for tongue, words in (("zh", zh), ("en", en)):
            if len(words) > longest:
                self.note(f"{name}_{tongue}", "editor.wrong.long")
        return Text(zh=zh or en, en=en or zh)

    def money(self, name: str, asset: str, typed: str | None = None) -> Amount:
        words = getattr(self.form, name) if typed is None else typed
        typed = unicodedata.normalize("NFKC", words).strip().strip("¥$€ ").replace(",", "")
        scale = SCALES.get(asset, 0)
        try:
            units = Decimal(typed).scaleb(scale)
            if units != int(units) or not 0 <= units < 10**12:
                raise ValueError(typed)
        except (InvalidOperation, ValueError, OverflowError):
            self.note(name, "editor.wrong.money")
            return Amount(0, asset)
        return Amount(int(units), asset)

    def count(self, name: str, *, least: int, most: int, absent: int | None, typed: str | None = None) -> int | None:
        typed = unicodedata.normalize("NFKC", getattr(self.form, name) if typed is None else typed).strip()
        if not typed and absent is None:
            return None
        if not (typed.isascii() and typed.isdigit() and len(typed) < 12 and least <= int(typed) <= most):
            self.note(name, "editor.wrong.count")
            return absent
        return int(typed)

    def instant(self, name: str, absent: datetime) -> datetime:
        return self._read(
            name,
            lambda typed: datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC),
            absent,
        )

    def day(self, name: str) -> date | None:
        return self._read(name, date.fromisoformat, None) if getattr(self.form, name).strip() else None

    def _read(self, name: str, how: Callable[[str], T], absent: T) -> T:
        try:
            return how(getattr(self.form, name).strip())
        except (ValueError, OverflowError):
            self.note(name, "editor.wrong.date")
            return absent


class Beside(dict[str, str]):
    """Sentences beside fields; a field without one is right, and a template may ask for any."""

    def __missing__(self, name: str) -> str:
        return ""


def said(visit: Visit, wrong: Mapping[str, str | Text]) -> dict[str, str]:
    """What is wrong with each field, in the reader's language."""
    return {name: visit.t(why) if isinstance(why, str) else why.in_(visit.language) for name, why in wrong.items()}
