"""The plan of a gift: one voucher for each unit, paid with points and, where it says so, with cash besides."""

from datetime import datetime

import msgspec

from hutong.catalog import Gift, Offer
from hutong.inventory import Want
from hutong.kit.refusals import Refusal
from hutong.kit.terms import over_everywhere
from hutong.kit.text import Text
from hutong.orders import Plan, PointsPrice, Promise, Wanted
from hutong.pricing import PriceLine


class GiftOver(Refusal):
    """The gift's right would be expired at the moment it is exchanged."""

    code = "gift_over"
    say = Text(zh="这份礼品已过兑换期。", en="The time of this gift is over.")
    step = Text(zh="看看礼品商城里的其他礼品。", en="Look at the other gifts of the mall.")


class NotAGift(Refusal):
    """The offer is not sold in the form of a gift."""

    code = "not_a_gift"
    say = Text(zh="这个商品不能用积分兑换。", en="This offer is not a gift for points.")
    step = Text(zh="请商家把它设为积分礼品。", en="Its merchant must give it the form of a gift.")


class ExchangeInMall(Refusal):
    """A gift was ordered as if it were a deal; the mall keeps its limits and knows how it reaches the member."""

    code = "exchange_in_mall"
    say = Text(zh="礼品请在礼品商城里兑换。", en="Gifts are exchanged in the gift mall.")
    step = Text(zh="到礼品页点「兑换」。", en="Open the gift there and exchange it.")


class Alliance:
    """Gifts: points only, or points and cash."""

    name = "alliance"

    def plan(self, offer: Offer, wanted: Wanted, *, line_no: int, now: datetime) -> Plan | Refusal:
        """One line at the cash price, so many units of the stock, so many gifts, each for its points.

        The supplier is due the gift's cost for each: the cash and the rest of it out of what backs the points.
        Refusals: not_a_gift, exchange_in_mall, gift_over.
        """
        form = offer.form
        if not isinstance(form, Gift):
            return NotAGift()
        if wanted.choice is None or wanted.choice.kind != "exchange":
            return ExchangeInMall()
        if over_everywhere(offer.terms, now):
            return GiftOver()
        line = PriceLine(
            line_no=line_no, offer_id=offer.offer_id, title=offer.title, quantity=wanted.quantity,
            unit_price=offer.price, list_price=offer.price,
        )  # fmt: skip
        points = PointsPrice(
            programme_id=form.programme_id, points=form.points, worth_units=form.cost_units - offer.price.units
        )
        terms = msgspec.structs.replace(offer.terms, per_member=None)  # the mall counts by periods
        promise = Promise(
            kind="gift", uses=1, waiting=False, min_units=1, closes_at=offer.sale_to, terms=terms,
            store_ids=offer.store_ids, points=points,
        )  # fmt: skip
        wants = (Want(offer.quota_id, wanted.quantity),) if offer.quota_id else ()
        return Plan(line=line, wants=wants, promise=promise)
