"""Whether a voucher may be used: one reason for each case, in one order."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from hutong.kit.ids import STORE
from hutong.kit.terms import Blackout, Terms, Window, over_everywhere, over_when_paid
from hutong.vouchers import step_of
from hutong.vouchers.model import ROADS, TABS
from hutong.vouchers.rules import Here, LastUse, most_now, notices, why_not_count, why_not_usable
from tests.unit.test_vouchers_codes import NOON, a_voucher

LANE = UUID(int=51)
HERE = Here(store_id=LANE, now=NOON, zone="Asia/Shanghai")  # Friday noon
HOUR = timedelta(hours=1)

CASES = [
    ({}, None),
    ({"state": "void"}, "voucher_void"),
    ({"state": "refunded"}, "voucher_refunded"),
    ({"state": "refunding"}, "voucher_refunding"),
    ({"state": "waiting"}, "waiting_for_buyers"),
    ({"state": "used"}, "voucher_used"),
    ({"state": "expired"}, "expired"),
    ({"store_ids": (UUID(int=52),)}, "wrong_store"),
    ({"store_ids": (UUID(int=52), LANE)}, None),
    ({"valid_from": NOON + HOUR}, "not_yet_valid"),
    ({"valid_to": NOON}, "expired"),
    ({"valid_to": NOON + timedelta(seconds=1)}, None),
    ({"terms": Terms(blackouts=(Blackout(date(2026, 11, 20), date(2026, 11, 21)),))}, "blackout"),
    ({"terms": Terms(windows=(Window((5, 6), 0, 1440),))}, "outside_hours"),
    ({"terms": Terms(windows=(Window((4,), 11 * 60, 14 * 60),))}, None),
    # The first reason wins: it is the one that the people at the counter can do least about.
    ({"state": "refunded", "valid_to": NOON, "store_ids": (UUID(int=52),)}, "voucher_refunded"),
    ({"store_ids": (UUID(int=52),), "valid_to": NOON}, "wrong_store"),
]


@pytest.mark.parametrize(("changes", "code"), CASES)
def test_each_reason(changes, code):
    refusal = why_not_usable(a_voucher(**changes), HERE)
    assert (refusal.code if refusal else None) == code


def test_used_says_who_when_and_where():
    last = LastUse(at=NOON - HOUR, store="Noodle Bar", staff="Tao")
    refusal = why_not_usable(a_voucher(state="used"), HERE, last=last)
    assert refusal.code == "already_used"
    assert refusal.sentence().en == "Used at 2026-11-20 11:00, at Noodle Bar, by Tao."
    assert refusal.sentence().zh == "已于 2026-11-20 11:00 在 Noodle Bar 由 Tao 核销。"


def test_the_qr_step():
    now = step_of(NOON)

    def why(step: int, last: int = 0, prepared: bool = False) -> str | None:
        refusal = why_not_usable(a_voucher(last_step=last), HERE, step=step, prepared=prepared)
        return refusal.code if refusal else None

    assert why(now) is None
    assert why(now - 1) is None
    assert why(now - 2) == "stale_qr"
    assert why(now - 2, prepared=True) is None  # it was fresh when it was prepared
    assert why(now, last=now) == "qr_already_used"
    assert why(now, last=now, prepared=True) == "qr_already_used"
    assert why(now - 1, last=now) == "qr_already_used"
    assert why(0, last=now) is None  # a typed code has no step


def test_a_wrong_store_names_the_right_ones():
    refusal = why_not_usable(a_voucher(store_ids=(UUID(int=52),)), HERE)
    assert refusal.facts == {"stores": [STORE.show(UUID(int=52), 12)]}


def test_how_many_at_once():
    card = a_voucher(uses_total=10, uses_left=4)
    assert most_now(card) == 4
    assert why_not_count(card, 4) is None
    assert why_not_count(card, 5).facts == {"most": 4}
    assert why_not_count(card, 0).code == "bad_input"
    visit = msgspec.structs.replace(card, terms=Terms(per_visit=2))
    assert most_now(visit) == 2
    assert why_not_count(visit, 3).code == "count_too_high"


def test_notices():
    calm = a_voucher(valid_to=NOON + timedelta(days=3))
    assert notices(calm, HERE) == ()
    terms = Terms(booking_needed=True, party_min=2, party_max=4, per_visit=1)
    busy = a_voucher(terms=terms, valid_to=NOON + timedelta(hours=5))
    found = {notice.code: notice.text for notice in notices(busy, HERE)}
    assert set(found) == {"last_day", "booking_needed", "party", "per_visit"}
    assert found["party"].en == "For parties of 2 to 4."
    assert notices(a_voucher(terms=Terms(party_min=6), valid_to=NOON + timedelta(days=3)), HERE)[0].text.en == (
        "For parties from 6."
    )


def test_every_state_has_roads_and_a_tab():
    assert sorted(state for states in TABS.values() for state in states) == sorted(ROADS)
    assert all(to in ROADS for states in ROADS.values() for to in states)


def test_the_last_day_is_the_last_day_of_the_city():
    """At New York's supper it is tomorrow in UTC: what is sold until midnight there is not over yet; where the zone is
    not known, only what is over on all of earth is. Paid after the last day it would end before it begins."""
    last = Terms(valid_until=date(2026, 11, 20))
    supper = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    assert not over_everywhere(last, supper)
    assert over_everywhere(last, supper + timedelta(hours=14))
    assert not over_everywhere(Terms(valid_days=0), supper)
    assert not over_when_paid(last, paid_at=supper, zone="America/New_York")
    assert over_when_paid(last, paid_at=supper, zone="Asia/Shanghai")
    assert not over_when_paid(Terms(valid_days=0), paid_at=supper, zone="Asia/Shanghai")
