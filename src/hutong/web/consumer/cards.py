"""What a card says of itself on its page: its balance, its visits or its stamps, what it has saved, its history."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong import cards, catalog, merchants, orders, vouchers
from hutong.catalog import Membership, QCard, Stamp
from hutong.desk import memberships
from hutong.desk.memberships import CardSaved
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.vouchers import Use, Voucher

MOST_DRAWN = 40  # stamps that are drawn one by one


class CardFace(Struct, frozen=True, kw_only=True):
    """A card as its holder sees it.

    `worth` with `bonus` in it, of stored value; `full` of `total` stamps or visits are used; `saved` by showing it, at
    `bills` tills, and on `orders` that its tag made cheaper. `spent`: what each use took, of stored value. `reward`:
    what a full stamp card becomes. `tiers`: of a card for many shops, who takes how many percent off. `ordered`: it
    was bought here, not activated from print.
    """

    kind: Literal["value", "times", "stamp", "pass"]
    worth: Amount
    bonus: Amount
    full: int
    total: int
    saved: Amount
    bills: int
    orders: int
    spent: dict[UUID, Amount]
    reward: catalog.Offer | None = None
    number: cards.Number | None = None
    tiers: tuple[tuple[Text, int], ...] = ()
    ordered: bool = True

    @property
    def drawn(self) -> bool:
        """Whether each stamp has a place of its own."""
        return self.total <= MOST_DRAWN


async def card_face(tx: Tx, held: Voucher, uses: list[Use]) -> CardFace | None:
    """The face of a card; None for what is none. The caller has looked whose it is."""
    if held.kind != "card":
        return None
    (offer,) = await catalog.offers(tx, [held.offer_id], city_id=held.city_id)
    form = offer.form if offer else None
    kind: Literal["value", "times", "stamp", "pass"] = "times"
    if held.value:
        kind = "value"
    elif isinstance(form, Stamp):
        kind = "stamp"
    elif isinstance(form, Membership | QCard):
        kind = "pass"
    saved = CardSaved()
    if kind == "pass":
        (saved,) = await memberships.saved(tx, [held], city_id=held.city_id)
    reward = None
    if isinstance(form, Stamp) and form.reward is not None:
        (reward,) = await catalog.offers(tx, [form.reward], city_id=held.city_id)
    numbers = await cards.numbers_of(tx, [held.voucher_id], city_id=held.city_id)
    tiers: tuple[tuple[Text, int], ...] = ()
    if isinstance(form, QCard):
        found_tiers = [one for one in await cards.tiers(tx, [held.offer_id], city_id=held.city_id)
                       if one.tier == form.tier]  # fmt: skip
        names = await merchants.merchants(tx, [one.merchant_id for one in found_tiers])
        tiers = tuple((names[one.merchant_id].name, one.percent) for one in found_tiers)
    return CardFace(
        number=numbers.get(held.voucher_id), tiers=tiers,
        ordered=bool(await orders.concerns(tx, [held.order_id], city_id=held.city_id)),
        kind=kind, worth=vouchers.balance(held), bonus=vouchers.bonus_left(held),
        full=held.uses_total - held.uses_left, total=held.uses_total, saved=Amount(saved.units, held.asset),
        bills=saved.bills, orders=saved.orders, reward=reward,
        spent={use.redemption_id: Amount(use.count, held.asset) for use in uses} if held.value else {},
    )  # fmt: skip
