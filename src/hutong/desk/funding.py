"""A merchant and his programme: blocks of money for points, points that were missed and are given later."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import programmes, till
from hutong.desk.buying import NoProvider
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor, Permission
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import NotAllowed, Refusal
from hutong.programmes import Funding, Missed, Movement, Partner, PartnerSum, Programme, Rate
from hutong.till import Bought, BuyBlock, NoAmount

MOST_GRANTS = 200  # missed purchases that one tap makes good


class Standing(Struct, frozen=True, kw_only=True):
    """A merchant in his programme: his terms, his money, what a period came to, and what was missed."""

    programme: Programme
    partner: Partner
    funding: Funding
    sums: dict[str, PartnerSum]
    missed: tuple[Missed, ...]
    blocks: tuple[Bought, ...]

    @property
    def rate(self) -> Rate:
        """What a bill gives here: the partner's own rate, or that of the programme."""
        policy = self.programme.policy
        return self.partner.rate or (policy.rate if policy is not None else Rate())

    @property
    def each(self) -> Amount:
        """The money for which the rate's points are given."""
        return Amount(self.rate.per_units, self.programme.currency)

    @property
    def face(self) -> Amount:
        """What one point takes off a bill."""
        return Amount(self.programme.face_units, self.programme.currency)

    @property
    def grantable(self) -> tuple[Missed, ...]:
        """Those that wait for money only; a limit of the day is the programme's word, and not the partner's."""
        return tuple(one for one in self.missed if one.why == "funding_exhausted" and one.granted_at is None)


async def standing(
    house: House, city_id: int, merchant_id: UUID, *, since: datetime, until: datetime
) -> Standing | None:
    """How a merchant stands in his programme; None when he is in none."""
    now = house.clock.now()
    async with house.db.reading(city_id) as tx:
        found = (await programmes.live(tx, [merchant_id], at=now)).get(merchant_id)
        if found is None:
            return None
        programme, partner = found
        money = await programmes.funding(tx, programme.programme_id, [merchant_id], blocks=True)
        return Standing(
            programme=programme, partner=partner, funding=money[merchant_id],
            sums=await programmes.partner_sums(
                tx, programme.programme_id, merchant_id, since=since, until=until
            ),
            missed=tuple(await programmes.missed(tx, programme.programme_id, [merchant_id], open_only=True)),
            blocks=tuple(await till.blocks_of(tx, merchant_id, city_id=city_id)),
        )  # fmt: skip


async def lines(
    house: House, city_id: int, merchant_id: UUID, programme_id: UUID, *, since: datetime, until: datetime,
    kind: str | None = None, after: tuple[datetime, UUID] | None = None, limit: int = 50, newest: bool = False,
) -> list[Movement]:  # fmt: skip
    """The movements of a period at this merchant, oldest first, or newest first."""
    async with house.db.reading(city_id) as tx:
        return await programmes.movements(
            tx, programme_id, [merchant_id], since=since, until=until, kinds=[kind] if kind else None, after=after,
            limit=limit, newest=newest,
        )  # fmt: skip


def _may(actor: Actor, city_id: int, merchant_id: UUID) -> None:
    if not actor.can(Permission.EDIT_MERCHANT, city=city_id, merchant=merchant_id):
        raise NotAllowed()


async def buy_block(
    house: House, city_id: int, actor: Actor, merchant_id: UUID, *, key: str, amount: Amount, provider: str | None
) -> Bought:
    """A block of money for points, out of what the merchant has earned or to be paid at a provider; the same key is
    the same block. Raises not_allowed, no_provider, not_a_partner, no_amount, those of programmes.fund."""
    _may(actor, city_id, merchant_id)
    if provider is not None and provider not in house.providers:
        raise NoProvider()
    block_id = derive(merchant_id, f"block/{key}")
    now = house.clock.now()

    async def work(tx: Tx) -> Bought | Refusal:
        found = (await programmes.live(tx, [merchant_id], at=now)).get(merchant_id)
        if found is None or found[1].mode != "prepaid":
            return programmes.NotAPartner()
        if amount.units <= 0 or amount.asset != found[0].currency:
            return NoAmount(asset=found[0].currency)
        there = {one.block_id: one for one in await till.blocks_of(tx, merchant_id, city_id=city_id)}
        if block_id in there:
            return there[block_id]
        ask = BuyBlock(
            block_id=block_id, programme_id=found[0].programme_id, merchant_id=merchant_id, by=actor.member_id,
            amount=amount, provider=provider, payment_id=new_id() if provider else None,
        )  # fmt: skip
        return (await till.buy_blocks(tx, [ask], city_id=city_id, now=now))[0]

    bought = sure(await house.db.run_city(city_id, work))
    if bought.payment_id is not None and bought.state == "open":
        await house.courier.open(city_id, [bought.payment_id])
    return bought


async def grant(house: House, city_id: int, actor: Actor, merchant_id: UUID) -> tuple[int, Refusal | None]:
    """Give the points that were missed for want of money, oldest first, as far as the money goes; how many purchases,
    and why the next one not. Raises not_allowed, not_a_partner."""
    _may(actor, city_id, merchant_id)
    now = house.clock.now()

    async def work(tx: Tx) -> tuple[int, Refusal | None]:
        found = (await programmes.live(tx, [merchant_id], at=now)).get(merchant_id)
        if found is None:
            return 0, programmes.NotAPartner()
        open_now = await programmes.missed(tx, found[0].programme_id, [merchant_id], open_only=True, limit=1_000)
        waits = [one.movement_id for one in reversed(open_now) if one.why == "funding_exhausted"][:MOST_GRANTS]
        results = await programmes.grant_missed(tx, waits, now=now) if waits else []
        refusals = [one for one in results if isinstance(one, Refusal)]
        return len(results) - len(refusals), refusals[0] if refusals else None

    done, refusal = await house.db.run_city(city_id, work)
    if isinstance(refusal, programmes.NotAPartner):
        raise refusal
    return done, refusal
