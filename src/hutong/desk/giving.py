"""What members do with gifts: send a voucher on its way, take it back, accept one."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from hutong import catalog, places, vouchers
from hutong.desk.gift_sets import may_be_given
from hutong.desk.house import House
from hutong.desk.keyed import good, submit
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.refusals import NotAllowed, NotFound
from hutong.places import City
from hutong.vouchers import (
    Claim,
    Gift,
    GiftSeen,
    GiftUnknown,
    Give,
    TakeBack,
    Voucher,
    gift_text,
    gift_token,
    read_gift,
)


class _Given(Struct):
    voucher_id: UUID
    note: str
    days: int


class _Gift(Struct):
    gift: str


def _member(actor: Actor) -> UUID:
    if not actor.is_member:
        raise NotAllowed()
    return actor.member_id


async def give(
    house: House, city_id: int, actor: Actor, voucher_id: UUID, *, note: str, days: int, key: str
) -> Gift:  # fmt: skip
    """Send the member's own voucher on its way. Raises the refusals of gift_sets.give."""
    member = _member(actor)
    words = " ".join(note.split())
    ask = Give(
        gift_id=new_id(), voucher_id=voucher_id, giver_id=member, giver_name=actor.name, note=words, days=days
    )  # fmt: skip
    given = _Given(voucher_id, words, days)
    return good(await submit(house, "vouchers.give", city_id, actor=member, key=key, given=given, request=ask))


async def take_back(house: House, city_id: int, actor: Actor, gift_id: UUID, *, key: str) -> Gift:
    """The giver wants it back. Raises gift_not_found, gift_over."""
    member = _member(actor)
    ask, given = TakeBack(gift_id=gift_id, giver_id=member), _Gift(str(gift_id))
    return good(await submit(house, "vouchers.take_back", city_id, actor=member, key=key, given=given, request=ask))


async def claim(house: House, text: str, actor: Actor, *, key: str) -> tuple[City, Gift]:
    """Accept what the link gives. Raises gift_not_found, gift_is_yours, gift_over."""
    member, (city, token) = _member(actor), await _read(house, text)
    ask, given = Claim(token=token, member_id=member, member_name=actor.name), _Gift(text.lower())
    answer = await submit(
        house, "vouchers.claim_gifts", city.city_id, actor=member, key=key, given=given, request=ask
    )  # fmt: skip
    return city, good(answer)


async def seen(house: House, text: str) -> tuple[City, GiftSeen]:
    """The gift behind a link, for whoever has it. Raises gift_not_found."""
    city, token = await _read(house, text)
    async with house.db.reading(city.city_id) as tx:
        found = await vouchers.gift_by_token(tx, token, city_id=city.city_id)
    if found is None:
        raise GiftUnknown()
    return city, found


async def _read(house: House, text: str) -> tuple[City, bytes]:
    read = read_gift(text)
    if read is None:
        raise GiftUnknown()
    async with house.db.reading() as tx:
        city = await places.city(tx, read[0])
    if city is None:
        raise GiftUnknown()
    return city, read[1]


class Standing(Struct, frozen=True, kw_only=True):
    """The member's own voucher as something to give: the gift that it is on its way as, with the link for the friend,
    or whether it may be given."""

    voucher: Voucher
    gift: Gift | None
    link: str
    may: bool


async def standing(house: House, tx: Tx, city_id: int, actor: Actor, voucher_id: UUID) -> Standing:
    """How it stands with giving this voucher away. Raises not_found for another's, as for one that is not there."""
    held = await vouchers.of_member(tx, _member(actor), voucher_id, city_id=city_id)
    if held is None:
        raise NotFound()
    gifts, now = await vouchers.gifts_of_vouchers(tx, [voucher_id], city_id=city_id), house.clock.now()
    live = next((gift for gift in gifts if gift.open_at(now) and held.held_ref == gift.gift_id), None)
    return Standing(
        voucher=held, gift=live, link=link(house, city_id, held.secret, live.gift_id) if live else "",
        may=live is None and await giftable(tx, held, gifts),
    )  # fmt: skip


async def take_voucher_back(house: House, city_id: int, actor: Actor, voucher_id: UUID, *, key: str) -> Gift:
    """As take_back, of the last gift that the member made of this voucher. Raises gift_not_found, gift_over."""
    member = _member(actor)
    async with house.db.reading(city_id) as tx:
        gifts = await vouchers.gifts_of_vouchers(tx, [voucher_id], city_id=city_id)
    own = next((gift for gift in gifts if gift.giver_id == member), None)
    if own is None:
        raise GiftUnknown()
    return await take_back(house, city_id, actor, own.gift_id, key=key)


async def giftable(tx: Tx, held: Voucher, gifts: Sequence[Gift]) -> bool:
    """Whether to offer its holder to give it away; `gifts`: those that it was before. The command has the last word."""
    if held.state not in ("valid", "waiting") or not held.untouched or held.value or held.held_for is not None:
        return False
    if any(gift.state == "claimed" for gift in gifts):
        return False
    (offer,) = await catalog.offers(tx, [held.offer_id], city_id=held.city_id)
    return offer is not None and may_be_given(offer.form)


def link(house: House, city_id: int, secret: bytes, gift_id: UUID) -> str:
    """What the giver sends to his friend: it follows from the voucher's secret and is kept nowhere."""
    return f"{house.settings.address}/gifts/{gift_text(city_id, gift_token(secret, gift_id))}"
