"""A member's points: what he has, what they do, and what he does with them - send, donate."""

import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from hutong import people, programmes
from hutong.desk.buying import member_of
from hutong.desk.house import House
from hutong.desk.keyed import good
from hutong.infra.answers import Answer, Ask, fingerprint, once
from hutong.infra.db import Tx
from hutong.infra.limits import Take, take
from hutong.kit.access import Actor
from hutong.kit.ids import derive
from hutong.kit.masks import mask_name, mask_phone
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.people import Badge, TakeBadge
from hutong.programmes import Hold, Partner, Programme, Send, Source, Wallet

A = TypeVar("A", Send, Hold)
R = TypeVar("R")
TRIES_A_DAY = 10  # numbers that one member may name in a day: too few to search for anybody
DAY_S = 86_400


class NoSuchFriend(Refusal):
    """The number and the name do not belong to one member - whichever of them is wrong."""

    code = "no_such_friend"
    status = 422
    say = Text(zh="手机号和姓氏对不上。", en="This number and this name do not go together.")
    step = Text(zh="请核对，或让对方出示会员码。", en="Check both with your friend.")


class Friend(Struct, frozen=True):
    """Who is about to receive points, as much of him as the sender may see."""

    member_id: UUID
    name: str
    phone: str


class _Given(Struct, frozen=True):
    """What makes two askings with one key the same: how many points of which alliance go to whom."""

    programme_id: UUID
    to: UUID
    points: int


class Purse(Struct, frozen=True):
    """A programme with what the member has in it."""

    programme: Programme
    wallet: Wallet


def lives_in(programme: Programme, city_id: int) -> bool:
    """Whether points of it are given and taken in a city now."""
    return programme.state == "live" and city_id in programme.cities


async def programme_of(tx: Tx, city_id: int, now: datetime, *, asked: UUID | None = None) -> Programme | None:
    """The alliance of a city: of several the one that is asked for, else the first by name."""
    found = await programmes.of_city(tx, city_id, at=now)
    return next((one for one in found if one.programme_id == asked), found[0] if found else None)


async def purses_of(tx: Tx, city_id: int, member_id: UUID, now: datetime) -> list[Purse]:
    """What the member has in every alliance of this city, most points first; then in every other where he has some, or
    owes some: what was earned in another city, or before an alliance closed, is not out of sight."""
    every = await programmes.programmes(tx, at=now)
    here = [one for one in every if lives_in(one, city_id)]
    mine = await programmes.wallets(tx, member_id, now=now, also=[one.programme_id for one in here])
    wallets = {one.programme_id: one for one in mine}
    away = [one for one in every if one not in here and _holds(wallets.get(one.programme_id))]
    found = [Purse(one, wallets[one.programme_id]) for one in here + away]
    return sorted(found, key=lambda one: (not lives_in(one.programme, city_id), -_points(one.wallet)))


def _holds(wallet: Wallet | None) -> bool:
    return wallet is not None and bool(_points(wallet) or wallet.debt)


def _points(wallet: Wallet) -> int:
    return wallet.available + wallet.pending + wallet.held


async def purse_of(
    tx: Tx, city_id: int, member_id: UUID, now: datetime, *, asked: UUID | None = None
) -> Purse | None:  # fmt: skip
    """The member's points in the alliance that he asks for; else where he has most, of this city first. None: there is
    none."""
    return chosen(await purses_of(tx, city_id, member_id, now), asked)


def chosen(purses: Sequence[Purse], asked: UUID | None) -> Purse | None:
    """The purse that is asked for, else the first."""
    return next((one for one in purses if one.programme.programme_id == asked), purses[0] if purses else None)


async def badge(house: House, actor: Actor) -> Badge:
    """What the member's earn code is made from; it is made when it is asked for the first time."""
    ask = TakeBadge(member_id=member_of(actor), secret=people.fresh_badge_secret())
    async with house.db.member(actor.member_id) as tx:
        return (await people.take_badges(tx, [ask], now=house.clock.now()))[0]


async def find_friend(house: House, actor: Actor, phone: str, surname: str) -> Friend:
    """Who shall receive: by his number and how his name begins. Raises no_such_friend alike for a number that is
    nobody's and a name that is not his, send_to_self, too_many_tries.

    A stranger's number tells nothing to who does not know the name, and nobody has tries enough to guess.
    """
    member = member_of(actor)
    bucket = Take(f"friend/{member}", TRIES_A_DAY, DAY_S)
    async with house.db.central() as tx:
        late = (await take(tx, [bucket], now=house.clock.now()))[0]
    if late is not None:
        raise late
    number = people.normalise(phone)
    async with house.db.reading() as tx:
        found = (await people.members_of_phones(tx, [number])).get(number) if number else None
        known = (await people.members(tx, [found])).get(found) if found else None
    if found == member:
        raise programmes.SendToSelf()
    if known is None or number is None or not _begins(known.name, surname):
        raise NoSuchFriend()
    return Friend(known.member_id, mask_name(known.name), mask_phone(number))


def _begins(name: str, typed: str) -> bool:
    """Whether the name begins with what was typed: its first letter at least, capitals and width aside."""
    mine, said = (unicodedata.normalize("NFKC", text).strip().casefold() for text in (name, typed))
    return bool(said) and bool(mine) and mine.startswith(said)


async def send(
    house: House, city_id: int, actor: Actor, programme_id: UUID, to: UUID, points: int, *, key: str
) -> programmes.Sent:
    """Points to a friend, at once; the same key is the same sending. Raises key_reused and the refusals of
    programmes.send."""
    member = member_of(actor)
    ask = Send(
        movement_id=derive(member, f"send/{key}"), programme_id=programme_id, member_id=member, to=to, points=points
    )
    return await _once(
        house, city_id, ask, to, key=key, operation="programmes.send", do=programmes.send, result=programmes.Sent
    )


async def _once(
    house: House, city_id: int, ask: A, to: UUID, *, key: str, operation: str,
    do: Callable[..., Awaitable[list[R | Refusal]]], result: type[R],
) -> R:  # fmt: skip
    """Points leave a wallet once for each key, whichever of the two ways they go."""
    given, now = _Given(ask.programme_id, to, ask.points), house.clock.now()
    asks = [Ask(actor=ask.member_id, key=key, fingerprint=fingerprint(given), request=ask)]

    async def work(tx: Tx) -> list[Answer[R]]:
        return await once(
            tx, asks, city_id=city_id, operation=operation, result=result, now=now,
            do=lambda wanted: do(tx, wanted, now=now),
        )  # fmt: skip

    return good((await house.db.run_city(city_id, work))[0])


async def charities(tx: Tx, programme_id: UUID) -> list[Partner]:
    """To whom points may be given."""
    return [one for one in await programmes.partners(tx, programme_id) if one.charity and one.state == "active"]


async def donate(
    house: House, city_id: int, actor: Actor, programme_id: UUID, partner_id: UUID, points: int, *, key: str
) -> programmes.Burned:
    """Points for a charity of the alliance; the same key is the same gift. Raises key_reused and the refusals of
    programmes.burn."""
    member = member_of(actor)
    ask = Hold(
        movement_id=derive(member, f"donate/{key}"), programme_id=programme_id, member_id=member,
        partner_id=partner_id, city_id=city_id, store_id=None,
        source=Source("donation", derive(member, f"donate/{key}")), points=points,
    )  # fmt: skip
    return await _once(
        house,
        city_id,
        ask,
        partner_id,
        key=key,
        operation="programmes.burn",
        do=programmes.burn,
        result=programmes.Burned,
    )
