"""The worked example of the books: two units of a deal, one used, one refunded; to the fen and to the grain."""

from datetime import timedelta
from uuid import UUID

import pytest

from hutong.infra.db import Database
from hutong.kit.money import Amount
from hutong.ledger import (
    Account,
    Book,
    Posted,
    Transfer,
    across,
    balances,
    chain,
    chart,
    post,
    resolve,
    statement,
    trial_balance,
    undo,
)
from tests.conftest import NOON, audit_clean
from tests.ledger_play import named

pytestmark = pytest.mark.anyio

M, L, ANN, ORDER = named("Noodle Bar"), named("Lin"), named("Ann"), named("order")
CITY, HERS, GRAINS = Book.city(1), Book.member(ANN), Book.programme(named("grains"))
PSP, ESCROW = chart.provider("sandbox"), chart.escrow(M)
PLATFORM = chart.expense_promotion("platform")
PENDING, AVAILABLE = chart.points_pending(named("grains")), chart.points_available(named("grains"))


def fen(units: int) -> Amount:
    return Amount(units, "CNY")


def line(step: str, debit: Account, credit: Account, amount: Amount, book: Book = CITY) -> Transfer:
    id = named(f"{step}/{debit.path}/{credit.path}")
    return Transfer(id=id, book=book, debit=debit, credit=credit, amount=amount, event=step, ref=ORDER, rule="2026-11")


