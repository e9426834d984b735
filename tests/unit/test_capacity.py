"""Days and hours with so many places: which span a use belongs to, and when there is a place again."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from hutong.kit.terms import Blackout, Terms, Window, day_span, hour_span
from hutong.vouchers.capacity import Key, in_words, rooms, why_no_room
from tests.unit.test_vouchers_codes import NOON, a_voucher

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
OFFER, LANE = UUID(int=0x0FF), UUID(int=51)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_an_hour_that_the_clocks_repeat_is_two_hours():
    first, second = at("2026-10-25T02:30:00+02:00"), at("2026-10-25T02:30:00+01:00")
    assert hour_span(first, BERLIN)[1] == hour_span(second, BERLIN)[0]
    begin, end = day_span(first, BERLIN)
    assert end - begin == timedelta(hours=25)
    begin, end = day_span(at("2026-03-29T12:00:00+02:00"), BERLIN)
    assert end - begin == timedelta(hours=23)
    assert hour_span(at("2026-03-29T03:10:00+02:00"), BERLIN)[0] == at("2026-03-29T01:00:00+00:00")


def test_half_hour_zones_have_hours_of_their_own_clock():
    begin, end = hour_span(at("2026-11-20T12:45:00+05:30"), "Asia/Kolkata")
    assert (begin, end) == (at("2026-11-20T12:00:00+05:30"), at("2026-11-20T13:00:00+05:30"))


def room_of(terms: Terms, used: dict[str, int], when: datetime = NOON, **changes):
    voucher = a_voucher(terms=terms, offer_id=OFFER, valid_to=NOON + timedelta(days=30), **changes)
    counters = {
        Key(OFFER, LANE, "day", day_span(when, SHANGHAI)[0]): used.get("day", 0),
        Key(OFFER, LANE, "hour", hour_span(when, SHANGHAI)[0]): used.get("hour", 0),
    }
    found = rooms(terms, counters, offer_id=OFFER, store_id=LANE, at=when, zone=SHANGHAI)
    return voucher, found


CASES = [  # terms, used, wanted, code, when again
    (Terms(per_hour=6), {"hour": 6}, 1, "hour_full", "from 13:00"),
    (Terms(per_hour=6), {"hour": 5}, 1, None, ""),
    (Terms(per_hour=6), {"hour": 5}, 2, "places_left", ""),
    (Terms(per_day=30), {"day": 30}, 1, "day_full", "tomorrow"),
    (Terms(per_day=30, per_hour=6), {"day": 30, "hour": 6}, 1, "day_full", "tomorrow"),
    (Terms(per_day=30, per_hour=6), {"day": 28, "hour": 6}, 1, "hour_full", "from 13:00"),
    # The next hour is not an hour of use: the first that is.
    (Terms(per_hour=6, windows=(Window((4,), 690, 780), Window((5,), 1050, 1260))), {"hour": 6}, 1, "hour_full",
     "tomorrow from 17:30"),
    (Terms(per_day=1, blackouts=(Blackout(date(2026, 11, 21), date(2026, 11, 22)),)), {"day": 1}, 1, "day_full",
     "from 2026-11-23"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "used", "wanted", "code", "again"), CASES)
def test_why_there_is_no_place_and_when_there_is_one(terms, used, wanted, code, again):
    voucher, found = room_of(terms, used)
    refusal = why_no_room(voucher, found, wanted, at=NOON, zone=SHANGHAI)
    assert (refusal.code if refusal else None) == code
    if refusal and again:
        assert refusal.facts["free_en"] == again
        assert again in refusal.sentence().en
        assert str(refusal.facts["used"]) in refusal.sentence().zh


def test_after_the_validity_there_is_no_again():
    voucher, found = room_of(Terms(per_day=1), {"day": 1})
    last = structs.replace(voucher, valid_to=NOON + 2 * HOUR)
    refusal = why_no_room(last, found, 1, at=NOON, zone=SHANGHAI)
    assert refusal is not None
    assert refusal.facts["free_at"] is None
    assert "not again" in refusal.sentence().en


def test_without_limits_there_is_nothing_to_count():
    voucher, found = room_of(Terms(), {})
    assert found == ()
    assert why_no_room(voucher, found, 1_000, at=NOON, zone=SHANGHAI) is None


def test_the_words_are_those_of_a_counter():
    assert in_words(NOON + HOUR, at=NOON, zone=SHANGHAI).zh == "13:00 起可用"
    assert in_words(NOON + timedelta(days=1), at=NOON, zone=SHANGHAI).zh == "明天 12:00起可用"
