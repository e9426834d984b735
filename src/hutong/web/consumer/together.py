"""Deals that are bought together, as the page of the deal shows them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import groups
from hutong.catalog import Bargain, Ladder, Offer, Team
from hutong.infra.db import Tx
from hutong.kit.ids import TEAM
from hutong.kit.money import Amount
from hutong.web.consumer.here import Here
from hutong.web.shared.visit import Visit

MOST_FACES = 12


class Shown(Struct, frozen=True):
    """A team as a page shows it: `rest` are paid seats beyond the faces, `empty` the seats that are missing."""

    team: groups.Team
    shown: str
    faces: tuple[str, ...]
    rest: int
    empty: int
    over: bool
    mine: UUID | None

    @property
    def open(self) -> bool:
        return self.team.state == "open" and not self.over


def shown_team(team: groups.Team, member_id: UUID | None, *, city_id: int, now: datetime) -> Shown:
    """`mine` is the member's own order in it, when it is paid."""
    faces = tuple(seat.face for seat in team.seats[:MOST_FACES])
    mine = next((seat.order_id for seat in team.seats if seat.member_id == member_id), None)
    return Shown(
        team=team, shown=TEAM.show(team.team_id, city_id), faces=faces, rest=len(team.seats) - len(faces),
        empty=min(max(0, team.missing), MOST_FACES - len(faces)) if team.state != "clinched" else 0,
        over=team.closes_at is not None and now >= team.closes_at and team.held == 0, mine=mine,
    )  # fmt: skip


class Way(Struct, frozen=True):
    """One of the buttons with which a deal is bought: its words by name, what it costs, the way in the address."""

    name: str
    price: Amount
    way: str


class Teams(Struct, frozen=True):
    """What the page of a team deal offers: the reader's own running team, and those that he can join."""

    mine: Shown | None
    joinable: tuple[Shown, ...]
    ways: tuple[Way, ...]
    template: str = "team_deal.html"
    buttons: bool = True


class Bargaining(Struct, frozen=True):
    """A deal that can be bargained for."""

    floor: Amount
    template: str = "bargain_deal.html"
    buttons: bool = False


class TierRow(Struct, frozen=True):
    """A tier on the page: from so many units, at what price, how many are missing, whether it is in force."""

    units: int
    price: Amount
    left: int
    now: bool


class Climbing(Struct, frozen=True):
    """A ladder on the page of its deal. `back`: what a buyer of now may get back at most."""

    steps: tuple[TierRow, ...]
    paid: int
    top: int
    price: Amount
    back: Amount
    over: bool
    template: str = "ladder_deal.html"
    buttons: bool = False


class Company(Struct, frozen=True):
    """With whom an order was bought: its team, or a ladder whose price is not final yet."""

    team: Shown | None = None
    ladder: groups.LadderState | None = None


async def company_of(tx: Tx, order_id: UUID, offer_id: UUID, reader: UUID, here: Here, now: datetime) -> Company | None:
    """What somebody waits for together with others; None for an order of one's own. Two or three statements."""
    found = (await groups.team_of_order(tx, [order_id], city_id=here.city_id)).get(order_id)
    if found is not None:
        return Company(team=shown_team(found, reader, city_id=here.city_id, now=now))
    ladder = (await groups.ladders(tx, [offer_id], city_id=here.city_id)).get(offer_id)
    return Company(ladder=ladder) if ladder is not None and ladder.final_units is None else None


async def ladder_of(tx: Tx, deal: Offer, form: Ladder, here: Here) -> Climbing:
    """How far it has come: one statement."""
    found = (await groups.ladders(tx, [deal.offer_id], city_id=here.city_id)).get(deal.offer_id)
    asset, paid = deal.price.asset, found.paid_units if found else 0
    price = found.price_units if found else deal.price.units
    tiers = [(1, deal.price.units), *((tier.from_units, tier.price_units) for tier in form.tiers)]
    steps = tuple(
        TierRow(units, Amount(cost, asset), max(0, units - paid) if cost < price else 0, cost == price)
        for units, cost in tiers
    )
    low = form.tiers[-1].price_units
    return Climbing(
        steps=steps, paid=paid, top=form.tiers[-1].from_units, price=Amount(price, asset),
        back=Amount(price - low, asset), over=found is not None and found.final_units is not None,
    )  # fmt: skip


async def together_of(
    tx: Tx, deal: Offer, visit: Visit, here: Here, now: datetime
) -> Teams | Climbing | Bargaining | None:
    """What a deal that is bought together with others shows on its page; None for the others, without a statement."""
    match deal.form:
        case Team():
            return await team_together(tx, deal, visit, here, now)
        case Ladder() as form:
            return await ladder_of(tx, deal, form, here)
        case Bargain(floor_units=floor):
            return Bargaining(Amount(floor, deal.price.asset))
        case _:
            return None


async def team_together(tx: Tx, deal: Offer, visit: Visit, here: Here, now: datetime) -> Teams:
    """Three statements at most, for deals of this form only."""
    reader = visit.actor.member_id if visit.actor is not None else None
    running = await groups.running_team(tx, reader, deal.offer_id, city_id=here.city_id) if reader else None
    own = (await groups.teams(tx, [running], city_id=here.city_id)).get(running) if running else None
    found = await groups.open_teams(tx, deal.offer_id, city_id=here.city_id, now=now, without=reader)
    ways: tuple[Way, ...] = ()
    if isinstance(deal.form, Team):
        if deal.form.alone_units is not None:
            ways = (Way("alone", Amount(deal.form.alone_units, deal.price.asset), "alone"),)
        if own is None:
            ways = (*ways, Way("open", deal.price, "open_team"))
    return Teams(
        mine=shown_team(own, reader, city_id=here.city_id, now=now) if own else None,
        joinable=tuple(shown_team(one, reader, city_id=here.city_id, now=now) for one in found),
        ways=ways,
    )
