"""The coupon picker of the confirm page: what is ticked, what it brings, and why not."""

from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Struct

from hutong.catalog import Offer, Plain
from hutong.desk import buying
from hutong.kit.ids import VOUCHER
from hutong.kit.refusals import Refusal
from hutong.orders import Considered, CouponElsewhere, CouponTwice, NotACoupon, Quoted, Wanted
from hutong.pricing import BetterPromotion, ExclusivePromotion
from hutong.vouchers import VoucherInCheckout, VoucherOnItsWay, VoucherUnknown
from hutong.web.consumer.here import Here
from hutong.web.shared.visit import Visit

Own = Annotated[bool, QueryParameter()]
Ticked = Annotated[list[str] | None, QueryParameter(max_items=40)]
MOST = 20  # coupons on one order
# What a coupon that was ticked may turn out to be: the page is shown without it.
CouponGone = (VoucherUnknown, VoucherInCheckout, VoucherOnItsWay, CouponElsewhere, CouponTwice, NotACoupon)
# Why not now, though a tick would change it.
RIVALS = (BetterPromotion, ExclusivePromotion)


class Savings(Struct, frozen=True, kw_only=True):
    """What the page shows of promotions. `picked`: the ticked coupons as the form sends them back; `own`: the reader
    chose them; `best`: nothing else in the wallet is cheaper."""

    applied: tuple[Considered, ...] = ()
    coupons: tuple[Considered, ...] = ()
    hints: tuple[Considered, ...] = ()
    picked: str = ""
    own: bool = False
    best: bool = True

    def free(self, one: Considered) -> bool:
        """Whether the reader may tick it."""
        return one.chosen or one.no is None or isinstance(one.no, RIVALS)

    @property
    def on(self) -> int:
        """How many coupons take something off."""
        return sum(one.applies for one in self.coupons)

    @property
    def usable(self) -> int:
        """How many coupons could be ticked."""
        return sum(self.free(one) for one in self.coupons)


def read_coupons(here: Here, texts: list[str]) -> tuple[UUID, ...]:
    """The coupons that were ticked: ids one by one, or several with dots between. Raises bad_id."""
    ids = [one for text in texts for one in text.split(".") if one]
    return tuple(dict.fromkeys(here.read(VOUCHER, one) for one in ids[:MOST]))


def shown_savings(quoted: Quoted | None, own: tuple[UUID, ...] | None, here: Here) -> Savings:
    """The promotions of a quote in the parts of the page."""
    if quoted is None:
        return Savings(own=own is not None)
    told = quoted.considered
    coupons = tuple(one for one in told if one.voucher is not None)
    ticked = [one for one in coupons if one.chosen and (own is not None or one.applies)]
    return Savings(
        applied=tuple(one for one in told if one.applies),
        coupons=coupons,
        own=own is not None,
        best=quoted.best,
        hints=tuple(one for one in told if one.voucher is None and (one.no or one.more) and not _idle(one))[:3],
        picked=".".join(VOUCHER.show(one.voucher.voucher_id, here.city_id) for one in ticked if one.voucher),
    )


async def final_of(visit: Visit, here: Here, deal: Offer) -> Quoted | None:
    """What one unit costs this reader with the best of his coupons and what applies by itself, where that is less than
    its price; None for who has not signed in."""
    if visit.actor is None or not isinstance(deal.form, Plain):
        return None
    try:
        wants = [Wanted(deal.offer_id, 1)]
        quoted = await buying.quote(visit.house, here.city_id, wants, actor=visit.actor, device=visit.device)
    except Refusal:
        return None  # why not stands on the page already
    return quoted if quoted.saved else None


def _idle(one: Considered) -> bool:
    """Whether there is nothing to tell: another promotion is better than it anyway."""
    return isinstance(one.no, RIVALS)
