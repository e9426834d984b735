"""SandboxPay on its worst days, over real HTTP: its callbacks reach our server, our worker asks when they do not.

All cases are lived at once on one installation, each by an order of its own; then each is looked at.
"""

import asyncio
from typing import Any

import pytest
from msgspec import Struct

from hutong import orders, payments
from hutong.kit.ids import ORDER, PAYMENT, REFUND
from tests.conftest import audit_clean
from tests.faults.installation import Installation, until
from tests.lane import CITY, HOLD, SCHEMES, a_place

pytestmark = pytest.mark.anyio


class Fate(Struct):
    """What became of an order: its state, its refunds (reason, state, units), what really happened at the provider."""

    state: str
    vouchers: list[str]
    refunds: list[tuple[str, str, int]]
    effects: list[dict[str, int]]
    causes: list[str]


class Case(Struct, frozen=True):
    """The rules of a bad day for the payment, for its refund (None: no refund is asked), and how it must end."""

    rules: list[dict[str, Any]]
    back: list[dict[str, Any]] | None = None
    state: str = "paid"


CASES = {
    "a good day": Case([], back=[], state="refunded"),
    "late": Case([{"mode": "late", "seconds": 2}], back=[{"mode": "late", "seconds": 2}], state="refunded"),
    "duplicate": Case([{"mode": "duplicate", "count": 5}], back=[{"mode": "duplicate", "count": 5}], state="refunded"),
    "reordered": Case([{"mode": "reorder", "seconds": 3}], back=[], state="refunded"),
    "lost": Case([{"mode": "lost"}], back=[{"mode": "lost"}], state="refunded"),
    "forged": Case([{"mode": "forged"}]),
    "wrong amount": Case([{"mode": "wrong_amount", "delta": -100}], state="placed"),
    "done, then 500": Case(
        [{"mode": "done_then_500", "times": 1}], back=[{"mode": "done_then_500", "times": 1}], state="refunded"
    ),
    "silent at first": Case([{"mode": "silent", "times": 1, "only": ["open"]}]),
    "the refund's answer is lost": Case([], back=[{"mode": "timeout_but_done", "times": 1}], state="refunded"),
    "the refund is slow": Case([], back=[{"mode": "slow", "seconds": 3}], state="refunded"),
    "the refund fails": Case([], back=[{"mode": "refund_fails"}]),
}


class Life:
    """One order on one bad day."""

    def __init__(self, it: Installation, name: str, token: str) -> None:
        self.it, self.case, self.token = it, CASES[name], token
        self.order = self.payment = ""

    async def live(self) -> Fate:
        self.order = await self.it.order(self.token)
        self.payment = await self._number()
        await self.it.company.script(self.payment, *self.case.rules)
        await self._pay()
        await until(self._paid_or_back)
        if self.case.back is not None:
            await self._refund(self.case.back)
        await until(self._quiet)
        return await self._fate()

    async def _number(self) -> str:
        _, order_id = ORDER.read_local(self.order)
        async with self.it.db.reading(CITY) as tx:
            found = await tx.value(
                "select payment_id from orders.orders where city_id = %(city)s and order_id = %(id)s",
                city=CITY, id=order_id,
            )  # fmt: skip
        return PAYMENT.show(found, CITY)

    async def _pay(self) -> None:
        """Ann asks where to pay until she is told (a silent provider is a polite 503), and pays there."""
        answer = None
        for _ in range(40):
            answer = await self.it.call(self.token, "POST", f"/orders/{self.order}/payments")
            if answer.is_success:
                await self.it.company.pay(answer.json()["pay_url"])
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(1)
        raise TimeoutError(answer and answer.text)

    async def seen(self) -> dict[str, Any]:
        return await self.it.good(self.token, "GET", f"/orders/{self.order}")

    async def _paid_or_back(self) -> bool:
        seen = await self.seen()
        return seen["state"] != "placed" or bool(seen["refunds"])

    async def _refund(self, rules: list[dict[str, Any]]) -> None:
        await self.it.company.script(self.payment, *rules)  # a refund's call names its payment, too
        await self.it.good(self.token, "POST", f"/orders/{self.order}/refunds", vouchers=[])

    async def _quiet(self) -> bool:
        seen = await self.seen()
        return all(refund["state"] in ("done", "failed") for refund in seen["refunds"])

    async def _fate(self) -> Fate:
        seen = await self.seen()
        numbers = [self.payment, *(refund["id"] for refund in seen["refunds"])]
        async with self.it.db.reading(CITY) as tx:
            causes = await tx.rows(
                "select cause from payments.changes where city_id = %(city)s and subject = %(id)s order by seq",
                city=CITY, id=PAYMENT.read_local(self.payment)[1],
            )  # fmt: skip
        return Fate(
            state=seen["state"],
            vouchers=[voucher["state"] for voucher in seen["vouchers"]],
            refunds=[(r["reason"], r["state"], r["amount"]["units"]) for r in seen["refunds"]],
            effects=[await self.it.company.effects(number) for number in numbers],
            causes=[row["cause"] for row in causes],
        )


