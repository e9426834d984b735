"""Who works here: roles, invitations by QR, keys of tills, and who did what."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import segno
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct, field

from hutong import catalog, merchants, people
from hutong.desk import selling
from hutong.infra.db import Tx
from hutong.kit.access import GIVES, KEY_PERMISSIONS, Permission, Role
from hutong.kit.ids import API_KEY, INVITATION, STORE
from hutong.kit.refusals import BadInput, Refusal
from hutong.web.merchant.deal_form import Many, many
from hutong.web.merchant.deals import offer_id_of
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
SEES, INVITES = permission(Permission.VIEW_STAFF), permission(Permission.INVITE_STAFF)
KEYS = permission(Permission.MANAGE_KEYS)
ROLES = (Role.STORE_CASHIER, Role.STORE_MANAGER, Role.MERCHANT_OWNER)
KEY_CHOICES = tuple(sorted(KEY_PERMISSIONS))
KEPT_DAYS, MOST_DEEDS = 90, 100


class InviteForm(KeyedForm, frozen=True, kw_only=True):
    """Whom to invite: as what, where, and who it is (for the list)."""

    role: str = "store_cashier"
    where: str = ""
    label: str = ""


class KeyForm(KeyedForm, frozen=True, kw_only=True):
    """A key for a till: what it is called, where it holds, what it may do."""

    label: str = ""
    where: str = ""
    may: Many = field(default_factory=list)


class Deed(Struct, frozen=True, kw_only=True):
    """One line of the log: what somebody did, to what."""

    at: datetime
    what: str
    by: UUID | None
    about: str = ""
    role: str = ""
    whom: UUID | None = None
    store_id: UUID | None = None


async def page(visit: Visit, till: Till, *, status: int = 200, **more: Any) -> Response[str]:
    """The people, the open invitations and the keys that the visitor may see."""
    till.must(till.can(Permission.VIEW_STAFF))
    visit.frame["tab"] = "staff"
    now, actor = visit.house.clock.now(), till.actor
    sees = actor.scope(Permission.VIEW_STAFF)
    async with visit.house.db.reading(till.city_id) as tx:
        found = await people.staff(tx, sees, merchant_id=till.merchant_id)
        pending = await merchants.pending_invitations(tx, till.city_id, sees, now=now)
        keys = await people.keys(tx, actor.scope(Permission.MANAGE_KEYS)) if till.owns(Permission.MANAGE_KEYS) else []
        stores = await merchants.stores_of(tx, till.city_id, till.merchant_id)
        others = {one.store_id for one in found if one.store_id} - {one.store_id for one in stores}
        known = {one.store_id: one for one in stores} | await merchants.stores(tx, till.city_id, sorted(others))
    gives = [role for role in ROLES if may_give(till, role)]
    mine = [s for s in stores if actor.can(Permission.INVITE_STAFF, city=till.city_id, merchant=till.merchant_id,
                                           store=s.store_id)]  # fmt: skip
    context: dict[str, Any] = {"wrong": None, "typed": None, "done": ""} | more
    return visit.page(
        "merchant/staff.html", status=status, staff=found,
        pending=[i for i in pending if i.merchant_id == till.merchant_id],
        keys=[key for key in keys if key.merchant_id == till.merchant_id and key.alive(now)], stores=known, mine=mine,
        gives=gives, owns_keys=till.owns(Permission.MANAGE_KEYS), choices=KEY_CHOICES, INVITATION=INVITATION,
        API_KEY=API_KEY, me=actor.member_id,
        may_dismiss=lambda one: dismissable(till, one.role, one.store_id, one.city_id),
        **context,
    )  # fmt: skip


def may_give(till: Till, role: Role) -> bool:
    """Whether the visitor could give this role anywhere in this merchant."""
    return any(role in GIVES[g.role] and (g.merchant_id == till.merchant_id or g.kind in ("city", "platform"))
               for g in till.actor.grants)  # fmt: skip


def dismissable(till: Till, role: Role, store: UUID | None, city: int | None) -> bool:
    return till.actor.may_give(role, city=city, merchant=till.merchant_id, store=store)


@get("/{store:str}/staff", guards=[SEES])
async def staff(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """The people of the merchant that the visitor may see."""
    return await page(visit, till, done=done if done in ("uninvited", "dismissed", "revoked") else "")


@post("/{store:str}/staff/invitations", guards=[INVITES], status_code=200)
async def invite(visit: Visiting, till: AtTill, data: Annotated[InviteForm, Body(media_type=Posted)]) -> Response[str]:
    """A QR that somebody scans with his own phone to join; it is shown this once and lives seven days."""
    visit.frame["tab"] = "staff"
    if data.role not in {role.value for role in ROLES}:
        raise BadInput(field="role", why=data.role[:40])
    role = Role(data.role)
    store_id = None if role is Role.MERCHANT_OWNER else till.read(STORE, data.where) if data.where else till.store_id
    try:
        made = await selling.invite(
            visit.house, till.city_id, till.actor, merchant_id=till.merchant_id, store_id=store_id, role=role,
            label=data.label,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, till, status=refusal.status, wrong=refusal, typed=data)
    link = f"{visit.house.settings.address}/m/join/{made.text}"
    async with visit.house.db.reading(till.city_id) as tx:
        where = (await merchants.stores(tx, till.city_id, [store_id])).get(store_id) if store_id else None
    return visit.page(
        "merchant/invited.html", made=made, link=link, where=where, label=data.label,
        drawing=segno.make_qr(link, error="m").svg_inline(
            scale=1, border=4, omitsize=True, svgclass="qr", lineclass="qr-dark"
        ),
    )  # fmt: skip


@post("/{store:str}/staff/invitations/{invitation:str}/end", guards=[INVITES], status_code=303)
async def uninvite(
    visit: Visiting, till: AtTill, invitation: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Redirect:
    """Take an invitation back."""
    del data
    await selling.uninvite(visit.house, till.city_id, till.actor, till.read(INVITATION, invitation))
    return Redirect(till.to("/staff", done="uninvited"), status_code=303)


@post("/{store:str}/staff/roles/{grant:str}/end", guards=[INVITES], status_code=303)
async def dismiss(
    visit: Visiting, till: AtTill, grant: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Redirect:
    """Take a role away, at once."""
    del data
    await selling.dismiss(visit.house, till.actor, offer_id_of(grant))
    return Redirect(till.to("/staff", done="dismissed"), status_code=303)


@post("/{store:str}/staff/keys", guards=[KEYS], status_code=200)
async def make_key(visit: Visiting, till: AtTill, data: Annotated[KeyForm, Body(media_type=Posted)]) -> Response[str]:
    """A key for a till; the whole of it is on this one page and nowhere else."""
    visit.frame["tab"] = "staff"
    till.must(till.owns(Permission.MANAGE_KEYS))
    store_id = till.read(STORE, data.where) if data.where else None
    try:
        made = await selling.make_key(
            visit.house, till.actor, till.merchant_id, label=data.label, permissions=many(data.may),
            city_id=till.city_id if store_id else None, store_id=store_id,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, till, status=refusal.status, wrong=refusal, typed=data)
    return visit.page("merchant/key_made.html", made=made, label=data.label, old=None)


@post("/{store:str}/staff/keys/{key:str}/next", guards=[KEYS], status_code=200)
async def rotate_key(
    visit: Visiting, till: AtTill, key: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Response[str]:
    """A new key in place of one; the old one works for a day more."""
    del data
    visit.frame["tab"] = "staff"
    till.must(till.owns(Permission.MANAGE_KEYS))
    made, old = await selling.rotate_key(visit.house, till.actor, till.merchant_id, API_KEY.read(key))
    return visit.page("merchant/key_made.html", made=made, label=old.label, old=old)


@post("/{store:str}/staff/keys/{key:str}/end", guards=[KEYS], status_code=303)
async def revoke_key(
    visit: Visiting, till: AtTill, key: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Redirect:
    """End a key at once."""
    del data
    await selling.revoke_key(visit.house, till.actor, till.merchant_id, API_KEY.read(key))
    return Redirect(till.to("/staff", done="revoked"), status_code=303)


@get("/{store:str}/staff/log", guards=[SEES])
async def log(visit: Visiting, till: AtTill) -> Response[str]:
    """Who did what in the last ninety days: people, keys, stores, deals."""
    till.must(till.can(Permission.VIEW_STAFF))
    visit.frame["tab"] = "staff"
    since = visit.house.clock.now() - timedelta(days=KEPT_DAYS)
    async with visit.house.db.reading(till.city_id) as tx:
        deeds = await deeds_of(tx, till, since, visit.language)
        ids = {one.by for one in deeds if one.by} | {one.whom for one in deeds if one.whom}
        names = await people.members(tx, sorted(ids))
        stores = await merchants.stores(tx, till.city_id, sorted({d.store_id for d in deeds if d.store_id}))
    return visit.page("merchant/staff_log.html", deeds=deeds, names=names, stores=stores, days=KEPT_DAYS)


async def deeds_of(tx: Tx, till: Till, since: datetime, language: str) -> Sequence[Deed]:
    """What was done at the merchant, as far as the visitor may see it, newest first."""
    actor, asked = till.actor, {"merchant_id": till.merchant_id, "since": since, "limit": MOST_DEEDS}
    sees, local = actor.scope(Permission.VIEW_STAFF), {"city_id": till.city_id, **asked}
    found = [
        Deed(at=d.at, what=d.what, by=d.by, about="" if d.what.startswith("role") else d.word, whom=d.whom,
             role=d.word if d.what.startswith("role") else "", store_id=d.store_id)
        for d in await people.staff_deeds(tx, staff=sees, keys=actor.scope(Permission.MANAGE_KEYS), **asked)
    ]  # fmt: skip
    found += [
        Deed(at=d.at, what=d.what, by=d.by, about=d.label, role=d.role, store_id=d.store_id)
        for d in await merchants.invitation_deeds(tx, sees, **local)
    ]
    found += [
        Deed(at=d.at, what=f"store_{d.what}", by=d.by, store_id=d.store_id)
        for d in await merchants.changes(tx, actor.scope(Permission.EDIT_STORE), **local)
    ]
    offers = await catalog.deeds(tx, actor.scope(Permission.VIEW_OFFERS), **local)
    found += [Deed(at=d.at, what=f"offer_{d.what}", by=d.by, about=d.title.in_(language)) for d in offers]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_DEEDS]


ROUTES = (staff, invite, uninvite, dismiss, make_key, rotate_key, revoke_key, log)
