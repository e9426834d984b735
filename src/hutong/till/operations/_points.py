"""Points at the till: what a wallet takes off a bill, and what the bill gives; all in the bill's own transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from hutong import programmes
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.programmes import Earn, Earned, Hold, Partner, Programme, Source
from hutong.till.deciding import Decided
from hutong.till.model import Bill, Earnt, Settle, burn_of, earn_of
from hutong.till.refusals import PointsNeedCode, PointsNotHere, PointsOffline

Lives = Mapping[UUID, tuple[Programme, Partner]]


async def lives_of(tx: Tx, asks: Sequence[Settle], *, city_id: int, asset: str, now: datetime) -> Lives:
    """The programmes of the merchants of these bills that are open in this city, by merchant."""
    return await lives_at(tx, sorted({ask.merchant_id for ask in asks}), city_id=city_id, asset=asset, now=now)


async def lives_at(tx: Tx, merchants: Sequence[UUID], *, city_id: int, asset: str, now: datetime) -> Lives:
    """The programmes of these merchants that are open in this city, by merchant. `asset`: the city's currency."""
    found = await programmes.live(tx, merchants, at=now)
    return {
        merchant: (programme, partner)
        for merchant, (programme, partner) in found.items()
        if programme.currency == asset and (not programme.cities or city_id in programme.cities)
    }


def why_not(ask: Settle, lives: Lives) -> Refusal | None:
    """Why a bill may not use points, before anything else is looked at."""
    if ask.points <= 0:
        return None
    if ask.source == "upload":
        return PointsOffline()
    if ask.guest is None or ask.guest.way != "code":
        return PointsNeedCode()
    programme, partner = lives.get(ask.merchant_id, (None, None))
    if programme is None or partner is None or not partner.redeems or partner.state != "active":
        return PointsNotHere()
    return None


async def spend(tx: Tx, bills: Mapping[int, Decided], *, lives: Lives, now: datetime) -> dict[int, Decided]:
    """The bills with the points that they use: as many as were asked for, and never more than is left of a bill.

    The wallets of all that spend or earn are locked here, so that bills of one wallet at the same moment share it. A
    wallet with less than is asked ends the transaction (points_short): nobody pays another price in silence.
    """
    pairs = {i: pair for i, one in bills.items() if (pair := _wallet(one, lives)) is not None}
    if not pairs:
        return dict(bills)
    wallets = await programmes.lock(tx, sorted(set(pairs.values())), now=now)
    left = {pair: wallet.available for pair, wallet in wallets.items()}
    spent = dict(bills)
    for i, pair in pairs.items():
        one, face = bills[i], lives[bills[i].ask.merchant_id][0].face_units
        points = min(one.ask.points, one.collect.units // face)
        if points > left.get(pair, 0):
            raise programmes.PointsShort(available=left.get(pair, 0), wanted=points)
        left[pair] = left.get(pair, 0) - points
        if points:
            spent[i] = replace(one, points=points, points_units=points * face, programme_id=pair[1])
    return spent


def _wallet(one: Decided, lives: Lives) -> tuple[UUID, UUID] | None:
    """Whose wallet of which programme a bill touches; one known by a number touches none yet."""
    live = lives.get(one.ask.merchant_id)
    if live is None or one.member_id is None or one.way == "phone":
        return None
    return one.member_id, live[0].programme_id


async def burn(tx: Tx, bills: Sequence[Decided], *, city_id: int, now: datetime) -> None:
    """Use the points of these bills up: their backing is owed to the merchant until periods are cleared."""
    holds = [
        Hold(
            movement_id=burn_of(one.ask.bill_id), programme_id=one.programme_id, member_id=one.member_id,
            partner_id=one.ask.merchant_id, city_id=city_id, store_id=one.ask.store_id,
            source=Source("bill", one.ask.bill_id), points=one.points, staff_id=one.ask.staff_id,
        )
        for one in bills
        if one.points and one.programme_id is not None and one.member_id is not None
    ]  # fmt: skip
    for result in await programmes.burn(tx, holds, now=now) if holds else ():
        if isinstance(result, Refusal):
            raise result


async def earn(tx: Tx, bills: Sequence[Bill], *, lives: Lives, now: datetime) -> dict[UUID, Earnt]:
    """What these bills give to their guests, by bill; none for one without a guest, a programme or money collected.

    A programme that gives nothing (its partner's money is used up, a limit of the day) costs a bill nothing: it stands
    without points, and says why.
    """
    able = [bill for bill in bills if bill.member_id is not None and bill.collect and _gives(lives, bill)]
    asks = [_earn(bill, lives[bill.merchant_id][0]) for bill in able]
    results = await programmes.earn(tx, asks, now=now) if asks else []
    given = zip(able, asks, results, strict=True)
    return {bill.bill_id: _earnt(bill, ask, result, now) for bill, ask, result in given}


def _gives(lives: Lives, bill: Bill) -> bool:
    partner = lives[bill.merchant_id][1] if bill.merchant_id in lives else None
    return partner is not None and partner.accrues and partner.state == "active"


def _earn(bill: Bill, programme: Programme) -> Earn:
    assert bill.member_id is not None
    return Earn(
        movement_id=earn_of(bill.bill_id), programme_id=programme.programme_id, member_id=bill.member_id,
        partner_id=bill.merchant_id, city_id=bill.city_id, store_id=bill.store_id,
        source=Source("bill", bill.bill_id), amount=bill.collect, at=bill.bought_at, category=bill.category,
        staff_id=bill.staff_id,
    )  # fmt: skip


def _earnt(bill: Bill, ask: Earn, result: Earned | Refusal, now: datetime) -> Earnt:
    if isinstance(result, Refusal):
        return Earnt(
            programme_id=ask.programme_id, amount=bill.collect, base=0, bonus=0, campaign=0, matures_at=None,
            expires_at=None, rule="", at=now, why=result.code,
        )  # fmt: skip
    some = result.points > 0
    return Earnt(
        programme_id=ask.programme_id, amount=bill.collect, base=result.base, bonus=result.bonus,
        campaign=result.campaign, matures_at=result.matures_at if some else None,
        expires_at=result.expires_at if some else None, rule=result.rule, at=now,
    )  # fmt: skip


def guessed(lives: Lives, merchant_id: UUID, collect: Amount) -> int:
    """The base points of so much money at a merchant: without tier and campaign, so that they tell of nobody."""
    if merchant_id not in lives or not collect:
        return 0
    programme, partner = lives[merchant_id]
    if not partner.accrues or partner.state != "active" or programme.policy is None:
        return 0
    return programmes.points_for(programme.policy, partner, collect.units)
