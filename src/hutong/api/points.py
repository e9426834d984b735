"""Points of a member: wallets, lots, history, his code, what he sends; how a merchant stands in his programme."""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from hutong import merchants, people, places, programmes
from hutong.api.browse import City, Limit
from hutong.api.counter import cursor
from hutong.api.glue import Home, Key, Who, with_token
from hutong.api.shapes import In, Money, PageOut
from hutong.desk import funding, pointing
from hutong.desk.buying import member_of
from hutong.desk.house import House
from hutong.infra.db import Tx
from hutong.kit.access import Actor, Permission
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import BILL, BLOCK, MERCHANT, MOVEMENT, ORDER, PROGRAMME, REDEMPTION, STORE, IdKind
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound
from hutong.programmes import Lot, Movement, Programme, Wallet

STEP_SECONDS = 30  # for so long a member's code is good
SOURCES: dict[str, IdKind] = {"order": ORDER, "gift": ORDER, "bill": BILL, "redemption": REDEMPTION}
Mark = Annotated[str | None, QueryParameter(name="after", max_length=40, pattern="^[0-9a-f-]{36}$")]
Since = Annotated[date | None, QueryParameter(name="since", description="First day, the city's")]
Until = Annotated[date | None, QueryParameter(name="until", description="First day that does not count any more")]
Short = Annotated[str | None, QueryParameter(name="after", max_length=120)]

Some = Annotated[int, Meta(ge=1, le=999_999_999)]
Brief = Annotated[str, Meta(min_length=1, max_length=32)]


class SendIn(In, frozen=True):
    """To whom - a number, and how the name that belongs to it begins - and how many; `city`: where the sender is."""

    city: int
    phone: Brief
    name: Brief
    points: Some


class DonateIn(In, frozen=True):
    """To which charity (a merchant of `charities`) and how many; `city`: where the giver is."""

    city: int
    charity: Annotated[str, Meta(max_length=60)]
    points: Some


def programme_out(one: Programme) -> dict[str, Any]:
    """What a point is and the rules in force."""
    policy = one.policy
    return {
        "id": PROGRAMME.show(one.programme_id), "name": one.name, "asset": one.asset, "state": one.state,
        "face": Money.of(Amount(one.face_units, one.currency)), "zone": one.zone, "cities": sorted(one.cities),
        "rules": None if policy is None else {
            "version": policy.version, "points": policy.rate.points,
            "per": Money.of(Amount(policy.rate.per_units, one.currency)), "pending_days": policy.pending_days,
            "life_days": policy.life_days, "redemption_bps": policy.redemption_bps, "categories": policy.categories,
            "tiers": [{"name": t.name, "growth": t.growth, "earn_bps": t.earn_bps} for t in policy.tiers],
        },
    }  # fmt: skip


def wallet_out(programme: Programme, wallet: Wallet) -> dict[str, Any]:
    """What a member has in a programme; `worth`: what the available points take off a bill."""
    tiers = programme.policy.tiers if programme.policy else ()
    return {
        "programme": PROGRAMME.show(programme.programme_id), "name": programme.name, "available": wallet.available,
        "pending": wallet.pending, "held": wallet.held, "debt": wallet.debt, "growth": wallet.growth,
        "worth": Money.of(Amount(wallet.available * programme.face_units, programme.currency)),
        "tier": tiers[wallet.tier].name if 0 <= wallet.tier < len(tiers) else None,
        "next_tier_growth": wallet.next_tier_growth,
        "expiring": [{"at": at, "points": points} for at, points in wallet.expiring],
    }  # fmt: skip


def source_out(kind: str, ref: UUID, city_id: int | None) -> dict[str, Any]:
    """The purchase behind points; without an id where it has no number of ours."""
    named = SOURCES.get(kind)
    return {"kind": kind, "id": named.show(ref, city_id) if named is not None and city_id is not None else None}


def movement_out(one: Movement) -> dict[str, Any]:
    """One line of a history. `money`: the face of the points as far as backing moved; `funded`: what left the funding
    (or came back to it); `worth`: what the partner gets for points used at his shop."""
    shown = one.partner_id
    return {
        "id": MOVEMENT.show(one.movement_id), "kind": one.kind, "points": one.points, "base": one.base,
        "bonus": one.bonus, "campaign": one.campaign, "state": one.state, "undone": one.undone, "at": one.at,
        "bought_at": one.bought_at, "partner": MERCHANT.show(shown) if shown else None,
        "store": STORE.show(one.store_id, one.city_id) if one.store_id and one.city_id else None,
        "source": source_out(one.source.kind, one.source.ref, one.city_id), "rule": one.rule,
        "money": Money.of(one.money), "funded": Money.of(one.funded), "worth": Money.of(one.worth),
    }  # fmt: skip


def own_movement_out(one: Movement) -> dict[str, Any]:
    """A line as its member sees it: what partners agreed among themselves is left out."""
    return {key: value for key, value in movement_out(one).items() if key not in ("funded", "worth", "rule")}


