"""Inviting staff: who may give a role invites for it, and each invitation is accepted once."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.sql import load
from hutong.kit.access import Role, Scope
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.merchants.invited import secret_hash
from hutong.merchants.model import (
    STAFF_ROLES,
    Accepted,
    AcceptInvitation,
    Invited,
    InviteStaff,
    RevokeInvitation,
    Store,
    invitation_text,
)
from hutong.merchants.queries import presence, stores
from hutong.merchants.refusals import InvitationExpired, InvitationUsed


async def invite_staff(
    tx: Tx, requests: Sequence[InviteStaff], *, city_id: int, now: datetime
) -> list[Invited | Refusal]:
    """Invite people as owners of a merchant, or as managers or cashiers of a store; seven days to accept.

    Refusals in this order: BadInput (role, store_id, label), NotFound (no such open store of that merchant here),
    NotAllowed (nobody invites above the own role or outside the own place; an owner's role reaches into every
    city of the merchant, so an operator gives it only where all of them are his). Source: reliability.md B7.
    """
    known = await stores(tx, city_id, [r.store_id for r in requests if r.store_id])
    homes = await presence(tx, [r.merchant_id for r in requests])
    results: list[Invited | Refusal] = []
    good: list[InviteStaff] = []
    for r in requests:
        refusal = _why_not(r, city_id, known.get(r.store_id) if r.store_id else None, homes.get(r.merchant_id))
        text = invitation_text(city_id, r.invitation_id, r.secret)
        results.append(
            refusal or Invited(invitation_id=r.invitation_id, text=text, role=r.role, expires_at=now + r.life)
        )
        if refusal is None:
            good.append(r)
    await tx.run(
        load(__package__ or "", "invite"),
        city=city_id,
        ids=[r.invitation_id for r in good],
        merchants=[r.merchant_id for r in good],
        stores=[r.store_id for r in good],
        roles=[r.role.value for r in good],
        labels=[r.label.strip() for r in good],
        hashes=[secret_hash(r.secret) for r in good],
        inviters=[r.inviter.member_id for r in good],
        ends=[now + r.life for r in good],
        now=now,
    )
    return results


def _why_not(r: InviteStaff, city_id: int, store: Store | None, homes: frozenset[int] | None) -> Refusal | None:
    if r.role not in STAFF_ROLES:
        return BadInput(field="role", why=r.role.value)
    if (r.role is Role.MERCHANT_OWNER) != (r.store_id is None):
        return BadInput(field="store_id", why=r.role.value)
    if len(r.label.strip()) > 60:
        return BadInput(field="label", why="≤ 60")
    if not homes or city_id not in homes:
        return NotFound()
    if r.store_id is not None and (store is None or store.merchant_id != r.merchant_id or store.status != "open"):
        return NotFound()
    reach = homes if r.role is Role.MERCHANT_OWNER else {city_id}
    may = all(r.inviter.may_give(r.role, city=c, merchant=r.merchant_id, store=r.store_id) for c in reach)
    return None if may else NotAllowed()


async def accept_invitations(
    tx: Tx, requests: Sequence[AcceptInvitation], *, city_id: int, now: datetime
) -> list[Accepted | Refusal]:
    """Take invitations. The edge gives the roles with `people.grant` in the same transaction.

    Once only: the same member again gets the same answer, another member InvitationUsed. Refusals in this order:
    NotFound (unknown, taken back, or not its secret), InvitationUsed, InvitationExpired (too old, or the store
    closed). Records `merchants.staff_joined`.
    """
    rows = await tx.rows(
        load(__package__ or "", "lock_invitations"),
        city=city_id,
        ids=sorted({r.invitation_id for r in requests}),
    )
    there = {row["invitation_id"]: row for row in rows}
    results: list[Accepted | Refusal] = []
    taken: dict[UUID, UUID] = {}
    for r in requests:
        row = there.get(r.invitation_id)
        refusal = _why_not_accepted(r, row, now)
        if row is None or refusal is not None:
            results.append(refusal or NotFound())
            continue
        if row["accepted_by"] is None:
            row["accepted_by"] = taken[r.invitation_id] = r.member_id
        results.append(_accepted(row, city_id))
    await tx.run(
        """update merchants.invitations as i set accepted_at = %(now)s, accepted_by = w.member_id
           from unnest(%(ids)s::uuid[], %(members)s::uuid[]) as w (invitation_id, member_id)
           where i.city_id = %(city)s and i.invitation_id = w.invitation_id and i.accepted_at is null""",
        city=city_id,
        ids=list(taken),
        members=list(taken.values()),
        now=now,
    )
    await tx.record([_joined(there[i], city_id, now) for i in taken])
    return results


def _why_not_accepted(r: AcceptInvitation, row: dict[str, Any] | None, now: datetime) -> Refusal | None:
    if row is None or row["revoked_at"] or not hmac.compare_digest(row["secret_hash"], secret_hash(r.secret)):
        return NotFound()
    if row["accepted_by"] is not None:
        return None if row["accepted_by"] == r.member_id else InvitationUsed()
    if now >= row["expires_at"] or row["store_status"] == "closed":
        return InvitationExpired()
    return None


def _accepted(row: dict[str, Any], city_id: int) -> Accepted:
    return Accepted(
        invitation_id=row["invitation_id"], grant_id=derive(row["invitation_id"], "grant"),
        member_id=row["accepted_by"], role=Role(row["role"]), city_id=city_id, merchant_id=row["merchant_id"],
        store_id=row["store_id"], invited_by=row["invited_by"],
    )  # fmt: skip


def _joined(row: dict[str, Any], city_id: int, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(row["invitation_id"], "joined"), city_id=city_id, topic="merchants.staff_joined",
        subject=row["merchant_id"], payload={"member_id": str(row["accepted_by"]), "role": row["role"]}, at=now,
    )  # fmt: skip


async def revoke_invitations(
    tx: Tx, requests: Sequence[RevokeInvitation], *, city_id: int, scope: Scope, now: datetime
) -> list[UUID | Refusal]:
    """Take invitations back before they are accepted. `scope` is the scope of INVITE_STAFF.

    Refusals: NotFound (unknown, accepted, taken back already, or outside the scope).
    """
    seen, params = scope.sql(city="i.city_id", merchant="i.merchant_id", store="i.store_id")
    rows = await tx.rows(
        f"""update merchants.invitations as i set revoked_at = %(now)s, revoked_by = w.revoked_by
            from unnest(%(ids)s::uuid[], %(revokers)s::uuid[]) as w (invitation_id, revoked_by)
            where i.city_id = %(city)s and i.invitation_id = w.invitation_id and {seen}
              and i.accepted_at is null and i.revoked_at is null
            returning i.invitation_id""",
        city=city_id,
        ids=[r.invitation_id for r in requests],
        revokers=[r.by for r in requests],
        now=now,
        **params,
    )
    gone = {row["invitation_id"] for row in rows}
    return [r.invitation_id if r.invitation_id in gone else NotFound() for r in requests]
