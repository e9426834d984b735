"""What a merchant's people do away from the counter: offers, staff, keys of tills."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong import catalog, inventory, merchants, people, places
from hutong.catalog import Draft, Offer, Step
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.access import Actor, Permission, Role
from hutong.kit.refusals import BadInput, NotAllowed, NotFound
from hutong.merchants import Accepted, AcceptInvitation, Invited, InviteStaff, RevokeInvitation
from hutong.people import GiveRole, KeyInfo, KeyMade, MakeKey, RevokeKey, RevokeRole, RotateKey


async def currency(tx: Tx, city_id: int) -> str:
    """The currency in which a city sells. Raises unknown_city."""
    city = await places.city(tx, city_id)
    if city is None:
        raise places.UnknownCity()
    return city.currency


def quotas_of(drafts: Sequence[Draft], totals: Sequence[int]) -> tuple[list[OpenQuota], list[Draft]]:
    """A stock of its own for each draft that names none, and the drafts with it."""
    made: list[OpenQuota] = []
    ready: list[Draft] = []
    for draft, total in zip(drafts, totals, strict=True):
        quota_id = draft.quota_id or draft.offer_id
        made.append(OpenQuota(quota_id=quota_id, label=draft.title.zh[:80], total=total))
        ready.append(structs.replace(draft, quota_id=quota_id))
    return made, ready


async def draft_offer(house: House, city_id: int, actor: Actor, draft: Draft, *, units: int) -> Offer:
    """A draft with `units` in stock, by somebody who may write the merchant's offers."""
    if not actor.can(Permission.EDIT_OFFERS, city=city_id, merchant=draft.merchant_id):
        raise NotAllowed()
    if not 1 <= units <= 10_000_000:
        raise BadInput(field="units", why="1-10000000")
    made, ready = quotas_of([structs.replace(draft, by=actor.member_id)], [units])

    async def work(tx: Tx) -> Any:
        now = house.clock.now()
        results = await catalog.draft(tx, ready, city_id=city_id, now=now)
        if isinstance(results[0], Offer):
            await inventory.open_quotas(tx, made, city_id=city_id, now=now)
        return results

    return sure((await house.db.run_city(city_id, work))[0])


