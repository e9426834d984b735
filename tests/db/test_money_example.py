"""The worked example of the books: two units of a deal, one used, one refunded; to the fen and to the grain."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hutong import programmes
from hutong.infra.db import Database
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.ledger import (
    Account,
    Book,
    Posted,
    Transfer,
    balances,
    chain,
    chart,
    post,
    resolve,
    statement,
    trial_balance,
    undo,
)
from hutong.programmes import ClawBack, ClawedBack, Earn, Earned, Fund, Partner, Policy, Programme, Source
from tests.conftest import NOON, audit_clean
from tests.ledger_play import named

pytestmark = pytest.mark.anyio

M, L, ANN, ORDER = named("Noodle Bar"), named("Lin"), named("Ann"), named("order")
PROGRAMME = named("grains")
CITY, HERS, GRAINS = Book.city(1), Book.member(ANN), Book.programme(PROGRAMME)
PSP, ESCROW = chart.provider("sandbox"), chart.escrow(M)
PLATFORM = chart.expense_promotion("platform")
PENDING, AVAILABLE = chart.points_pending(PROGRAMME), chart.points_available(PROGRAMME)


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


def refunded(unit: Unit) -> list[Transfer]:
    lines = [line("refunded", ESCROW, PSP, unit.paid)]
    return lines + ([line("refunded", ESCROW, PLATFORM, unit.by_platform)] if unit.discount else [])


def purchase(unit: Unit, time: str, at: datetime) -> Earn:
    """What Ann paid for the unit, as the programme hears of it."""
    return Earn(
        movement_id=named(f"earned {time}"), programme_id=PROGRAMME, member_id=ANN, partner_id=M, city_id=1,
        store_id=None, source=Source("redemption", named(f"redemption {time}")), amount=unit.paid, at=at,
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

    async def alliance(self) -> None:
        """The programme: a grain for each whole yuan, worth a fen. M has paid in a block of 1,000 by bank."""
        now, name = self.now, Text.both("grains")
        programme = Programme(
            programme_id=PROGRAMME, asset="GRAIN", currency="CNY", face_units=1, name=name, zone="Asia/Shanghai",
            cities=frozenset({1}), state="draft",
        )  # fmt: skip
        policy = Policy(programme_id=PROGRAMME, version=1, pending_days=0, valid_from=now)
        partner = Partner(
            programme_id=PROGRAMME, partner_id=M, name=name, home_city=1, mode="prepaid", joined_at=now
        )  # fmt: skip
        block = Fund(
            block_id=named("prepaid"), programme_id=PROGRAMME, partner_id=M, city_id=1, amount=fen(1_000),
            debit_path="provider/bank",
        )  # fmt: skip
        async with self.db.city(1) as tx:
            for work in (
                programmes.save_programmes(tx, [programme], by=None, now=now),
                programmes.set_policies(tx, [policy], now=now),
                programmes.open_programmes(tx, [PROGRAMME], now=now),
                programmes.join_partners(tx, [partner], by=None, now=now),
                programmes.fund(tx, [block], now=now),
            ):
                assert not isinstance((await work)[0], Refusal)

    async def earn(self, unit: Unit, time: str) -> None:
        """Funded first, in fen; then the grains, from the programme's book to Ann's."""
        async with self.db.city(1) as tx:
            (earned,) = await programmes.earn(tx, [purchase(unit, time, self.now)], now=self.now)
        assert isinstance(earned, Earned)
        assert earned.points == earned.base == unit.grains.units == 63

    async def claw_back(self, unit: Unit, time: str) -> None:
        source = purchase(unit, time, self.now).source
        ask = ClawBack(back_id=named(f"back {time}"), programme_id=PROGRAMME, member_id=ANN, source=source)
        async with self.db.city(1) as tx:
            (back,) = await programmes.claw_back(tx, [ask], now=self.now)
        assert isinstance(back, ClawedBack)
        assert (back.pending, back.points) == (63, 63)

    async def window_over(self) -> None:
        async with self.db.city(1) as tx:
            assert await programmes.mature(tx, programme_id=PROGRAMME, now=self.now) == 2

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
    await books.alliance()

    await books.post(captured(unit))
    assert (await books.stand())[path(ESCROW)] == 12_600 + 600

    await books.post(redeemed(unit))
    await books.earn(unit, "1")
    assert (unit.platform.units, unit.operator.units, unit.merchant.units) == (396, 132, 6_072)
    assert (await books.stand(HERS))[path(PENDING)] == 63

    await books.post(undo(redeemed(unit), event="redemption_undone"))
    await books.claw_back(unit, "1")
    assert (await books.stand())[path(ESCROW)] == 13_200
    assert (await books.stand(GRAINS))[path(chart.funding(M))] == 1_000
    assert (await books.stand(HERS))[path(PENDING)] == 0
    await books.post(redeemed(unit, "2"))
    await books.earn(unit, "2")

    await books.post(refunded(unit))
    fee = fen(12_600).part(6, 1_000)
    assert fee == fen(76)
    await books.post([line("provider_fee", chart.expense_provider_fee(), PSP, fee)])
    await books.window_over()
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
