"""Units that were sold go back on sale: a refund before the sale has ended."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.inventory.model import GiveBack, GivenBack
from hutong.inventory.operations._lock import gather, move
from hutong.inventory.refusals import GiveBackChanged, HoldNotConfirmed, HoldUnknown, TooManyGivenBack
from hutong.kit.refusals import Refusal


class _Claim(Struct):
    """What a hold has of one quota: units sold that did not come back yet."""

    confirmed: bool
    left: int


_Notes = dict[UUID, dict[UUID, tuple[UUID, int]]]  # ref -> quota -> (hold, units)


async def give_back(tx: Tx, requests: Sequence[GiveBack], *, city_id: int, now: datetime) -> list[GivenBack | Refusal]:
    """Put units of confirmed holds back on sale, in the order of the list. The same `ref` again: `replayed`.

    Refusals: hold_unknown (also: the hold has nothing of that quota), hold_not_confirmed, too_many_given_back,
    give_back_changed (the same ref with other contents).
    """
    if not requests:
        return []
    claims = await _lock_claims(tx, [r.hold_id for r in requests], city_id=city_id)
    notes = await _read_notes(tx, [r.ref for r in requests], city_id=city_id)
    results: list[GivenBack | Refusal] = []
    rows: list[tuple[UUID, UUID, UUID, int]] = []
    for request in requests:
        answer = _decide(request, claims, notes)
        results.append(answer)
        if isinstance(answer, GivenBack) and not answer.replayed:
            for quota_id in _quotas(request, claims):
                claims[request.hold_id][quota_id].left -= request.units
                notes.setdefault(request.ref, {})[quota_id] = (request.hold_id, request.units)
                rows.append((request.ref, quota_id, request.hold_id, request.units))
    written = await _write(tx, rows, city_id=city_id, now=now)
    taken = {row[:3] for row in rows} - written  # the same ref, for another hold, at the same moment
    return [
        GiveBackChanged() if any((r.ref, quota_id, r.hold_id) in taken for quota_id in _quotas(r, claims)) else result
        for r, result in zip(requests, results, strict=True)
    ]


def _quotas(request: GiveBack, claims: dict[UUID, dict[UUID, _Claim]]) -> list[UUID]:
    held = claims.get(request.hold_id, {})
    if request.quota_id is None:
        return list(held)
    return [request.quota_id] if request.quota_id in held else []


def _decide(request: GiveBack, claims: dict[UUID, dict[UUID, _Claim]], notes: _Notes) -> GivenBack | Refusal:
    quotas = _quotas(request, claims)
    if not quotas:
        return HoldUnknown()
    noted = {quota_id: note for quota_id, note in notes.get(request.ref, {}).items() if quota_id in quotas}
    if noted:
        same = noted == dict.fromkeys(quotas, (request.hold_id, request.units))
        return _given(request, replayed=True) if same else GiveBackChanged()
    found = [claims[request.hold_id][quota_id] for quota_id in quotas]
    if not all(claim.confirmed for claim in found):
        return HoldNotConfirmed()
    left = min(claim.left for claim in found)
    return _given(request) if request.units <= left else TooManyGivenBack(left=left)


def _given(request: GiveBack, *, replayed: bool = False) -> GivenBack:
    return GivenBack(ref=request.ref, hold_id=request.hold_id, units=request.units, replayed=replayed)


async def _lock_claims(tx: Tx, hold_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[UUID, _Claim]]:
    rows = await tx.rows(
        """select h.hold_id, h.state, w.quota_id, w.units - w.units_returned as units
           from inventory.holds h join inventory.wants w on w.city_id = %(city)s and w.hold_id = h.hold_id
           where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[])
           order by h.hold_id, w.quota_id for no key update of h, w""",
        city=city_id, ids=sorted(set(hold_ids)),
    )  # fmt: skip
    claims: dict[UUID, dict[UUID, _Claim]] = {}
    for row in rows:
        claim = _Claim(row["state"] == "confirmed", row["units"])
        claims.setdefault(row["hold_id"], {})[row["quota_id"]] = claim
    return claims


async def _read_notes(tx: Tx, refs: Sequence[UUID], *, city_id: int) -> _Notes:
    rows = await tx.rows(
        """select ref, quota_id, hold_id, units from inventory.returns
           where city_id = %(city)s and ref = any(%(refs)s::uuid[])""",
        city=city_id, refs=list(refs),
    )  # fmt: skip
    notes: _Notes = {}
    for row in rows:
        notes.setdefault(row["ref"], {})[row["quota_id"]] = (row["hold_id"], row["units"])
    return notes


async def _write(
    tx: Tx, rows: Sequence[tuple[UUID, UUID, UUID, int]], *, city_id: int, now: datetime
) -> set[tuple[UUID, UUID, UUID]]:
    """Note and move; (ref, quota, hold) of what this call noted."""
    if not rows:
        return set()
    noted = await tx.rows(
        load(__package__, "give_back"), city=city_id, now=now, refs=[r[0] for r in rows],
        quotas=[r[1] for r in rows], holds=[r[2] for r in rows], units=[r[3] for r in rows],
    )  # fmt: skip
    await move(tx, gather([(r["quota_id"], 0, -r["units"]) for r in noted]), city_id=city_id)
    return {(row["ref"], row["quota_id"], row["hold_id"]) for row in noted}
