"""Codes: batches of them come in, and a claim takes one. Claims look at the promotion's state, window and budget."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong import places
from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.pricing.budget_refusals import (
    CodeTwice,
    CodeUnknown,
    CodeUsed,
    PoolEmpty,
    PromotionPaused,
    PromotionUnknown,
)
from hutong.pricing.queries import CLAIMED, burn_key, live_of_row
from hutong.pricing.stored import ALARM_TIMES, BURN, AddBatch, ClaimCoupon, MayClaim, NewCode, why_not_claimed


async def add_batches(
    tx: Tx, asks: Sequence[AddBatch], *, city_id: int, now: datetime
) -> list[list[NewCode | Refusal]]:
    """Add the codes of each batch; for each of its codes itself, or coupon_code_twice (it is there already, in
    whatever batch). A batch that is there already is not added again: its codes answer as they did."""
    if not asks:
        return []
    await tx.run(
        """insert into pricing.batches (city_id, batch_id, promotion_id, kind, label, count, made_by, made_at)
           select %(city)s, n.*, %(now)s
           from unnest(%(ids)s::uuid[], %(promotions)s::uuid[], %(kinds)s::text[], %(labels)s::text[],
                       %(counts)s::int[], %(bys)s::uuid[]) as n(batch_id, promotion_id, kind, label, count, made_by)
           on conflict (city_id, batch_id) do nothing""",
        city=city_id, now=now, ids=[a.batch_id for a in asks], promotions=[a.promotion_id for a in asks],
        kinds=[a.kind for a in asks], labels=[a.label for a in asks], counts=[0 for _ in asks],
        bys=[a.by for a in asks],
    )  # fmt: skip
    first: dict[UUID, tuple[AddBatch, NewCode]] = {}
    for ask in asks:
        for code in ask.codes:
            first.setdefault(code.code_id, (ask, code))
    rows = [first[i] for i in sorted(first)]
    await tx.run(
        """insert into pricing.codes (city_id, code_id, promotion_id, batch_id, tail, member_id, shown, state)
           select %(city)s, n.*, 'free'
           from unnest(%(ids)s::uuid[], %(promotions)s::uuid[], %(batches)s::uuid[], %(tails)s::text[],
                       %(members)s::uuid[], %(shown)s::text[])
             as n(code_id, promotion_id, batch_id, tail, member_id, shown)
           on conflict (city_id, code_id) do nothing""",
        city=city_id, ids=[c.code_id for _, c in rows], promotions=[a.promotion_id for a, _ in rows],
        batches=[a.batch_id for a, _ in rows], tails=[c.tail for _, c in rows],
        members=[c.member_id for _, c in rows], shown=[c.shown for _, c in rows],
    )  # fmt: skip
    found = await tx.rows(
        """with mine as (
             select c.code_id, c.batch_id from pricing.codes c
             where c.city_id = %(city)s and c.batch_id = any(%(batches)s::uuid[])
           ), counted as (
             update pricing.batches b set count = n.count
             from (select batch_id, count(*)::int as count from mine group by batch_id) n
             where b.city_id = %(city)s and b.batch_id = n.batch_id returning b.batch_id
           )
           select code_id, batch_id from mine""",
        city=city_id,
        batches=[a.batch_id for a in asks],
    )
    home = {row["code_id"]: row["batch_id"] for row in found}
    return [_answers(ask, home) for ask in asks]


def _answers(ask: AddBatch, home: dict[UUID, UUID]) -> list[NewCode | Refusal]:
    answers: list[NewCode | Refusal] = []
    seen: set[UUID] = set()
    for code in ask.codes:
        mine = home.get(code.code_id) == ask.batch_id and code.code_id not in seen
        answers.append(code if mine else CodeTwice(tail=code.tail))
        seen.add(code.code_id)
    return answers


async def void_batches(tx: Tx, batch_ids: Sequence[UUID], *, city_id: int) -> list[int]:
    """Nobody claims with the free codes of these batches any more; how many of each. For its staff."""
    rows = await tx.rows(
        """update pricing.codes c set state = 'void'
           where c.city_id = %(city)s and c.batch_id = any(%(ids)s::uuid[]) and c.state = 'free'
           returning c.batch_id""",
        city=city_id,
        ids=sorted(set(batch_ids)),
    )
    return [sum(row["batch_id"] == batch_id for row in rows) for batch_id in batch_ids]


async def claim_coupons(
    tx: Tx, takes: Sequence[ClaimCoupon], *, city_id: int, now: datetime, pools: Sequence[UUID] = ()
) -> list[MayClaim | Refusal]:
    """May these coupons be claimed? With a code, the code is taken by the ref; of a promotion in `pools`, the next
    code of its third party is. In the order of the list; a code goes once.

    A coupon of what burns three times as fast as was expected is not handed out, as it is not used (K2): the same
    figure stops both, also before the alarm comes round.

    Refusals: promotion_not_found, promotion_paused (also: it burns too fast), promotion_not_begun, promotion_over,
    budget_exhausted, coupon_code_unknown (wrong, void, or bound to somebody else), coupon_code_used, coupon_pool_empty.
    """
    if not takes:
        return []
    rows = await tx.rows(
        f"{CLAIMED} and p.promotion_id = any(%(ids)s::uuid[]) order by p.promotion_id for share of p",
        city=city_id, ids=sorted({t.promotion_id for t in takes}), burn=BURN, burn_key=burn_key(now), times=ALARM_TIMES,
    )  # fmt: skip
    burning = {row["promotion_id"] for row in rows if row["burning"]}
    known = {row["promotion_id"]: live_of_row(row) for row in rows}
    refused: dict[int, Refusal] = {}
    early = any(live.starts_at > now for live in known.values())  # told with its hour: the city's
    city = await places.city(tx, city_id) if early else None
    for i, ask in enumerate(takes):
        live = known.get(ask.promotion_id)
        refusal = PromotionUnknown() if live is None else why_not_claimed(live, now, zone=city.zone if city else "UTC")
        if refusal is None and ask.promotion_id in burning:
            refusal = PromotionPaused()  # the alarm has not come round yet
        if refusal is not None:
            refused[i] = refusal
    given = await _codes(tx, takes, refused, pools, city_id=city_id)
    await _taken(tx, [(takes[i], code) for i, (code, _) in given.items()], city_id=city_id, now=now)
    return [
        refused.get(i)
        or MayClaim(promotion_id=ask.promotion_id, ref=ask.ref, shown=given[i][1] if i in given else None)
        for i, ask in enumerate(takes)
    ]


async def _codes(
    tx: Tx, takes: Sequence[ClaimCoupon], refused: dict[int, Refusal], pools: Sequence[UUID], *, city_id: int
) -> dict[int, tuple[UUID, str | None]]:
    """Which code each claim takes (with what it shows), in the order of the list; refusals go to `refused`."""
    hopeful = [i for i in range(len(takes)) if i not in refused]
    asked = sorted({code for i in hopeful if (code := takes[i].code_id) is not None})
    wanted = [i for i in hopeful if takes[i].code_id is None and takes[i].promotion_id in pools]
    given: dict[int, tuple[UUID, str | None]] = {}
    if asked:
        rows = await tx.rows(
            """select code_id, promotion_id, member_id, state, shown from pricing.codes
               where city_id = %(city)s and code_id = any(%(ids)s::uuid[]) order by code_id for no key update""",
            city=city_id,
            ids=asked,
        )
        found = {row["code_id"]: row for row in rows}
        for i in hopeful:
            code = takes[i].code_id
            if code is None:
                continue
            refusal = _why_not_code(takes[i], found.get(code))
            if refusal is not None:
                refused[i] = refusal
            else:
                given[i] = (code, found[code]["shown"])
                found[code] = found[code] | {"state": "taken"}
    if wanted:
        rows = await tx.rows(
            """select n.code_id, n.promotion_id, n.shown
               from unnest(%(promotions)s::uuid[], %(counts)s::int[]) as w(promotion_id, count)
               cross join lateral (
                 select c.code_id, c.promotion_id, c.shown from pricing.codes c
                 where c.city_id = %(city)s and c.promotion_id = w.promotion_id and c.state = 'free'
                   and c.shown is not null
                 order by c.code_id limit w.count for no key update skip locked
               ) n order by n.code_id""",
            city=city_id,
            promotions=sorted({takes[i].promotion_id for i in wanted}),
            counts=[
                sum(takes[i].promotion_id == p for i in wanted) for p in sorted({takes[i].promotion_id for i in wanted})
            ],
        )
        free: dict[UUID, list[tuple[UUID, str]]] = {}
        for row in rows:
            free.setdefault(row["promotion_id"], []).append((row["code_id"], row["shown"]))
        for i in wanted:
            left = free.get(takes[i].promotion_id)
            if left:
                given[i] = left.pop(0)
            else:
                refused[i] = PoolEmpty()
    return given


def _why_not_code(ask: ClaimCoupon, row: dict[str, object] | None) -> Refusal | None:
    if row is None or row["promotion_id"] != ask.promotion_id or row["member_id"] not in (None, ask.member_id):
        return CodeUnknown()
    if row["state"] == "taken":
        return CodeUsed()
    return CodeUnknown() if row["state"] == "void" else None


async def _taken(tx: Tx, given: Sequence[tuple[ClaimCoupon, UUID]], *, city_id: int, now: datetime) -> None:
    if given:
        await tx.run(
            """update pricing.codes c set state = 'taken', taken_by = n.member_id, taken_ref = n.ref, taken_at = %(now)s
               from unnest(%(ids)s::uuid[], %(members)s::uuid[], %(refs)s::uuid[]) as n(code_id, member_id, ref)
               where c.city_id = %(city)s and c.code_id = n.code_id""",
            city=city_id, now=now, ids=[code for _, code in given], members=[t.member_id for t, _ in given],
            refs=[t.ref for t, _ in given],
        )  # fmt: skip


async def unclaim(tx: Tx, refs: Sequence[UUID], *, city_id: int) -> None:
    """The claims of these refs came to nothing in the same transaction: their codes are free again."""
    if refs:
        await tx.run(
            """update pricing.codes c set state = 'free', taken_by = null, taken_ref = null, taken_at = null
               where c.city_id = %(city)s and c.taken_ref = any(%(refs)s::uuid[])""",
            city=city_id,
            refs=sorted(set(refs)),
        )
