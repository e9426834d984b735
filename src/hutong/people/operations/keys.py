"""Keys for merchants' own tills: `hutong_live_<id>_<secret>`, shown once, stored as a hash."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.kit.access import KEY_PERMISSIONS, Scope
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.people.model import KeyInfo, KeyMade, MakeKey, RevokeKey, RotateKey, key_text
from hutong.people.queries import keys

TOUCH_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is; a write for each request would be a hot row


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def make_keys(
    tx: Tx, requests: Sequence[MakeKey], *, scope: Scope, now: datetime
) -> list[KeyMade | Refusal]:  # fmt: skip
    """Make keys; the whole text is in the answer and nowhere else.

    `scope` is the maker's scope of MANAGE_KEYS. Refusals in this order: NotFound outside it, NotAllowed for a
    permission that no key may have, BadInput for no label, no permission or a store without its city.
    """
    results: list[KeyMade | Refusal] = []
    good: list[MakeKey] = []
    for request in requests:
        refusal = _why_not(request, scope)
        results.append(refusal or KeyMade(key_id=request.key_id, text=key_text(request.key_id, request.secret)))
        if refusal is None:
            good.append(request)
    await tx.run(
        load(__package__ or "", "make_keys"),
        keys=[r.key_id for r in good],
        hashes=[_hash(r.secret) for r in good],
        merchants=[r.merchant_id for r in good],
        cities=[r.city_id for r in good],
        stores=[r.store_id for r in good],
        labels=[r.label.strip() for r in good],
        permissions=[",".join(sorted(r.permissions)) for r in good],
        makers=[r.made_by for r in good],
        now=now,
    )
    return results


def _why_not(request: MakeKey, scope: Scope) -> Refusal | None:
    if not scope.covers(city=request.city_id, merchant=request.merchant_id, store=request.store_id):
        return NotFound()
    if request.permissions - KEY_PERMISSIONS:
        return NotAllowed()
    if not 0 < len(request.label.strip()) <= 60:
        return BadInput(field="label", why="1-60")
    if not request.permissions:
        return BadInput(field="permissions", why="[]")
    if (request.city_id is None) != (request.store_id is None):
        return BadInput(field="store_id", why="city_id + store_id")
    return None


async def rotate_keys(
    tx: Tx, requests: Sequence[RotateKey], *, scope: Scope, now: datetime
) -> list[KeyMade | Refusal]:  # fmt: skip
    """Replace keys by new ones with the same rights; the old ones end after their grace.

    Refusals: NotFound outside the scope of MANAGE_KEYS; NotFound for a key that ended or was replaced already.
    """
    old = await _living(tx, [r.key_id for r in requests], scope=scope, now=now)
    results: list[KeyMade | Refusal] = []
    good: list[tuple[RotateKey, KeyInfo]] = []
    for request in requests:
        key = old.pop(request.key_id, None)
        if key is None or key.replaced_by is not None:
            results.append(NotFound())
        else:
            good.append((request, key))
            results.append(KeyMade(key_id=request.new_key_id, text=key_text(request.new_key_id, request.new_secret)))
    await tx.run(
        load(__package__ or "", "make_keys"),
        keys=[r.new_key_id for r, _ in good],
        hashes=[_hash(r.new_secret) for r, _ in good],
        merchants=[k.merchant_id for _, k in good],
        cities=[k.city_id for _, k in good],
        stores=[k.store_id for _, k in good],
        labels=[k.label for _, k in good],
        permissions=[",".join(sorted(k.permissions)) for _, k in good],
        makers=[r.by for r, _ in good],
        now=now,
    )
    await _end(tx, [(r.key_id, now + r.grace, r.by, r.new_key_id) for r, _ in good])
    return results


async def revoke_keys(
    tx: Tx, requests: Sequence[RevokeKey], *, scope: Scope, now: datetime
) -> list[KeyInfo | Refusal]:  # fmt: skip
    """End keys at once; the next request with one is turned away. A key that ended already stays as it ended.

    Refusals: NotFound outside the scope of MANAGE_KEYS.
    """
    there = await keys(tx, scope, ids=[r.key_id for r in requests])
    found = {key.key_id: key for key in there}
    ended = [(r.key_id, now, r.by, None) for r in requests if r.key_id in found and found[r.key_id].alive(now)]
    await _end(tx, list({row[0]: row for row in ended}.values()))
    return [found.get(r.key_id) or NotFound() for r in requests]


async def _living(tx: Tx, ids: Sequence[UUID], *, scope: Scope, now: datetime) -> dict[UUID, KeyInfo]:
    """The keys of the scope that are alive, locked: two rotations of one key make one new key."""
    await tx.rows(
        "select key_id from people.keys where key_id = any(%(ids)s::uuid[]) order by key_id for no key update",
        ids=sorted(ids),
    )
    return {key.key_id: key for key in await keys(tx, scope, ids=ids) if key.alive(now)}


async def _end(tx: Tx, ends: Sequence[tuple[UUID, datetime, UUID, UUID | None]]) -> None:
    await tx.run(
        """update people.keys as k
           set ends_at = w.ends_at, ended_by = w.ended_by, replaced_by = coalesce(w.replaced_by, k.replaced_by)
           from unnest(%(ids)s::uuid[], %(ends)s::timestamptz[], %(enders)s::uuid[], %(replacers)s::uuid[])
                as w (key_id, ends_at, ended_by, replaced_by)
           where k.key_id = w.key_id""",
        ids=[row[0] for row in ends],
        ends=[row[1] for row in ends],
        enders=[row[2] for row in ends],
        replacers=[row[3] for row in ends],
    )


async def touch_keys(tx: Tx, key_ids: Sequence[UUID], *, now: datetime) -> int:
    """Note that keys were used, exact to a minute; how many rows changed."""
    return await tx.run(
        """update people.keys set last_used_at = %(now)s
           where key_id = any(%(ids)s::uuid[]) and (last_used_at is null or last_used_at < %(before)s)""",
        ids=sorted(key_ids),
        now=now,
        before=now - TOUCH_EVERY,
    )
