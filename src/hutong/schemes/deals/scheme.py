"""The plan of a deal: one voucher for each unit, stock from the offer's quota, a tipping point when it has one."""

from datetime import datetime

from hutong.catalog import Offer
from hutong.catalog.forms import Flash
from hutong.inventory import Want
from hutong.kit.refusals import Refusal
from hutong.kit.terms import over_everywhere
from hutong.kit.text import Text
from hutong.orders import Plan, Promise, Wanted
from hutong.pricing import PriceLine
from hutong.schemes.deals.slots import slot_now
from hutong.schemes.deals.together import sold


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
        ends, everybody is refunded (orders.close_offers). In a team and on a ladder they wait for the others.
        In a flash sale the units are those of the slot that runs.
        Refusals: deal_over, choose_team, not_sold_alone, no_such_way, slot_not_open, slots_over.
        """
        if over_everywhere(offer.terms, now):
            return DealOver()
        how = sold(offer, wanted)
        if isinstance(how, Refusal):
            return how
        line = PriceLine(
            line_no=line_no, offer_id=offer.offer_id, title=offer.title, quantity=wanted.quantity,
            unit_price=how.price, list_price=offer.list_price,
        )  # fmt: skip
        promise = Promise(
            kind="deal", uses=1, waiting=offer.min_units > 1 or how.waits, min_units=offer.min_units,
            closes_at=offer.sale_to, terms=offer.terms, store_ids=offer.store_ids, group=how.group,
        )  # fmt: skip
        if isinstance(offer.form, Flash):
            slot = slot_now(offer.form, now)
            if isinstance(slot, Refusal):
                return slot
            return Plan(line=line, wants=(Want(slot.quota_id, wanted.quantity),), promise=promise)
        # Without a quota there is no stock to count: it sells until its sale ends.
        wants = (Want(offer.quota_id, wanted.quantity),) if offer.quota_id else ()
        return Plan(line=line, wants=wants, promise=promise)
