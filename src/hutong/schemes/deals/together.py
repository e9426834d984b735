"""Deals that are bought together: in a team, on a ladder, at the price of a bargain. Pure."""

from msgspec import Struct

from hutong.catalog import Bargain, Ladder, Offer, Team, TooManyPerOrder
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Bargained, Climb, TeamUp, Wanted


class ChooseTeam(Refusal):
    """A team deal is bought in a new team, in one that is there, or alone: the buyer says which."""

    code = "choose_team"
    status = 422
    say = Text(zh="请选择开团、参团或单独购买。", en="Choose: open a team, join one, or buy alone.")
    step = Text(zh="在团购页面选择购买方式。", en="Choose on the page of the deal.")


class NotSoldAlone(Refusal):
    """The merchant sells this deal to teams only."""

    code = "not_sold_alone"
    say = Text(zh="该团购仅支持拼团购买。", en="This deal is sold to teams only.")
    step = Text(zh="开一个团，或加入别人的团。", en="Open a team or join one.")


class NoSuchWay(Refusal):
    """The offer is not sold in the way that was asked for."""

    code = "no_such_way"
    status = 422
    say = Text(zh="该商品不支持这种购买方式。", en="This offer is not sold in this way.")
    step = Text(zh="请回到商品页面重新选择。", en="Go back to its page and choose again.")


class Sold(Struct, frozen=True):
    """What one unit costs in the wanted way, with whom it is bought, and whether its right waits for them."""

    price: Amount
    group: TeamUp | Climb | Bargained | None = None
    waits: bool = False


def sold(offer: Offer, wanted: Wanted) -> Sold | Refusal:
    """How this wish is sold. Refusals: choose_team, not_sold_alone, no_such_way, too_many_per_order."""
    match offer.form:
        case Team() as form:
            return _team(offer, form, wanted)
        case Ladder() as form if wanted.choice is None or wanted.choice.kind == "invited":
            now = form.now_units or offer.price.units
            tiers = tuple((tier.from_units, tier.price_units) for tier in form.tiers)
            climb = Climb(first_units=offer.price.units, price_units=now, tiers=tiers)
            return Sold(Amount(now, offer.price.asset), climb, waits=True)
        case Bargain() as form if wanted.choice is not None and wanted.choice.kind == "bargain":
            if wanted.choice.id is None or form.now_units is None:
                return NoSuchWay()
            if wanted.quantity > 1:
                return TooManyPerOrder(most=1)
            cut = Bargained(bargain_id=wanted.choice.id, price_units=form.now_units)
            return Sold(Amount(form.now_units, offer.price.asset), cut)
        case _ if wanted.choice is not None and wanted.choice.kind in ("open_team", "join_team", "alone", "bargain"):
            return NoSuchWay()
        case _:
            return Sold(offer.price)


def _team(offer: Offer, form: Team, wanted: Wanted) -> Sold | Refusal:
    choice = wanted.choice
    match choice.kind if choice is not None else None:
        case "open_team":
            return Sold(offer.price, TeamUp(size=form.size, hours=form.hours), waits=True)
        case "join_team" if choice is not None and choice.id is not None:
            team = TeamUp(size=form.size, hours=form.hours, team_id=choice.id)
            return Sold(offer.price, team, waits=True)
        case "alone":
            if form.alone_units is None:
                return NotSoldAlone()
            return Sold(Amount(form.alone_units, offer.price.asset))
        case _:
            return ChooseTeam()
