"""What people say of a visit: guests write, shops answer, anybody reports, the operator decides."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import reviews
from hutong.desk.buying import member_of
from hutong.desk.house import House
from hutong.desk.keyed import good, submit
from hutong.infra.ids import new_id
from hutong.infra.limits import Take, take
from hutong.infra.pictures import Picture, read_ticket, ticket
from hutong.kit.access import Actor, Permission
from hutong.kit.masks import mask_name
from hutong.kit.refusals import NotAllowed, Refusal
from hutong.reviews import (
    Appeal,
    Content,
    Decide,
    Done,
    Edit,
    Moderate,
    Photo,
    Reply,
    Report,
    Review,
    ReviewUnknown,
    Side,
    Verb,
    Withdraw,
    Write,
)

PICTURES_PER_HOUR, REPORTS_PER_DAY = 60, 30  # of one member
HOUR, DAY = 3600, 86_400


class _Given(Struct, frozen=True):
    """What the client sent: guards the key."""

    about: UUID
    what: Any


async def pictures(house: House, actor: Actor, sent: Sequence[bytes]) -> list[Picture | Refusal]:
    """Store pictures for a member; each answer at its place: bad_picture, picture_too_large. Raises too_many_tries."""
    if not sent:
        return []
    await _limit(house, f"pictures/{member_of(actor)}", PICTURES_PER_HOUR, HOUR, len(sent))
    return await house.pictures.take(sent)


def tickets(house: House, actor: Actor, made: Sequence[Picture]) -> list[str]:
    """What a form carries about stored pictures until it is sent again; good for this member only."""
    secret = house.settings.key("pictures")
    return [ticket(one, owner=str(actor.member_id), secret=secret) for one in made]


def of_tickets(house: House, actor: Actor, texts: Sequence[str]) -> list[Picture]:
    """The pictures of tickets. Raises not_found for one that was not given to this member."""
    secret = house.settings.key("pictures")
    return [read_ticket(text, owner=str(actor.member_id), secret=secret) for text in texts]


def photos(made: Sequence[Picture]) -> tuple[Photo, ...]:
    """Stored pictures as photos of a review."""
    return tuple(Photo(one.name, one.small) for one in made)


async def write(
    house: House, city_id: int, actor: Actor, voucher_id: UUID, content: Content, *, key: str, language: str
) -> Done:
    """Review the visit at which the member's own voucher was used. Raises the refusals of reviews.write."""
    ask = Write(
        review_id=new_id(), voucher_id=voucher_id, member_id=member_of(actor), author=mask_name(actor.name),
        language=language, content=content,
    )  # fmt: skip
    return await _do(house, "write", city_id, actor, key, _Given(voucher_id, content), ask)


async def edit(house: House, city_id: int, actor: Actor, review_id: UUID, content: Content, *, key: str) -> Done:
    """Change the member's own review. Raises the refusals of reviews.edit."""
    ask = Edit(review_id=review_id, member_id=member_of(actor), content=content)
    return await _do(house, "edit", city_id, actor, key, _Given(review_id, content), ask)


async def withdraw(house: House, city_id: int, actor: Actor, review_id: UUID, *, key: str) -> Done:
    """Take the member's own review back. Raises review_not_found."""
    ask = Withdraw(review_id=review_id, member_id=member_of(actor))
    return await _do(house, "withdraw", city_id, actor, key, _Given(review_id, "withdraw"), ask)


async def report(
    house: House, city_id: int, actor: Actor, review_id: UUID, *, key: str, reason: str, words: str = ""
) -> Done:
    """Report a review that breaks the rules. Raises the refusals of reviews.report, too_many_tries."""
    await _limit(house, f"reports/{member_of(actor)}", REPORTS_PER_DAY, DAY)
    ask = Report(review_id=review_id, by=actor.member_id, reason=reason, words=words)
    return await _do(house, "report", city_id, actor, key, _Given(review_id, [reason, words]), ask)


async def reply(house: House, city_id: int, actor: Actor, review_id: UUID, *, key: str, words: str) -> Done:
    """Answer for the shop, or word its answer anew. Raises not_allowed and the refusals of reviews.reply."""
    await _for_the_shop(house, city_id, actor, review_id)
    ask = Reply(review_id=review_id, by=actor.member_id, words=words)
    return await _do(house, "reply", city_id, actor, key, _Given(review_id, words), ask)


async def appeal(
    house: House, city_id: int, actor: Actor, review_id: UUID, *, side: Side, key: str, words: str
) -> Done:
    """Ask the operator to look again, as the author or for the shop. Raises the refusals of reviews.appeal."""
    if side == "merchant":
        await _for_the_shop(house, city_id, actor, review_id)
    ask = Appeal(review_id=review_id, side=side, by=member_of(actor), words=words)
    return await _do(house, "appeal", city_id, actor, key, _Given(review_id, [side, words]), ask)


async def moderate(
    house: House, city_id: int, actor: Actor, review_id: UUID, *, verb: Verb, reason: str = "", key: str
) -> Done:
    """Keep, hide or restore a review of the operator's city. Raises not_allowed and those of reviews.moderate."""
    _for_the_city(city_id, actor)
    ask = Moderate(review_id=review_id, by=actor.member_id, verb=verb, reason=reason)
    return await _do(house, "moderate", city_id, actor, key, _Given(review_id, [verb, reason]), ask)


async def decide(
    house: House, city_id: int, actor: Actor, review_id: UUID, *, side: Side, granted: bool, reason: str, key: str
) -> Done:
    """End an appeal in the operator's city. Raises not_allowed and the refusals of reviews.decide."""
    _for_the_city(city_id, actor)
    ask = Decide(review_id=review_id, side=side, by=actor.member_id, granted=granted, reason=reason)
    return await _do(house, "decide", city_id, actor, key, _Given(review_id, [side, granted, reason]), ask)


async def _do(house: House, verb: str, city_id: int, actor: Actor, key: str, given: _Given, ask: Any) -> Done:
    answer = await submit(
        house, f"reviews.{verb}", city_id, actor=actor.member_id, key=key, given=given, request=ask
    )  # fmt: skip
    house.nudge()
    return good(answer)


async def _for_the_shop(house: House, city_id: int, actor: Actor, review_id: UUID) -> Review:
    """The review, if the actor may speak for its shop; for a shop that is not his it is as unknown as if not there."""
    async with house.db.reading(city_id) as tx:
        review = (await reviews.by_ids(tx, [review_id], city_id=city_id))[0]
    if not actor.is_member:
        raise NotAllowed()
    if review is None or not actor.can(
        Permission.REPLY_REVIEWS, city=city_id, merchant=review.merchant_id, store=review.store_id
    ):
        raise ReviewUnknown()
    return review


def _for_the_city(city_id: int, actor: Actor) -> None:
    if not (actor.is_member and actor.can(Permission.MODERATE_REVIEWS, city=city_id)):
        raise NotAllowed()


async def _limit(house: House, bucket: str, most: int, window_s: int, units: int = 1) -> None:
    """Count tries; raises too_many_tries. In a transaction of its own, so a refused write counts, too."""
    async with house.db.central() as tx:
        refused = await take(tx, [Take(bucket, most, window_s, units)], now=house.clock.now())
    if refused[0] is not None:
        raise refused[0]
