"""Caps per member: how many units of an offer one member may hold, counted under a lock."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.orders.refusals import OverMemberCap


class Claim(Struct, frozen=True):
    """Request number `index` wants `units` of an offer that allows `cap` (None: no cap, only counted)."""

    index: int
    member_id: UUID
    offer_id: UUID
    units: int
    cap: int | None


async def take(tx: Tx, claims: Sequence[Claim], *, city_id: int) -> dict[int, Refusal]:
    """Count the claims in list order; the requests whose claim passes the cap, with the reason.

    A request is counted with all its claims or with none. The counters stay locked until the transaction ends,
    so two phones of one member cannot both take the last unit.
    """
    if not claims:
        return {}
    keys = sorted({(c.offer_id, c.member_id) for c in claims})
    offers, members = [k[0] for k in keys], [k[1] for k in keys]
    await tx.run(
        """insert into orders.bought (city_id, offer_id, member_id, units)
           select %(city)s, k.offer, k.member, 0
           from unnest(%(offers)s::uuid[], %(members)s::uuid[]) as k(offer, member)
           on conflict (city_id, offer_id, member_id) do nothing""",
        city=city_id, offers=offers, members=members,
    )  # fmt: skip
    rows = await tx.rows(
        """select b.offer_id, b.member_id, b.units from orders.bought b
           join unnest(%(offers)s::uuid[], %(members)s::uuid[]) as k(offer, member)
             on b.offer_id = k.offer and b.member_id = k.member
           where b.city_id = %(city)s order by b.offer_id, b.member_id for no key update of b""",
        city=city_id, offers=offers, members=members,
    )  # fmt: skip
    have = {(r["offer_id"], r["member_id"]): r["units"] for r in rows}
    refused, counted = _decide(claims, have)
    await _add(tx, counted, city_id=city_id)
    return refused


def _decide(
    claims: Sequence[Claim], have: dict[tuple[UUID, UUID], int]
) -> tuple[dict[int, Refusal], dict[tuple[UUID, UUID], int]]:
    refused: dict[int, Refusal] = {}
    added: dict[tuple[UUID, UUID], int] = {}
    by_index: dict[int, list[Claim]] = {}
    for claim in claims:
        by_index.setdefault(claim.index, []).append(claim)
    for index, group in by_index.items():
        trial = dict(added)
        for claim in group:
            key = (claim.offer_id, claim.member_id)
            total = have[key] + trial.get(key, 0) + claim.units
            if claim.cap is not None and total > claim.cap:
                refused[index] = OverMemberCap(cap=claim.cap, bought=total - claim.units)
                break
            trial[key] = trial.get(key, 0) + claim.units
        else:
            added = trial
    return refused, added


async def give_back(tx: Tx, claims: Sequence[Claim], *, city_id: int) -> None:
    """Take the claims out of the counters again: the order did not come to stand, or its units were given back."""
    less: dict[tuple[UUID, UUID], int] = {}
    for claim in claims:
        key = (claim.offer_id, claim.member_id)
        less[key] = less.get(key, 0) - claim.units
    await _add(tx, less, city_id=city_id)


async def _add(tx: Tx, changes: dict[tuple[UUID, UUID], int], *, city_id: int) -> None:
    keys = sorted(changes)
    if not keys:
        return
    await tx.run(
        """update orders.bought b set units = b.units + k.change
           from unnest(%(offers)s::uuid[], %(members)s::uuid[], %(changes)s::int[]) as k(offer, member, change)
           where b.city_id = %(city)s and b.offer_id = k.offer and b.member_id = k.member""",
        city=city_id, offers=[k[0] for k in keys], members=[k[1] for k in keys], changes=[changes[k] for k in keys],
    )  # fmt: skip
