"""The plan of a card: one voucher for each unit, used visit by visit or fen by fen, by the form of its offer."""

from datetime import datetime

import msgspec

from hutong.catalog import Form, GiftCard, Membership, Offer, QCard, Stamp, Stored, Times
from hutong.inventory import Want
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms, over_everywhere
from hutong.kit.text import Text
from hutong.orders import Plan, Promise, Wanted
from hutong.pricing import PriceLine
from hutong.vouchers import SHOWN_AT_MOST

FORMS = (Times, Stored, GiftCard, Stamp, Membership, QCard)


class CardOver(Refusal):
    """The card would be expired at the moment it is paid."""

    code = "card_over"
    say = Text(zh="这张卡已过使用期限。", en="This card can no longer be used.")
    step = Text(zh="看看这家店的其他卡。", en="Look at the other cards of this shop.")


class NoCard(Refusal):
    """The offer is not sold in a form of card."""

    code = "not_a_card"
    say = Text(zh="这个商品不是以卡的形式出售的。", en="This offer is not sold as a card.")
    step = Text(zh="请商家为它选择一种卡。", en="Its merchant must choose a form of card for it.")


class Cards:
    """Cards of every form: times, stored value, gift, membership, stamps, one card for many shops."""

    name = "cards"

    def plan(self, offer: Offer, wanted: Wanted, *, line_no: int, now: datetime) -> Plan | Refusal:
        """One line, so many units of the offer's quota, so many cards. Refusals: card_over, not_a_card.

        A use of stored value and of a gift card is one unit of the offer's currency: so its money reaches the merchant
        fen by fen, and what is left of it can be given back.
        """
        if over_everywhere(offer.terms, now):
            return CardOver()
        uses = uses_of(offer.form, offer.price.units)
        if uses is None or uses < 1:
            return NoCard()
        line = PriceLine(
            line_no=line_no, offer_id=offer.offer_id, title=offer.title, quantity=wanted.quantity,
            unit_price=offer.price, list_price=offer.list_price,
        )  # fmt: skip
        value = isinstance(offer.form, Stored | GiftCard)
        wide = isinstance(offer.form, QCard) or (isinstance(offer.form, GiftCard) and offer.form.wide)
        promise = Promise(
            kind="card", uses=uses, waiting=False, min_units=1, closes_at=offer.sale_to,
            terms=_terms(offer.terms, offer.form), store_ids=() if wide else offer.store_ids, value=value, wide=wide,
        )  # fmt: skip
        wants = (Want(offer.quota_id, wanted.quantity),) if offer.quota_id else ()
        return Plan(line=line, wants=wants, promise=promise)


def uses_of(form: Form, price_units: int) -> int | None:
    """How often a card of this form can be used; None when the form is not one of a card."""
    match form:
        case Times(uses=uses):
            return uses
        case Stored(bonus_units=bonus):
            return price_units + bonus
        case GiftCard():
            return price_units
        case Stamp(stamps=stamps):
            return stamps
        case Membership() | QCard():
            return SHOWN_AT_MOST
        case _:
            return None


def _terms(terms: Terms, form: Form) -> Terms:
    """The terms as they bind this form. Uses of money are fen, so nothing counts them by visit, day or hour; what is
    only shown is not given back when it has been shown (the house may, when its shop closes)."""
    if isinstance(form, Stored | GiftCard):
        return msgspec.structs.replace(terms, per_visit=None, per_day=None, per_hour=None)
    if isinstance(form, Membership | QCard | Stamp):
        return msgspec.structs.replace(terms, refund="none", per_visit=None)
    return terms
