"""Cards and points on the confirm page: what is ticked, what it pays, and what is left for the provider."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Struct

from hutong.kit.ids import PROGRAMME, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.orders import (
    CardElsewhere,
    CardEmpty,
    GoesBack,
    NotATender,
    NoTenderHere,
    Pay,
    Payable,
    Quoted,
    Tender,
)
from hutong.vouchers import Voucher, VoucherInCheckout, VoucherUnknown
from hutong.web.consumer.here import Here

Points = Annotated[str, QueryParameter(max_length=12)]
Programme = Annotated[str, QueryParameter(max_length=64)]
MOST = 20  # cards on one order
MOST_DIGITS = 9
# What a card that was ticked may turn out to be: the page is shown with the cards that are left.
TenderGone = (CardElsewhere, CardEmpty, NotATender, NoTenderHere, VoucherUnknown, VoucherInCheckout)


class Pays(Struct, frozen=True, kw_only=True):
    """What the page shows of cards and points. `own`: the reader chose them; `picked` and `points` are his choice as
    the form and its links send it back."""

    cards: tuple[Payable, ...] = ()
    wallets: tuple[Payable, ...] = ()
    picked: str = ""
    points: str = ""
    programme: str = ""
    own: bool = False

    @property
    def query(self) -> dict[str, Any]:
        """The choice in an address; nothing while the house chooses."""
        if not self.own:
            return {}
        return {"mine": 1, "card": self.picked, "points": self.points or None, "programme": self.programme or None}

    @property
    def paying(self) -> list[Payable]:
        """Those that pay something."""
        return [one for one in (*self.cards, *self.wallets) if one.chosen and one.amount]


def points_of(typed: str) -> int:
    """The number of points that was typed; nothing readable is none."""
    digits = typed.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= MOST_DIGITS else 0


def read_pays(here: Here, cards: Sequence[str], points: str, programme: str) -> tuple[Pay, ...]:
    """What was ticked and typed: ids of cards one by one, or several with dots between. Raises bad_id."""
    ids = dict.fromkeys(one for text in cards for one in text.split(".") if one)
    pays = [Pay(kind="card", id=here.read(VOUCHER, one)) for one in list(ids)[:MOST]]
    number = points_of(points)
    if number and programme:
        pays.append(Pay(kind="points", id=PROGRAMME.read(programme), most=number))
    return tuple(pays)


def shown_pays(quoted: Quoted | None, own: tuple[Pay, ...] | None, here: Here) -> Pays:
    """The cards and points of a quote in the parts of the page."""
    if quoted is None:
        return Pays(own=own is not None)
    cards = tuple(one for one in quoted.pays if one.kind == "card")
    wallets = tuple(one for one in quoted.pays if one.kind == "points")
    ticked = [one for one in cards if one.chosen and (own is not None or one.amount)]
    spent = next((one for one in wallets if one.chosen), None)
    return Pays(
        cards=cards, wallets=wallets, own=own is not None, points=str(spent.points) if spent else "",
        picked=".".join(VOUCHER.show(one.ref, here.city_id) for one in ticked),
        programme=PROGRAMME.show(wallets[0].ref) if wallets else "",
    )  # fmt: skip


def is_tender(refusal: Refusal) -> bool:
    """Whether a refusal is about what was to pay, so that the page must choose anew."""
    return isinstance(refusal, TenderGone)


class Route(Struct, frozen=True, kw_only=True):
    """What goes back where: by the payment, to cards, and in points."""

    money: Amount
    cards: Amount
    points: int

    @property
    def whole(self) -> Amount:
        return self.money + self.cards


def route_of(parts: dict[UUID, GoesBack], units: Sequence[Voucher], asset: str) -> Route:
    """The sums over these units."""
    mine = [parts[unit.voucher_id] for unit in units]
    zero = Amount.zero(asset)
    return Route(
        money=sum((one.money for one in mine), zero), cards=sum((one.tendered for one in mine), zero),
        points=sum(one.points for one in mine),
    )  # fmt: skip


def paid_by(tenders: Sequence[Tender]) -> list[Tender]:
    """What cards and points paid, for the lists of pages: those that gave something."""
    return [one for one in tenders if one.amount or one.points]
