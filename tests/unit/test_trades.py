"""Trades are data, read strictly: a bad file says which file and which field."""

import shutil
from datetime import date
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from hutong import trades
from hutong.kit.terms import Blackout, Window
from hutong.trades import BadData, TermsPreset

FOLDER = Path(str(files("hutong.trades")))
FILES = sorted(path.name for path in FOLDER.glob("*.toml"))

SPA = """
key = "spa"
name = { zh = "水疗", en = "Spa" }
category = "massage"
scheme = "deals"
icon = "hand"
about = { zh = "泡一泡。", en = "A soak." }

[terms]
valid_days = 60
per_member = 5
refund = "anytime"
refund_on_expiry = true

[policies]
undo_minutes = 30

[[form]]
name = "room"
label = { zh = "房间", en = "Room" }
kind = "choice"
required = true
choices = [{ value = "small", label = { zh = "小", en = "Small" } }]

[[form]]
name = "minutes"
label = { zh = "时长", en = "Length" }
kind = "minutes"
"""


def read(text: str) -> trades.Trade:
    return trades.read_trade(text, source="spa.toml")


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_a_trade_that_speaks_both_languages(name: str):
    trade = trades.read_trade((FOLDER / name).read_bytes(), source=name)
    texts = [trade.name, trade.about, *trade.included, *trade.tags]
    texts += [text for field in trade.form for text in (field.label, field.unit) if text]
    assert all(text.zh.strip() and text.en.strip() for text in texts)
    assert trade.included
    assert trade.tags
    assert trade.icon.isascii()


def test_load_gives_every_file_by_key_in_order():
    found = trades.load()
    assert [f"{key}.toml" for key in found] == FILES
    assert len(found) >= 14
    assert list(found) == sorted(found)


def test_a_good_file_is_read():
    spa = read(SPA)
    assert (spa.scheme, spa.policies.undo_minutes, spa.terms.valid_days) == ("deals", 30, 60)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('scheme = "deals"', 'scheme = "barter"', ["'barter'", "$.scheme"]),
        ('icon = "hand"', 'icon = "hand"\ncolour = "red"', ["`colour`"]),
        ("undo_minutes = 30", "undo_minutse = 30", ["`undo_minutse`", "$.policies"]),
        ("per_member = 5", 'per_member = "five"', ["$.terms.per_member"]),
        ("per_member = 5", "per_member = 0", ["$.terms.per_member"]),
        ("per_member = 5", 'per_member = 5\nweekdays = ["funday"]', ["'funday'", "$.terms.weekdays"]),
        ("per_member = 5", 'per_member = 5\nhours = ["14:00-10:00"]', ["14:00-10:00", "$.terms"]),
        ("per_member = 5", 'per_member = 5\nblackout = ["02-30"]', ["$.terms"]),
        ("per_member = 5", "per_member = 5\nparty = [4, 2]", ["party", "$.terms"]),
        ("per_member = 5", "per_member = 5\nuntil_days = 9", ["until_days", "$.terms"]),
        ("valid_days = 60\n", "", ["the life of a voucher"]),
        ('refund = "anytime"\n', "", ["refund rule"]),
        ('kind = "minutes"', 'kind = "colour"', ["'colour'", "$.form"]),
        ('kind = "minutes"', 'kind = "choice"', ["`minutes`", "choices", "$.form"]),
        ('name = "minutes"', 'name = "room"', ["names a field twice"]),
        ('key = "spa"', 'key = "sauna"', ["sauna.toml", "$.key"]),
        ('name = { zh = "水疗", en = "Spa" }', 'name = { zh = "水疗" }', ["`en`", "$.name"]),
        ('key = "spa"', 'key = "spa', ["line"]),
    ],
)
def test_a_bad_file_names_the_file_and_the_field(old: str, new: str, words: list[str]):
    assert old in SPA
    with pytest.raises(BadData) as refused:
        read(SPA.replace(old, new, 1))
    message = str(refused.value)
    assert message.startswith("spa.toml: ")
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    ("details", "wrong"),
    [
        ({"room": "small"}, []),
        ({"room": "small", "minutes": 60}, []),
        ({"minutes": 60}, ["`room` is required for spa"]),
        ({"room": "huge"}, ["`room` has no choice 'huge'"]),
        ({"room": "small", "minutes": 0}, ["`minutes` must be positive, not 0"]),
        ({"room": "small", "minutes": True}, ["`minutes` is of kind minutes, not True"]),
        ({"room": "small", "view": "sea"}, ["`view` is no field of spa"]),
    ],
)
def test_the_form_says_what_is_wrong_with_an_offer(details: dict[str, str | int | bool], wrong: list[str]):
    assert read(SPA).why_not(details) == wrong


def test_terms_speak_over_their_trade():
    trade = TermsPreset(valid_days=60, per_member=5, refund="anytime", refund_on_expiry=True)
    terms = TermsPreset(until_days=10, per_member=2).over(trade)
    assert terms == TermsPreset(until_days=10, per_member=2, refund="anytime", refund_on_expiry=True)
    assert TermsPreset().over(trade) == trade


def test_dated_terms_are_those_of_the_catalog():
    preset = TermsPreset(
        valid_days=30,
        weekdays=("fri", "sat"),
        hours=("11:00-14:00", "18:00-26:00"),
        blackout=("10-01/10-07", "02-29"),
        party=(2, 4),
        refund="none",
    )
    terms = preset.dated(date(2026, 10, 3))
    assert terms.windows == (
        Window(weekdays=(4, 5), start=660, end=840),
        Window(weekdays=(4, 5), start=1080, end=1560),
    )
    assert terms.blackouts[:3] == (
        Blackout(first=date(2026, 10, 1), last=date(2026, 10, 7)),
        Blackout(first=date(2027, 2, 28), last=date(2027, 2, 28)),
        Blackout(first=date(2027, 10, 1), last=date(2027, 10, 7)),
    )
    assert (terms.valid_days, terms.party_min, terms.party_max, terms.refund) == (30, 2, 4, "none")
    assert TermsPreset(weekdays=("mon",)).dated(date(2026, 10, 3)).windows == (Window(weekdays=(0,)),)
    assert TermsPreset(until_days=7).dated(date(2026, 10, 3)).valid_until == date(2026, 10, 10)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("10:30-14:00", (630, 840)), ("18:00-26:00", (1080, 1560)), ("00:00-24:00", (0, 1440))],
)
def test_spans(text: str, minutes: tuple[int, int]):
    assert trades.span(text) == minutes


@pytest.mark.parametrize("text", ["10:30", "9:00-10:00", "14:00-14:00", "25:00-26:00", "18:00-37:00"])
def test_what_is_no_span(text: str):
    with pytest.raises(ValueError, match=r"written as|begin on its day"):
        trades.span(text)


def test_a_new_trade_is_a_file_and_nothing_else(tmp_path: Path):
    """The claim of the design, tried: a copied file under another key is another trade."""
    copy = tmp_path / "boat-rental.toml"
    shutil.copy(FOLDER / "car-rental.toml", copy)
    text = copy.read_text(encoding="utf-8").replace('key = "car-rental"', 'key = "boat-rental"', 1)
    boat = trades.read_trade(text, source=copy.name)
    assert msgspec.structs.replace(boat, key="car-rental") == trades.load()["car-rental"]
