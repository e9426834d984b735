"""Slots of a flash sale: which runs, what is said between them; a plan takes the stock of the one that runs."""

from datetime import timedelta
from uuid import UUID

import pytest

from hutong.catalog.form_rules import form_faults
from hutong.catalog.forms import Flash, Slot
from hutong.inventory import Want
from hutong.orders import Plan, Wanted
from hutong.schemes.deals import Deals
from hutong.schemes.deals.slots import in_words, slot_now
from tests.unit.test_docs import an_offer
from tests.unit.test_vouchers_codes import NOON

HOUR = timedelta(hours=1)


def a_slot(start: float, end: float, number: int = 1, units: int = 5) -> Slot:
    return Slot(
        slot_id=UUID(int=number), starts_at=NOON + start * HOUR, ends_at=NOON + end * HOUR,
        quota_id=UUID(int=100 + number), units=units,
    )  # fmt: skip


FORM = Flash(slots=(a_slot(4, 6, 2), a_slot(-1, 1, 1)))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(-1, 1), (0, 1), (0.999, 1), (1, "slot_not_open"), (3.9, "slot_not_open"), (4, 2), (6, "slots_over")],
)
def test_a_slot_has_its_beginning_and_not_its_end(hours, expected):
    found = slot_now(FORM, NOON + hours * HOUR)
    assert (found.slot_id.int if isinstance(found, Slot) else found.code) == expected


def test_between_slots_the_words_say_how_long():
    refusal = slot_now(FORM, NOON + HOUR)
    assert refusal.sentence().en == "Not on sale yet: it begins in 3 h 0 min."
    assert in_words(timedelta(seconds=61)).zh == "2 分钟"
    assert in_words(timedelta(days=1, hours=2)).en == "1 d 2 h"
    assert in_words(timedelta(0)).en == "1 min"


def flash(form: Flash = FORM):
    return an_offer(form=form, scheme="deals", sale_from=NOON - 24 * HOUR, sale_to=NOON + 48 * HOUR)


def test_the_plan_takes_the_stock_of_the_slot_that_runs():
    offer = flash()
    for hours, quota in ((0, 101), (5, 102)):
        plan = Deals().plan(offer, Wanted(offer.offer_id, 2), line_no=1, now=NOON + hours * HOUR)
        assert isinstance(plan, Plan)
        assert plan.wants == (Want(UUID(int=quota), 2),)
    assert Deals().plan(offer, Wanted(offer.offer_id, 1), line_no=1, now=NOON + 2 * HOUR).code == "slot_not_open"


WRONG = [
    Flash(slots=()),
    Flash(slots=(a_slot(1, 1),)),
    Flash(slots=(a_slot(1, 2, units=0),)),
    Flash(slots=(a_slot(1, 3, 1), a_slot(2, 4, 2))),
    Flash(slots=(a_slot(47, 49),)),
    Flash(slots=tuple(a_slot(n, n + 1, n) for n in range(1, 22))),
]


@pytest.mark.parametrize("form", WRONG)
def test_what_is_no_sound_flash_sale(form):
    assert [name for name, _ in form_faults(flash(form))] == ["form"]


def test_a_sound_one():
    assert not list(form_faults(flash()))