def lot_out(one: Lot) -> dict[str, Any]:
    return {
        "id": str(one.lot_id), "partner": MERCHANT.show(one.partner_id), "partner_name": one.partner_name,
        "points": one.points, "left": one.left, "state": one.state, "source": one.source.kind,
        "earned_at": one.earned_at, "matures_at": one.matures_at, "expires_at": one.expires_at,
    }  # fmt: skip


async def _programme(tx: Tx, house: House, shown: str) -> Programme:
    found = await programmes.programme(tx, PROGRAMME.read(shown), at=house.clock.now())
    if found is None or found.state == "draft":
        raise NotFound()
    return found


@get("/points", guards=[with_token], summary="My points")
async def wallets(actor: Who, house: Home) -> PageOut:
    """A wallet for each programme in which the member who asks (no till's key) has or had points."""
    member, now = member_of(actor), house.clock.now()
    async with house.db.reading() as tx:
        found = await programmes.wallets(tx, member, now=now)
        known = {
            one.programme_id: one
            for one in await programmes.programmes(tx, [wallet.programme_id for wallet in found], at=now)
        }
    return PageOut([wallet_out(known[one.programme_id], one) for one in found], None)


@get("/points/code", guards=[with_token], summary="My code for tills")
async def code(actor: Who, house: Home) -> dict[str, Any]:
    """The text of the member's QR code now, and for how many seconds it is good. It earns; it pays when he says so."""
    badge = await pointing.badge(house, actor)
    now = house.clock.now()
    return {"text": people.badge_text(badge, now), "seconds": STEP_SECONDS - int(now.timestamp()) % STEP_SECONDS}


@get("/points/{programme:str}/lots", guards=[with_token], summary="My points by purchase")
async def lots(programme: FromPath[str], actor: Who, house: Home, after: Mark = None, limit: Limit = 20) -> PageOut:
    """How many are left of each purchase, and until when; the first to end first."""
    member = member_of(actor)
    async with house.db.reading() as tx:
        its = await _programme(tx, house, programme)
        found = await programmes.lots(
            tx, member, its.programme_id, after=UUID(after) if after else None, limit=limit + 1
        )
    more = str(found[limit - 1].lot_id) if len(found) > limit else None
    return PageOut([lot_out(one) for one in found[:limit]], more)


@get("/points/{programme:str}/history", guards=[with_token], summary="What came and went")
async def history(programme: FromPath[str], actor: Who, house: Home, after: Mark = None, limit: Limit = 20) -> PageOut:
    """Newest first, each with the purchase behind it."""
    member = member_of(actor)
    async with house.db.reading() as tx:
        its = await _programme(tx, house, programme)
        found = await programmes.history(
            tx, member, its.programme_id, after=UUID(after) if after else None, limit=limit + 1
        )
    more = str(found[limit - 1].movement_id) if len(found) > limit else None
    return PageOut([own_movement_out(one) for one in found[:limit]], more)


async def _outward(house: House, city_id: int, programme: str) -> Programme:
    """The programme of points that leave a wallet in a city that there is. Raises unknown_city, not_found."""
    async with house.db.reading() as tx:
        if await places.city(tx, city_id) is None:
            raise places.UnknownCity()
        return await _programme(tx, house, programme)


@post("/points/{programme:str}/sends", guards=[with_token], summary="Points to a friend")
async def send(
    programme: FromPath[str], data: JSONBody[SendIn], key: Key, actor: Who, house: Home
) -> dict[str, Any]:  # fmt: skip
    """At once and for good; they keep their end. The answer names who got them, masked. Needs an Idempotency-Key.
    Refusals: no_such_friend (number and name do not go together), send_to_self, too_many_tries, send_limit,
    points_short, programme_closed, key_reused."""
    member_of(actor)
    its = await _outward(house, data.city, programme)
    friend = await pointing.find_friend(house, actor, data.phone, data.name)
    done = await pointing.send(
        house, data.city, actor, its.programme_id, friend.member_id, data.points, key=key
    )  # fmt: skip
    return {
        "id": MOVEMENT.show(done.movement_id), "points": done.points,
        "to": {"name": friend.name, "phone": friend.phone},
    }  # fmt: skip


@get("/points/{programme:str}/charities", guards=[with_token], summary="To whom points may be given")
async def charities(programme: FromPath[str], actor: Who, house: Home) -> PageOut:
    """The charities of the alliance."""
    member_of(actor)
    async with house.db.reading() as tx:
        its = await _programme(tx, house, programme)
        found = await pointing.charities(tx, its.programme_id)
    return PageOut([{"id": MERCHANT.show(one.partner_id), "name": one.name} for one in found], None)


