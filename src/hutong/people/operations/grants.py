"""Giving and taking roles. A role that ends keeps its row: who had it, from when to when, given and taken by whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.access import SCOPE_OF, Actor, Grant, Role
from hutong.kit.refusals import NotAllowed, NotFound, Refusal
from hutong.people.model import GiveRole, RevokeRole, RoleGiven
from hutong.people.queries import grants_of
from hutong.people.refusals import RoleNotThere


def _place(request: GiveRole) -> tuple[int | None, UUID | None, UUID | None] | None:
    """(city, merchant, store) as the row keeps it: only what belongs to the kind; None when something is missing."""
    kind = SCOPE_OF[request.role]
    if kind == "platform":
        return None, None, None
    if kind == "city":
        return None if request.city_id is None else (request.city_id, None, None)
    if kind == "merchant":
        return None if request.merchant_id is None else (None, request.merchant_id, None)
    whole = None not in (request.city_id, request.merchant_id, request.store_id)
    return (request.city_id, request.merchant_id, request.store_id) if whole else None


def _may(giver: UUID | None, held: dict[UUID, tuple[Grant, ...]], role: Role, place: dict[str, Any]) -> bool:
    """The house itself may always; a member only within what the member holds at this moment."""
    return giver is None or Actor(member_id=giver, name="", grants=held.get(giver, ())).may_give(role, **place)


async def grant(tx: Tx, requests: Sequence[GiveRole], *, now: datetime) -> list[RoleGiven | Refusal]:
    """Give roles; who has it already keeps the one they have (its grant_id comes back).

    Refusals in this order: RoleNotThere (the place lacks what the role needs), NotAllowed (the giver may not give
    it there: nobody gives a role above the own one; or this grant_id was taken away before). Source:
    reliability.md B7. Reference table: central.
    """
    held = await grants_of(tx, [r.by for r in requests if r.by is not None])
    refused: dict[int, Refusal] = {}
    for i, request in enumerate(requests):
        place = {"city": request.city_id, "merchant": request.merchant_id, "store": request.store_id}
        if _place(request) is None:
            refused[i] = RoleNotThere(role=request.role.value)
        elif not _may(request.by, held, request.role, place):
            refused[i] = NotAllowed()
    good = [r for i, r in enumerate(requests) if i not in refused]
    places = [_place(r) or (None, None, None) for r in good]
    params = {
        "grants": [r.grant_id for r in good],
        "members": [r.member_id for r in good],
        "roles": [r.role.value for r in good],
        "kinds": [SCOPE_OF[r.role] for r in good],
        "cities": [place[0] for place in places],
        "merchants": [place[1] for place in places],
        "stores": [place[2] for place in places],
    }
    await tx.run(load(__package__ or "", "give_roles"), **params, givers=[r.by for r in good], now=now)
    rows = await tx.rows(load(__package__ or "", "find_roles"), **params)
    given = iter([_given(row) for row in rows])
    return [refused.get(i) or next(given) for i in range(len(requests))]


def _given(row: dict[str, Any]) -> RoleGiven | Refusal:
    """An id whose role was taken away is not given a second time: an old invitation does not bring it back."""
    if row["grant_id"] is None:
        return NotAllowed()
    return RoleGiven(grant_id=row["grant_id"], member_id=row["member_id"], role=Role(row["role"]))


async def lock_platform(tx: Tx) -> list[UUID]:
    """The roles of the whole platform that hold now, locked until the end of the transaction: nobody takes two of
    them at once, so that one is always left. Reference table: central."""
    rows = await tx.rows(
        """select grant_id from people.grants where scope_kind = 'platform' and revoked_at is null
           order by grant_id for no key update"""
    )
    return [row["grant_id"] for row in rows]


async def revoke(tx: Tx, requests: Sequence[RevokeRole], *, now: datetime) -> list[RoleGiven | Refusal]:
    """Take roles away; it holds from the next request of their holder on. A second time changes nothing.

    Refusals: NotFound where there is no such role or the taker may not know it. Who may give a role at a place
    may take it; everybody may lay down an own one. Reference table: central.
    """
    rows = await tx.rows(
        """select grant_id, member_id, role, city_id, merchant_id, store_id from people.grants
           where grant_id = any(%(ids)s::uuid[]) order by grant_id for no key update""",
        ids=sorted({r.grant_id for r in requests}),
    )
    there = {row["grant_id"]: row for row in rows}
    held = await grants_of(tx, [r.by for r in requests if r.by is not None])
    results: list[RoleGiven | Refusal] = []
    taken: dict[UUID, UUID | None] = {}
    for request in requests:
        row = there.get(request.grant_id)
        if row is None or not (row["member_id"] == request.by or _may_take(request.by, held, row)):
            results.append(NotFound())
            continue
        taken.setdefault(request.grant_id, request.by)
        results.append(RoleGiven(grant_id=row["grant_id"], member_id=row["member_id"], role=Role(row["role"])))
    await tx.run(
        """update people.grants as g set revoked_at = %(now)s, revoked_by = w.revoked_by
           from unnest(%(ids)s::uuid[], %(takers)s::uuid[]) as w (grant_id, revoked_by)
           where g.grant_id = w.grant_id and g.revoked_at is null""",
        ids=list(taken),
        takers=list(taken.values()),
        now=now,
    )
    return results


def _may_take(taker: UUID | None, held: dict[UUID, tuple[Grant, ...]], row: dict[str, Any]) -> bool:
    place = {"city": row["city_id"], "merchant": row["merchant_id"], "store": row["store_id"]}
    return _may(taker, held, Role(row["role"]), place)