async def step_offer(house: House, city_id: int, actor: Actor, what: str, step: Step) -> Offer:
    """One step of an offer's life: submit, withdraw and end by its merchant; approve and reject by the operator."""
    needs = Permission.REVIEW_OFFERS if what in ("approve", "reject") else Permission.EDIT_OFFERS
    async with house.db.reading(city_id) as tx:
        found = (await catalog.offers(tx, [step.offer_id], city_id=city_id))[0]
    if found is None or not actor.can(needs, city=city_id, merchant=found.merchant_id):
        raise catalog.OfferNotFound()
    verb = {
        "submit": catalog.submit, "withdraw": catalog.withdraw, "end": catalog.end, "approve": catalog.approve,
        "reject": catalog.reject,
    }[what]  # fmt: skip
    taken = structs.replace(step, by=actor.member_id)

    async def work(tx: Tx) -> Any:
        return await verb(tx, [taken], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def invite(
    house: House, city_id: int, actor: Actor, *, merchant_id: UUID, store_id: UUID | None, role: Role, label: str
) -> Invited:
    """A link by which somebody becomes staff; it is shown once."""
    ask = InviteStaff(
        invitation_id=new_id(), secret=people.new_secret(), merchant_id=merchant_id, store_id=store_id, role=role,
        label=label, inviter=actor,
    )  # fmt: skip

    async def work(tx: Tx) -> Any:
        return await merchants.invite_staff(tx, [ask], city_id=city_id, now=house.clock.now())

    return sure((await house.db.run_city(city_id, work))[0])


async def uninvite(house: House, city_id: int, actor: Actor, invitation_id: UUID) -> None:
    """Take an invitation back before it is accepted. Raises not_found."""
    ask = RevokeInvitation(invitation_id=invitation_id, by=actor.member_id)

    async def work(tx: Tx) -> Any:
        scope = actor.scope(Permission.INVITE_STAFF)
        return await merchants.revoke_invitations(tx, [ask], city_id=city_id, scope=scope, now=house.clock.now())

    sure((await house.db.run_city(city_id, work))[0])


async def dismiss(house: House, actor: Actor, grant_id: UUID) -> None:
    """Take a role away; it holds from the next request of its holder on. Raises not_found."""
    async with house.db.central() as tx:
        asks = [RevokeRole(grant_id=grant_id, by=actor.member_id)]
        sure((await people.revoke(tx, asks, now=house.clock.now()))[0])


async def accept(house: House, city_id: int, actor: Actor, invitation_id: UUID, secret: str) -> Accepted:
    """Take an invitation: the role is given in the same transaction."""
    if not actor.is_member:
        raise NotAllowed()
    ask = AcceptInvitation(invitation_id=invitation_id, secret=secret, member_id=actor.member_id)

    async def work(tx: Tx) -> Any:
        now: datetime = house.clock.now()
        taken = sure((await merchants.accept_invitations(tx, [ask], city_id=city_id, now=now))[0])
        give = GiveRole(
            grant_id=invitation_id, member_id=actor.member_id, role=taken.role, city_id=city_id,
            merchant_id=taken.merchant_id, store_id=taken.store_id, by=taken.invited_by,
        )  # fmt: skip
        sure((await people.grant(tx, [give], now=now))[0])
        return taken

    return await house.db.run_city(city_id, work)


async def make_key(
    house: House, actor: Actor, merchant_id: UUID, *, label: str, permissions: Sequence[str],
    city_id: int | None = None, store_id: UUID | None = None,
) -> KeyMade:  # fmt: skip
    """A key for a till of the merchant, or of one store of it."""
    known = {permission.value: permission for permission in Permission}
    strange = [word for word in permissions if word not in known]
    if strange:
        raise BadInput(field="permissions", why=", ".join(strange)[:200])
    ask = MakeKey(
        key_id=new_id(), secret=people.new_secret(), merchant_id=merchant_id, city_id=city_id, store_id=store_id,
        label=label, permissions=frozenset(known[word] for word in permissions), made_by=actor.member_id,
    )  # fmt: skip
    async with house.db.central() as tx:
        if store_id is not None and city_id is not None:
            store = (await merchants.stores(tx, city_id, [store_id])).get(store_id)
            if store is None or store.merchant_id != merchant_id:
                raise NotFound()
        made = await people.make_keys(tx, [ask], scope=actor.scope(Permission.MANAGE_KEYS), now=house.clock.now())
    return sure(made[0])


async def rotate_key(house: House, actor: Actor, merchant_id: UUID, key_id: UUID) -> tuple[KeyMade, KeyInfo]:
    """A new key with the rights of the old one, and the old one as it is now: it works for a day more, so that tills
    can change over one by one. Raises not_found (also for a key that ended or was replaced already)."""
    scope, now = actor.scope(Permission.MANAGE_KEYS), house.clock.now()
    async with house.db.central() as tx:
        if not any(key.merchant_id == merchant_id for key in await people.keys(tx, scope, ids=[key_id])):
            raise NotFound()
        ask = RotateKey(key_id=key_id, new_key_id=new_id(), new_secret=people.new_secret(), by=actor.member_id)
        made = sure((await people.rotate_keys(tx, [ask], scope=scope, now=now))[0])
        [old] = await people.keys(tx, scope, ids=[key_id])
    return made, old


async def revoke_key(house: House, actor: Actor, merchant_id: UUID, key_id: UUID) -> None:
    """End a key of the merchant at once."""
    scope = actor.scope(Permission.MANAGE_KEYS)
    async with house.db.central() as tx:
        if not any(key.merchant_id == merchant_id for key in await people.keys(tx, scope, ids=[key_id])):
            raise NotFound()
        asks = [RevokeKey(key_id=key_id, by=actor.member_id)]
        sure((await people.revoke_keys(tx, asks, scope=scope, now=house.clock.now()))[0])
