"""The plan of a deal: one voucher for each unit, stock from the offer's quota, a tipping point when it has one."""

from datetime import datetime

from hutong.catalog import Offer
from hutong.inventory import Want
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.orders import Plan, Promise, Wanted
from hutong.pricing import PriceLine


class DealOver(Refusal):
    """The deal would be expired at the moment it is paid."""

    code = "deal_over"
    say = Text(zh="这个团购已过使用期限。", en="This deal can no longer be used.")
    step = Text(zh="看看这家店的其他团购。", en="Look at the other deals of this shop.")


class Deals:
    """Group buying in its plain form: prepaid, one right for each unit, refund at any time before use."""

    name = "deals"

    def plan(self, offer: Offer, wanted: Wanted, *, line_no: int, now: datetime) -> Plan | Refusal:
        """One line, so many units of the offer's quota, so many vouchers of kind deal.

        With a minimum number of buyers the vouchers wait until it is reached; if it is not reached when the sale
        ends, everybody is refunded (orders.close_offers). Refusal: deal_over.
        """
        last = offer.terms.valid_until
        if last is not None and now.date() > last:
            return DealOver()
        line = PriceLine(
            line_no=line_no, offer_id=offer.offer_id, title=offer.title, quantity=wanted.quantity,
            unit_price=offer.price, list_price=offer.list_price,
        )  # fmt: skip
        promise = Promise(
            kind="deal", uses=1, waiting=offer.min_units > 1, min_units=offer.min_units,
            closes_at=offer.sale_to, terms=offer.terms, store_ids=offer.store_ids,
        )  # fmt: skip
        # Without a quota there is no stock to count: it sells until its sale ends.
        wants = (Want(offer.quota_id, wanted.quantity),) if offer.quota_id else ()
        return Plan(line=line, wants=wants, promise=promise)
