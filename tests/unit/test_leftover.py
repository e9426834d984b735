"""What is left of a unit: whatever paid it and however much of it was used, its parts are what it is still due."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.orders import Borne, Tendered, UnitShare
from hutong.orders.leftover import left_of
from hutong.vouchers import Voucher
from hutong.vouchers.model import share as part_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NOBODY = UUID(int=0)


def a_unit(share: UnitShare, uses: int, used: int) -> Voucher:
    """A voucher of so many uses, of which some were used one by one."""
    paid, due = share.paid, share.due
    for left in range(uses, uses - used, -1):
        paid, due = paid - part_of(paid, 1, left), due - part_of(due, 1, left)
    return Voucher(
        city_id=1, voucher_id=NOBODY, kind="card", member_id=NOBODY, holder_name="Ann", merchant_id=NOBODY,
        order_id=NOBODY, line_id=NOBODY, offer_id=NOBODY, title=Text.both("x"), unit_no=0, secret=b"", code="0" * 12,
        uses_total=uses, uses_left=uses - used, state="valid", refund_from=None, valid_from=NOW,
        valid_to=NOW + timedelta(days=1), terms=Terms(), store_ids=(), asset="CNY", paid_units=share.paid,
        paid_left=paid, due_units=share.due, due_left=due, last_step=0, cycles=0, version=0, issued_at=NOW,
    )  # fmt: skip


@st.composite
def shares(draw: st.DrawFn) -> UnitShare:
    money = draw(st.integers(0, 5_000))
    tenders = []
    for number in range(draw(st.integers(0, 3))):
        units = draw(st.integers(0, 3_000))
        points = draw(st.integers(0, 300))
        due = draw(st.integers(0, units)) if units else draw(st.integers(0, 900)) if points else 0
        if units or points:
            tenders.append(Tendered(ref=UUID(int=number + 1), units=units, due=due, points=points))
    by = tuple(
        Borne("p", payer, draw(st.integers(1, 900)))
        for payer in draw(st.lists(st.sampled_from(("platform", "brand", "merchant")), unique=True))
    )
    paid = money + sum(t.units for t in tenders)
    others = sum(b.units for b in by if b.payer != "merchant")
    due = money + sum(t.due for t in tenders) + others
    return UnitShare(paid=paid, due=due, by=by, tenders=tuple(tenders))


@settings(max_examples=400, deadline=None)
@given(share=shares(), uses=st.integers(1, 12), used=st.integers(0, 11))
def test_the_parts_of_what_is_left_are_what_is_still_due(share: UnitShare, uses: int, used: int):
    unit = a_unit(share, uses, min(used, uses - 1))
    left = left_of(unit, share)
    others = sum(one.units for one in left.others if one.payer != "merchant")
    assert left.money + sum(t.due for t in left.tenders) + others == unit.due_left
    assert left.money >= 0
    for part, whole in zip(left.tenders, share.tenders, strict=True):
        assert 0 <= part.due <= whole.due
        assert 0 <= part.units <= whole.units
        assert 0 <= part.points <= whole.points
    if unit.untouched:
        assert left.tenders == share.tenders
        assert left.money == share.money
    if not share.tenders:
        assert left.money == unit.paid_left
