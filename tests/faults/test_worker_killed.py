"""The worker dies by SIGKILL while the provider holds its refunds in the hand; another one finishes, nothing twice."""

from typing import Any

import pytest

from hutong.kit.ids import PAYMENT, REFUND
from hutong.ledger import chart
from tests.conftest import audit_clean
from tests.faults.installation import Installation, until
from tests.lane import CITY, account

pytestmark = pytest.mark.anyio

ORDERS = 10


async def paid_orders(it: Installation, tokens: list[str]) -> list[str]:
    """Each of them has ordered and paid at the provider; the provider's word is heard here."""
    found = []
    for token in tokens:
        order = await it.order(token)
        pay = await it.good(token, "POST", f"/orders/{order}/payments")
        await it.company.pay(pay["pay_url"])
        found.append(order)
    return found


async def refund_numbers(it: Installation) -> dict[str, str]:
    """The refund numbers there are, with their states."""
    async with it.db.reading(CITY) as tx:
        rows = await tx.rows("select refund_id, state from payments.refunds where city_id = %(city)s", city=CITY)
    return {REFUND.show(row["refund_id"], CITY): row["state"] for row in rows}


async def called(it: Installation) -> int:
    """How many refunds the provider has been asked for."""
    said: dict[str, Any] = (await it.company.web.get("/effects")).json()["calls"]
    return sum(name.startswith("refund:") for name in said)


async def all_paid(it: Installation, tokens: list[str]) -> list[str]:
    """Orders that our side knows to be paid, one for each token."""
    orders = await paid_orders(it, tokens)

    async def known() -> bool:
        seen = [await it.good(token, "GET", f"/orders/{order}") for token, order in zip(tokens, orders, strict=True)]
        return all(order["state"] == "paid" for order in seen)

    await until(known)
    return orders


async def no_answer(it: Installation) -> None:
    """The provider gives half of the refunds and says nothing; of the other half it takes no notice."""
    async with it.db.reading(CITY) as tx:
        rows = await tx.rows("select payment_id from payments.payments where city_id = %(city)s", city=CITY)
    for place, row in enumerate(rows):
        mode = "timeout_but_done" if place % 2 else "silent"
        number = PAYMENT.show(row["payment_id"], CITY)
        await it.company.script(number, {"mode": mode, "only": ["refund"]})
    await it.company.script(None, {"mode": "silent", "only": ["refund_query"]}, {"mode": "lost"})


async def test_another_worker_finishes_and_the_money_goes_back_once(installation: Installation):
    it = installation
    await it.server()
    tokens = list(await it.buyers(ORDERS))
    orders = await all_paid(it, tokens)
    await no_answer(it)
    first = it.worker()
    for token, order in zip(tokens, orders, strict=True):
        await it.good(token, "POST", f"/orders/{order}/refunds", vouchers=[])

    async def in_the_hand() -> bool:
        return await called(it) >= ORDERS - 2

    await until(in_the_hand)
    await first.kill()
    states = await refund_numbers(it)
    assert len(states) == ORDERS
    assert "done" not in states.values()  # it died between the call and the answer
    await it.company.end_script()
    it.worker()

    async def done() -> bool:
        return set((await refund_numbers(it)).values()) == {"done"}

    await until(done)
    for number in states:
        assert await it.company.effects(number) == {"refund": 1}
    assert await account(it.db, chart.provider("sandbox").path) == 0
    assert await account(it.db, chart.escrow(it.lane.merchant).path) == 0
    assert await audit_clean(it.db)