@post("/points/{programme:str}/donations", guards=[with_token], summary="Points for a charity")
async def donate(
    programme: FromPath[str], data: JSONBody[DonateIn], key: Key, actor: Who, house: Home
) -> dict[str, Any]:
    """At once and for good: what the points are worth is the charity's. Needs an Idempotency-Key. Refusals:
    not_a_partner, partner_paused, not_redeeming (no charity), points_pending, points_short, programme_closed,
    key_reused."""
    member_of(actor)
    its = await _outward(house, data.city, programme)
    done = await pointing.donate(
        house, data.city, actor, its.programme_id, MERCHANT.read(data.charity), data.points, key=key
    )
    return {"id": MOVEMENT.show(done.movement_id), "points": done.points, "worth": Money.of(done.worth)}


def standing_out(it: funding.Standing, city_id: int, since: date, until: date) -> dict[str, Any]:
    """The partner's page as data: terms, money, sums by kind (`debt`: points of claw-backs that were spent already),
    and purchases that gave no points."""
    money, partner = it.funding, it.partner
    return {
        "programme": programme_out(it.programme), "since": since, "until": until,
        "terms": {
            "mode": partner.mode, "accrues": partner.accrues, "redeems": partner.redeems, "state": partner.state,
            "joined_at": partner.joined_at, "points": it.rate.points, "per": Money.of(it.each),
            "redemption_bps": partner.redemption_bps, "charity": partner.charity,
        },
        "funding": {
            "left": Money.of(money.left), "owed": Money.of(money.owed), "due": Money.of(money.due), "low": money.low,
            "blocks": [
                {"id": BLOCK.show(b.block_id, city_id), "amount": Money.of(b.amount), "left": Money.of(b.left),
                 "at": b.at}
                for b in money.blocks
            ],
        },
        "sums": {
            kind: {"count": s.count, "points": s.points, "debt": s.debt, "funded": Money.of(s.funded),
                   "worth": Money.of(s.worth)}
            for kind, s in it.sums.items()
        },
        "missed": [
            {"id": MOVEMENT.show(m.movement_id), "amount": Money.of(m.amount), "points": m.points, "why": m.why,
             "at": m.at, "granted_at": m.granted_at}
            for m in it.missed
        ],
    }  # fmt: skip


async def _standing(
    house: House, actor: Actor, city_id: int, merchant: str, since: date | None, until: date | None
) -> tuple[UUID, funding.Standing, tuple[date, date], str]:
    """The merchant, how he stands, the days and their zone. Raises not_found, not_a_partner, bad_input."""
    merchant_id = MERCHANT.read(merchant)
    if not actor.can(Permission.VIEW_STATEMENT, city=city_id, merchant=merchant_id):
        raise NotFound()
    async with house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        home = await merchants.presence(tx, [merchant_id])
    if city is None or city_id not in home.get(merchant_id, ()):
        raise NotFound()
    end = until or local_day(house.clock.now(), city.zone) + timedelta(days=1)
    begin = since or end - timedelta(days=30)
    if not timedelta(0) < end - begin <= timedelta(days=3_650):
        raise BadInput(field="since", why="before until")
    it = await funding.standing(
        house, city_id, merchant_id, since=day_start(begin, city.zone), until=day_start(end, city.zone)
    )
    if it is None:
        raise programmes.NotAPartner()
    return merchant_id, it, (begin, end), city.zone


@get("/merchants/{merchant:str}/programme", guards=[with_token], summary="A partner's programme")
async def standing(
    merchant: FromPath[str], actor: Who, house: Home, city_id: City, since: Since = None, until: Until = None
) -> dict[str, Any]:
    """Funding, and what was issued, used and clawed back in [since, until) (30 days with today when nothing is said),
    with debts and what was missed. Needs statement:view. Refusals: not_found, not_a_partner."""
    _, it, days, _ = await _standing(house, actor, city_id, merchant, since, until)
    return standing_out(it, city_id, *days)


@get("/merchants/{merchant:str}/programme/movements", guards=[with_token], summary="Movements behind the sums")
async def movements(
    merchant: FromPath[str], actor: Who, house: Home, city_id: City, since: Since = None, until: Until = None,
    kind: FromQuery[str | None] = None, after: Short = None, limit: Limit = 50,
) -> PageOut:  # fmt: skip
    """Every movement of the days at this merchant, oldest first; `kind`: earn, burn, claw_back ... Needs
    statement:view."""
    merchant_id, it, (begin, end), zone = await _standing(house, actor, city_id, merchant, since, until)
    found = await funding.lines(
        house, city_id, merchant_id, it.programme.programme_id, since=day_start(begin, zone),
        until=day_start(end, zone), kind=kind, after=cursor(after), limit=limit + 1,
    )  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    return PageOut(
        [movement_out(one) for one in found[:limit]], f"{last.at.isoformat()}~{last.movement_id}" if last else None
    )


router = Router(
    "/", route_handlers=[wallets, code, lots, history, send, charities, donate, standing, movements], tags=["points"]
)
