"""Limits of gifts: so many units of one for each member and period, counted under a lock."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from hutong.catalog import Span
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.mall.model import begins, next_begins
from hutong.mall.refusals import ExchangeLimit

Key = tuple[UUID, UUID, str, date]  # offer, member, span, first day of the period


class Claim(Struct, frozen=True):
    """Request number `index` wants `units` of a gift of which a member may have `most` (None: as many as he likes)."""

    index: int
    offer_id: UUID
    member_id: UUID
    units: int
    most: int | None
    span: Span
    begins: date

    @property
    def key(self) -> Key:
        return self.offer_id, self.member_id, self.span, self.begins


async def take(
    tx: Tx, claims: Sequence[Claim], *, city_id: int, now: datetime, zone: str
) -> dict[int, Refusal]:  # fmt: skip
    """Count the claims in list order; the requests that pass the limit, with the reason. The counters stay locked
    until the transaction ends: two phones of one member cannot both take the last unit."""
    if not claims:
        return {}
    keys = sorted({claim.key for claim in claims})
    args = _columns(keys)
    await tx.run(
        """insert into mall.counts (city_id, offer_id, member_id, span, begins, units)
           select %(city)s, k.offer, k.member, k.span, k.begins, 0
           from unnest(%(offers)s::uuid[], %(members)s::uuid[], %(spans)s::text[], %(begins)s::date[])
             as k(offer, member, span, begins)
           order by k.offer, k.member, k.span, k.begins
           on conflict (city_id, offer_id, member_id, span, begins) do nothing""",
        city=city_id, **args,
    )  # fmt: skip
    rows = await tx.rows(
        """select c.offer_id, c.member_id, c.span, c.begins, c.units from mall.counts c
           join unnest(%(offers)s::uuid[], %(members)s::uuid[], %(spans)s::text[], %(begins)s::date[])
             as k(offer, member, span, begins)
             on c.offer_id = k.offer and c.member_id = k.member and c.span = k.span and c.begins = k.begins
           where c.city_id = %(city)s
           order by c.offer_id, c.member_id, c.span, c.begins for no key update of c""",
        city=city_id, **args,
    )  # fmt: skip
    have: dict[Key, int] = {(r["offer_id"], r["member_id"], r["span"], r["begins"]): r["units"] for r in rows}
    refused: dict[int, Refusal] = {}
    added: dict[Key, int] = {}
    for claim in claims:
        had = have[claim.key] + added.get(claim.key, 0)
        if claim.most is not None and had + claim.units > claim.most:
            refused[claim.index] = _refusal(claim, had, now, zone)
        else:
            added[claim.key] = added.get(claim.key, 0) + claim.units
    await add(tx, added, city_id=city_id)
    return refused


def _refusal(claim: Claim, had: int, now: datetime, zone: str) -> Refusal:
    after = next_begins(claim.span, now, zone)
    zh, en = "看看礼品商城里的其他礼品。", "Look at the other gifts of the mall."
    if after is not None:
        zh, en = f"{after.month}月{after.day}日起可再次兑换。", f"It can be had again from {after:%d %b}."
    return ExchangeLimit(most=claim.most, had=had, again_zh=zh, again_en=en)


def period(span: Span, now: datetime, zone: str) -> date:
    """The first day of the period that a limit counts in now."""
    return begins(span, now, zone)


async def add(tx: Tx, changes: Mapping[Key, int], *, city_id: int) -> None:
    """Add to counters (or take away); whoever takes away has locked nothing else before that another may want."""
    keys = sorted(changes)
    if not keys:
        return
    await tx.run(
        """update mall.counts c set units = c.units + k.change
           from unnest(%(offers)s::uuid[], %(members)s::uuid[], %(spans)s::text[], %(begins)s::date[],
                       %(changes)s::int[]) as k(offer, member, span, begins, change)
           where c.city_id = %(city)s and c.offer_id = k.offer and c.member_id = k.member and c.span = k.span
             and c.begins = k.begins""",
        city=city_id, changes=[changes[key] for key in keys], **_columns(keys),
    )  # fmt: skip


def _columns(keys: Sequence[Key]) -> dict[str, list[object]]:
    names = ("offers", "members", "spans", "begins")
    return {name: [key[n] for key in keys] for n, name in enumerate(names)}