@pytest.fixture(scope="module")
async def fates(shared: Installation) -> dict[str, Fate | BaseException]:
    """Every case, lived."""
    shared.worker()
    await shared.server()
    tokens = list(await shared.buyers(len(CASES)))
    lives = [Life(shared, name, token) for name, token in zip(CASES, tokens, strict=True)]
    found = await asyncio.gather(*(life.live() for life in lives), return_exceptions=True)
    return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("name", CASES)
async def test_a_bad_day_ends_well(fates: dict[str, Any], name: str):
    fate, case = fates[name], CASES[name]
    if isinstance(fate, BaseException):
        raise fate
    assert fate.state == case.state, fate
    assert all(times <= 1 for happened in fate.effects for times in happened.values()), fate
    assert fate.effects[0] == {"capture": 1}
    if case.state == "refunded":
        assert [(reason, state) for reason, state, _ in fate.refunds] == [("changed_mind", "done")]
        assert fate.effects[1] == {"refund": 1}


async def test_callbacks_really_arrived_and_polling_found_what_did_not(fates: dict[str, Any]):
    assert "callback" in fates["a good day"].causes
    assert "callback" in fates["duplicate"].causes
    assert "callback" not in fates["lost"].causes
    assert "callback" not in fates["forged"].causes
    assert fates["lost"].causes[-1] == "asked"


async def test_another_amount_is_quarantined_and_goes_back(fates: dict[str, Any]):
    fate = fates["wrong amount"]
    assert fate.refunds == [("wrong_amount", "done", 6_700)]
    assert fate.vouchers == []
    assert fate.effects == [{"capture": 1}, {"refund": 1}]


async def test_a_refund_that_fails_leaves_the_right(fates: dict[str, Any]):
    fate = fates["the refund fails"]
    assert [state for _, state, _ in fate.refunds] == ["failed"]
    assert fate.vouchers == ["valid"]


async def test_a_callback_that_is_faster_than_our_commit(fates: dict[str, Any], shared: Installation):
    """The order exists only in a transaction that is still open while its callback comes in, again and again."""
    del fates
    ask = a_place(shared.lane)
    now = shared.house.clock.now()
    opened = asyncio.Event()
    heard = asyncio.Event()

    async def slow() -> None:
        async with shared.db.city(CITY) as tx:
            await orders.place(tx, [ask], city_id=CITY, now=now, schemes=SCHEMES, hold_for=HOLD)
            opened.set()
            await asyncio.wait_for(heard.wait(), 30)

    placing = asyncio.create_task(slow())
    await asyncio.wait_for(opened.wait(), 10)
    number = PAYMENT.show(ask.payment_id, CITY)
    provider = shared.house.providers["sandbox"]
    page = await provider.open_payment(
        payments.OpenPayment(
            out_no=number, amount=shared.lane.offer.price, description="noodles", return_url=shared.settings.address,
            notify_url=f"{shared.settings.address}/callbacks/sandbox", expires_at=now + HOLD,
        )
    )  # fmt: skip
    await shared.company.pay(page.pay_url)

    async def waits() -> bool:
        async with shared.db.reading(CITY) as tx:
            return bool(
                await tx.value(
                    "select count(*) from payments.events where city_id = %(city)s and number = %(number)s",
                    city=CITY, number=number,
                )
            )  # fmt: skip

    await until(waits)
    heard.set()
    await placing

    async def paid() -> bool:
        async with shared.db.reading(CITY) as tx:
            found = await orders.order(tx, ask.member_id, ask.order_id, city_id=CITY)
        return found is not None and found.state == "paid"

    await until(paid)
    assert await shared.company.effects(number) == {"capture": 1}


async def test_the_books_agree_with_the_provider(fates: dict[str, Any], shared: Installation):
    """Last: nothing waits, the audit is clean, and our account at the provider is what the provider moved."""
    del fates
    assert await audit_clean(shared.db)
    async with shared.db.reading(CITY) as tx:
        rows = await tx.rows("select refund_id from payments.refunds where city_id = %(city)s", city=CITY)
        open_events = await tx.value(
            "select count(*) from payments.events where city_id = %(city)s and applied_at is null", city=CITY
        )
    assert open_events == 0
    for row in rows:
        happened = await shared.company.effects(REFUND.show(row["refund_id"], CITY))
        assert all(times <= 1 for times in happened.values())