class Unit:
    """What the price of one unit is made of."""

    def __init__(self, *, price: int, discount: int) -> None:
        self.discount = fen(discount)
        self.by_platform, self.by_merchant = self.discount.split([60, 40])
        self.paid = fen(price) - self.discount
        self.due = self.paid + self.by_platform
        self.commission = self.due.part(8, 100)
        self.operator = self.commission.part(25, 100)
        self.platform = self.commission - self.operator
        self.merchant = self.due - self.commission
        self.grains = Amount(self.paid.units // 100, "GRAIN")


def captured(unit: Unit) -> list[Transfer]:
    lines = [line("captured", PSP, ESCROW, unit.paid * 2)]
    return lines + ([line("coupon", PLATFORM, ESCROW, unit.by_platform * 2)] if unit.discount else [])


def redeemed(unit: Unit, time: str = "1") -> list[Transfer]:
    return chain(
        [
            line(f"redeemed {time}", ESCROW, chart.revenue_commission(), unit.platform),
            line(f"redeemed {time}", ESCROW, chart.payable_operator(L), unit.operator),
            line(f"redeemed {time}", ESCROW, chart.payable_merchant(M), unit.merchant),
        ]
    )


def earned(unit: Unit, time: str = "1") -> list[Transfer]:
    """Funded first, in fen; then the grains, from the programme's book to Ann's."""
    funded = line(f"funded {time}", chart.funding(M), chart.reserve(), fen(unit.grains.units), GRAINS)
    points = across(
        id=named(f"earned {time}"), source=GRAINS, debit=chart.issued(), target=HERS, credit=PENDING,
        amount=unit.grains, event="earned", ref=ORDER,
    )  # fmt: skip
    return chain([funded, *points])


def refunded(unit: Unit) -> list[Transfer]:
    lines = [line("refunded", ESCROW, PSP, unit.paid)]
    return lines + ([line("refunded", ESCROW, PLATFORM, unit.by_platform)] if unit.discount else [])


def prepaid() -> list[Transfer]:
    """What the example takes for granted: M has paid in a block of 1,000 for points, by bank."""
    return across(
        id=named("prepaid"), source=CITY, debit=chart.provider("bank"), target=GRAINS, credit=chart.funding(M),
        amount=fen(1_000), event="prepaid", ref=named("contract"),
    )  # fmt: skip


class Books:
    """Posts step by step, each in its own transaction, a minute later than the one before."""

    def __init__(self, db: Database) -> None:
        self.db, self.now = db, NOON

    async def post(self, transfers: list[Transfer]) -> None:
        self.now += timedelta(minutes=1)
        async with self.db.city(1) as tx:
            results = await post(tx, transfers, now=self.now)
        assert all(isinstance(result, Posted) and not result.replayed for result in results), results

    async def stand(self, book: Book = CITY) -> dict[str, int]:
        async with self.db.reading() as tx:
            return {b.path: b.posted.units for b in await balances(tx, book)}

    async def paid_out(self, unit: Unit) -> None:
        """Reserved when it is sent, posted when the provider confirms; the first try is refused and voided."""
        for attempt, step in ((1, "void_pending"), (2, "post_pending")):
            payout = line(f"payout {attempt}", chart.payable_merchant(M), PSP, unit.merchant)
            sent = Transfer(
                id=payout.id, book=CITY, debit=payout.debit, credit=payout.credit, amount=payout.amount,
                event="payout", ref=ORDER, step="reserve",
            )  # fmt: skip
            await self.post([sent])
            await self.post([resolve(sent, id=named(f"payout {attempt} answered"), step=step)])


def path(account: Account) -> str:
    return account.path


async def test_without_coupon_and_points(db: Database):
    books, unit = Books(db), Unit(price=6_800, discount=0)
    await books.post(captured(unit))
    assert (await books.stand())[path(ESCROW)] == 13_600
    await books.post(redeemed(unit))
    await books.post(undo(redeemed(unit), event="redemption_undone"))
    stand = await books.stand()
    assert stand.pop(path(ESCROW)) == stand.pop(path(PSP)) == 13_600
    assert set(stand.values()) == {0}
    await books.post(redeemed(unit, "2"))
    await books.post(refunded(unit))
    fee = fen(13_600).part(6, 1_000)
    await books.post([line("provider_fee", chart.expense_provider_fee(), PSP, fee)])
    await books.paid_out(unit)
    assert await books.stand() == {
        path(ESCROW): 0,
        path(PSP): 13_600 - 6_800 - 82 - 6_256,
        path(chart.revenue_commission()): 408,
        path(chart.payable_operator(L)): 136,
        path(chart.payable_merchant(M)): 0,
        path(chart.expense_provider_fee()): 82,
    }
    assert await audit_clean(db)


async def test_with_coupon_and_points(db: Database):
    books, unit = Books(db), Unit(price=6_800, discount=500)
    await books.post(prepaid())

    await books.post(captured(unit))
    assert (await books.stand())[path(ESCROW)] == 12_600 + 600

    await books.post([*redeemed(unit), *earned(unit)])
    assert (unit.platform.units, unit.operator.units, unit.merchant.units) == (396, 132, 6_072)
    assert (await books.stand(HERS))[path(PENDING)] == 63

    await books.post(undo([*redeemed(unit), *earned(unit)], event="redemption_undone"))
    assert (await books.stand())[path(ESCROW)] == 13_200
    assert (await books.stand(GRAINS))[path(chart.funding(M))] == 1_000
    assert (await books.stand(HERS))[path(PENDING)] == 0
    await books.post([*redeemed(unit, "2"), *earned(unit, "2")])

    await books.post(refunded(unit))
    fee = fen(12_600).part(6, 1_000)
    assert fee == fen(76)
    await books.post([line("provider_fee", chart.expense_provider_fee(), PSP, fee)])
    await books.post([line("window_over", PENDING, AVAILABLE, unit.grains, HERS)])
    await books.paid_out(unit)

    assert await books.stand() == {
        path(ESCROW): 0,
        path(PSP): 152,
        path(PLATFORM): 300,
        path(chart.revenue_commission()): 396,
        path(chart.payable_operator(L)): 132,
        path(chart.payable_merchant(M)): 0,
        path(chart.expense_provider_fee()): 76,
        path(chart.provider("bank")): 1_000,
        path(chart.clearing(GRAINS)): -1_000,
    }
    assert 12_600 - 6_300 - 76 - 6_072 == 152 == 132 + 396 - 300 - 76
    assert await books.stand(HERS) == {path(PENDING): 0, path(AVAILABLE): 63, path(chart.clearing(GRAINS)): 63}
    assert await books.stand(GRAINS) == {
        path(chart.funding(M)): 1_000 - 63,
        path(chart.reserve()): 63,
        path(chart.issued()): 63,
        path(chart.clearing(HERS)): -63,
        path(chart.clearing(CITY)): 1_000,
    }
    await look_at_the_statement_and_the_trial_balance(db)
    assert await audit_clean(db)


async def look_at_the_statement_and_the_trial_balance(db: Database) -> None:
    async with db.reading() as tx:
        for book in (CITY, HERS, GRAINS):
            sums: dict[str, int] = {}
            for row in await trial_balance(tx, book):
                sums[row.asset] = sums.get(row.asset, 0) + row.debits - row.credits
            assert set(sums.values()) == {0}
        escrow = await statement(tx, CITY, path=path(ESCROW), asset="CNY")
        before_payout = await statement(
            tx, CITY, path=path(chart.payable_merchant(M)), asset="CNY", as_of=NOON + timedelta(minutes=9)
        )
    assert escrow is not None and before_payout is not None  # noqa: PT018
    used, refund = [-396, -132, -6_072], [-6_300, -300]
    turned = [6_072, 132, 396]
    assert [line.change.units for line in escrow.lines] == [12_600, 600, *used, *turned, *used, *refund]
    assert escrow.closing == fen(0)
    assert {line.rule for line in escrow.lines} == {"2026-11"}
    assert before_payout.closing == fen(6_072)


def test_the_ids_of_the_steps_are_different():
    unit = Unit(price=6_800, discount=500)
    steps = [*captured(unit), *redeemed(unit), *redeemed(unit, "2"), *refunded(unit)]
    ids: set[UUID] = {t.id for t in steps}
    assert len(ids) == len(steps)
