"""Pure rules of forms: what makes a team, a ladder or a bargain sound."""

from collections.abc import Iterator
from itertools import pairwise

from hutong.catalog.forms import Bargain, Flash, Gift, Ladder, Team
from hutong.catalog.model import Draft, Offer
from hutong.catalog.refusals import BadForm
from hutong.kit.refusals import Refusal

MOST_PEOPLE, MOST_HOURS, MOST_TIERS, MOST_SLOTS = 100, 720, 10, 20
LEAST_CUT = 3  # units of money for each friend: then the smallest of their pieces is not nothing
MOST_POINTS, MOST_OF_A_GIFT = 100_000_000, 1_000


def form_faults(offer: Draft | Offer) -> Iterator[tuple[str, Refusal]]:
    """Everything that is wrong with the form of an offer, each with the name of the field that it is about."""
    match offer.form:
        case Team() as form:
            yield from _team(offer, form)
        case Ladder() as form:
            yield from _ladder(offer, form)
        case Bargain() as form:
            yield from _bargain(offer, form)
        case Flash() as form:
            yield from _flash(offer, form)
        case Gift() as form:
            yield from _gift(offer, form)
        case _:
            return
    if offer.min_units > 1:
        yield (
            "min_units",
            BadForm(why_zh="这种卖法不能再设最低成团份数", why_en="it cannot have a minimum of buyers, too"),
        )


def _flash(offer: Draft | Offer, form: Flash) -> Iterator[tuple[str, Refusal]]:
    if not 1 <= len(form.slots) <= MOST_SLOTS:
        yield "form", BadForm(why_zh="抢购须有 1 到 20 场", why_en="a flash sale has 1 to 20 slots")
    if any(slot.ends_at <= slot.starts_at or slot.units < 1 for slot in form.slots):
        why = "each slot ends after it begins and has units"
        yield "form", BadForm(why_zh="每场须先开始后结束，且至少 1 份", why_en=why)
    order = sorted(form.slots, key=lambda slot: slot.starts_at)
    if any(later.starts_at < slot.ends_at for slot, later in pairwise(order)):
        yield "form", BadForm(why_zh="各场时间不能重叠", why_en="slots do not overlap")
    if any(slot.starts_at < offer.sale_from or slot.ends_at > offer.sale_to for slot in form.slots):
        yield "form", BadForm(why_zh="各场须在售卖时间之内", why_en="slots lie within the sale")


def _gift(offer: Draft | Offer, form: Gift) -> Iterator[tuple[str, Refusal]]:
    """Whether the backing of the points covers the cost is the programme's to say (desk.mall): here it is not known."""
    if not 1 <= form.points <= MOST_POINTS:
        yield "points", BadForm(why_zh="所需积分须大于 0", why_en="a gift costs at least one point")
    if form.cost_units < offer.price.units:
        why = "its supplier is paid no less than the cash that members pay"
        yield "cost", BadForm(why_zh="供货结算价不能低于现金部分", why_en=why)
    if not (form.pickup or form.delivery):
        yield "ways", BadForm(why_zh="到店自取和配送至少选一种", why_en="it is fetched in a store, or sent, or both")
    if form.most is not None and not 1 <= form.most <= MOST_OF_A_GIFT:
        yield "most", BadForm(why_zh="每人限兑须在 1 到 1000 之间", why_en="a limit for each member is 1 to 1000")


def _team(offer: Draft | Offer, form: Team) -> Iterator[tuple[str, Refusal]]:
    if not 2 <= form.size <= MOST_PEOPLE:
        yield "form", BadForm(why_zh="拼团人数须在 2 到 100 之间", why_en="a team has 2 to 100 people")
    if not 1 <= form.hours <= MOST_HOURS:
        yield "form", BadForm(why_zh="拼团时限须在 1 到 720 小时之间", why_en="a team has 1 to 720 hours")
    if form.alone_units is not None and not offer.price.units < form.alone_units <= offer.list_price.units:
        yield (
            "form",
            BadForm(
                why_zh="单独购买价须高于拼团价，且不高于划线价",
                why_en="the price alone lies above that of the team, and not above the list price",
            ),
        )


def _ladder(offer: Draft | Offer, form: Ladder) -> Iterator[tuple[str, Refusal]]:
    if not 1 <= len(form.tiers) <= MOST_TIERS:
        yield "form", BadForm(why_zh="阶梯须有 1 到 10 档", why_en="a ladder has 1 to 10 tiers")
        return
    if form.tiers[0].from_units < 2:
        yield "form", BadForm(why_zh="第一档至少从第 2 份开始", why_en="the first tier begins at two units or more")
    if any(later.from_units <= tier.from_units for tier, later in pairwise(form.tiers)):
        yield "form", BadForm(why_zh="各档份数须递增", why_en="each tier needs more units than the one before")
    prices = [offer.price.units, *(tier.price_units for tier in form.tiers)]
    if any(later >= price for price, later in pairwise(prices)) or prices[-1] < 1:
        yield (
            "form",
            BadForm(why_zh="各档价格须递减且大于 0", why_en="each tier costs less than the one before, and over zero"),
        )


def _bargain(offer: Draft | Offer, form: Bargain) -> Iterator[tuple[str, Refusal]]:
    if not 1 <= form.floor_units < offer.price.units:
        yield "form", BadForm(why_zh="底价须大于 0 且低于售价", why_en="the floor lies below the price and above zero")
    if not 1 <= form.helpers <= MOST_PEOPLE:
        yield "form", BadForm(why_zh="帮砍人数须在 1 到 100 之间", why_en="1 to 100 friends may help")
    if not 1 <= form.hours <= MOST_HOURS:
        yield "form", BadForm(why_zh="砍价时限须在 1 到 720 小时之间", why_en="a bargain has 1 to 720 hours")
    if offer.price.units - form.floor_units < LEAST_CUT * form.helpers:
        why = "the way down to the floor is long enough for each friend to cut something"
        yield "form", BadForm(why_zh="售价与底价相差太小，不够每位朋友都砍到", why_en=why)
    if form.budget_units < offer.price.units - form.floor_units:
        yield (
            "form",
            BadForm(
                why_zh="砍价总额度至少够一次砍到底", why_en="the budget is enough for one bargain down to the floor"
            ),
        )
