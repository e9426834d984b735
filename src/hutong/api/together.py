"""What people buy together: teams, the ladder of a deal, and bargains that friends cut."""

from typing import Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.params import FromPath

from hutong import catalog, groups
from hutong.api.glue import Home, Who, local_id, open_to_all, who, with_token
from hutong.api.shapes import Money
from hutong.catalog import Offer
from hutong.desk import bargaining
from hutong.desk.buying import member_of
from hutong.groups import BargainState, BargainUnknown, LadderState, Team, TeamUnknown
from hutong.infra.db import Tx
from hutong.kit.access import Actor
from hutong.kit.ids import BARGAIN, OFFER, TEAM
from hutong.kit.money import Amount
from hutong.kit.refusals import NotFound

MOST_TEAMS = 10


def team_out(team: Team, city_id: int) -> dict[str, Any]:
    """A team as everybody may see it: names are masked."""
    return {
        "id": TEAM.show(team.team_id, city_id), "offer": OFFER.show(team.offer_id, city_id), "state": team.state,
        "size": team.size, "taken": team.taken, "missing": team.missing, "closes_at": team.closes_at,
        "members": [seat.face for seat in team.seats],
    }  # fmt: skip


def ladder_out(ladder: LadderState, asset: str) -> dict[str, Any]:
    """How far a ladder has come: what the next unit costs, and what all cost in the end, once it is over."""

    def money(units: int) -> Money:
        return Money.of(Amount(units, asset))

    return {
        "first": money(ladder.first_units), "paid_units": ladder.paid_units, "price": money(ladder.price_units),
        "tiers": [{"from_units": tier.from_units, "price": money(tier.price_units)} for tier in ladder.tiers],
        "closes_at": ladder.closes_at, "final": None if ladder.final_units is None else money(ladder.final_units),
    }  # fmt: skip


def bargain_out(one: BargainState, asset: str, member: UUID | None) -> dict[str, Any]:
    """A bargain as everybody may see it. `now` is its price; `way`: how its owner orders it."""

    def money(units: int) -> Money:
        return Money.of(Amount(units, asset))

    shown, mine = BARGAIN.show(one.bargain_id, one.city_id), member == one.member_id
    return {
        "id": shown, "offer": OFFER.show(one.offer_id, one.city_id), "state": one.state, "owner": one.face,
        "mine": mine, "way": f"bargain.{shown}" if mine else None, "first": money(one.price_units),
        "floor": money(one.floor_units), "now": money(one.now_units), "cut": money(one.cut_units),
        "helpers": one.helpers, "opened_at": one.opened_at, "closes_at": one.closes_at,
        "cuts": [{"friend": cut.face, "amount": money(cut.units)} for cut in one.friends],
        "helped": member is not None and any(cut.member_id == member for cut in one.friends),
    }  # fmt: skip


async def _shown(tx: Tx, offer_id: UUID, city_id: int) -> Offer:
    """An offer that is on sale or was. Raises not_found."""
    (found,) = await catalog.offers(tx, [offer_id], city_id=city_id)
    if found is None or found.status not in ("published", "ended"):
        raise NotFound()
    return found


async def _bargain(tx: Tx, bargain_id: UUID, city_id: int, actor: Actor | None) -> dict[str, Any]:
    one = (await groups.bargains(tx, [bargain_id], city_id=city_id)).get(bargain_id)
    if one is None:
        raise BargainUnknown()
    offer = await _shown(tx, one.offer_id, city_id)
    return bargain_out(one, offer.price.asset, actor.member_id if actor is not None else None)


@get("/offers/{offer:str}/together", guards=[open_to_all], summary="Who is buying this deal together")
async def together(offer: FromPath[str], house: Home) -> dict[str, Any]:
    """Teams with a free place, the one that ends first on top; how far its ladder has come, null without a buyer. Order
    with `way`: `join_team.<team>`, `open_team`, `alone`."""
    city_id, offer_id = local_id(OFFER, offer)
    async with house.db.reading(city_id) as tx:
        found = await _shown(tx, offer_id, city_id)
        now = house.clock.now()
        teams = await groups.open_teams(tx, offer_id, city_id=city_id, now=now, limit=MOST_TEAMS)
        ladder = (await groups.ladders(tx, [offer_id], city_id=city_id)).get(offer_id)
    return {
        "offer": offer, "teams": [team_out(team, city_id) for team in teams],
        "ladder": ladder_out(ladder, found.price.asset) if ladder else None,
    }  # fmt: skip


@get("/teams/{team:str}", guards=[open_to_all], summary="A team")
async def team(team: FromPath[str], house: Home) -> dict[str, Any]:
    """For whoever has its id, also when it has clinched or failed."""
    city_id, team_id = local_id(TEAM, team)
    async with house.db.reading(city_id) as tx:
        found = (await groups.teams(tx, [team_id], city_id=city_id)).get(team_id)
    if found is None:
        raise TeamUnknown()
    return team_out(found, city_id)


@get("/offers/{offer:str}/bargain", guards=[with_token], summary="My bargain for a deal")
async def mine(offer: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """The one that I have begun, whatever became of it; bargain_not_found without one."""
    city_id, offer_id = local_id(OFFER, offer)
    async with house.db.reading(city_id) as tx:
        found = await groups.bargain_of(tx, member_of(actor), offer_id, city_id=city_id)
        if found is None:
            raise BargainUnknown()
        return await _bargain(tx, found, city_id, actor)


@post("/offers/{offer:str}/bargain", guards=[with_token], summary="Begin a bargain")
async def begin(offer: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """One for each member and deal: asking again gives the same one, so it needs no key."""
    city_id, offer_id = local_id(OFFER, offer)
    found = await bargaining.begin(house, city_id, actor, offer_id)
    async with house.db.reading(city_id) as tx:
        return await _bargain(tx, found, city_id, actor)


@get("/bargains/{bargain:str}", guards=[open_to_all], summary="A bargain")
async def one(bargain: FromPath[str], request: Request[Any, Any, Any], house: Home) -> dict[str, Any]:
    """For whoever has its id. With a token it says whether it is mine, and whether I have helped."""
    city_id, bargain_id = local_id(BARGAIN, bargain)
    async with house.db.reading(city_id) as tx:
        return await _bargain(tx, bargain_id, city_id, await who(request))


@post("/bargains/{bargain:str}/cuts", guards=[with_token], summary="Cut the price for a friend")
async def cut(bargain: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """A friend helps once with each deal: asking again gives the same cut, so it needs no key. `units` follow from the
    bargain, not from who asks or when."""
    city_id, bargain_id = local_id(BARGAIN, bargain)
    try:
        await bargaining.help_out(house, city_id, actor, bargain_id)
    except groups.AlreadyHelped:
        async with house.db.reading(city_id) as tx:
            found = await _bargain(tx, bargain_id, city_id, actor)
        if not found["helped"]:  # another bargain of this deal
            raise
        return found
    async with house.db.reading(city_id) as tx:
        return await _bargain(tx, bargain_id, city_id, actor)


router = Router("/", route_handlers=[together, team, mine, begin, one, cut], tags=["buying together"])
