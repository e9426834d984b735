"""Budgets are held when an order is placed, spent when it is paid, free again when it ends, and given back with money.

Locks: the promotions shared (a kill switch waits for the orders of this moment, then none begins), then their counters
in the order of their keys. A CHECK of each counter stands behind the sums that are computed here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from hutong import places
from hutong.infra.db import Tx
from hutong.kit.clock import local_day
from hutong.kit.refusals import Refusal
from hutong.pricing.budget_refusals import BudgetExhausted, PromotionLimit, PromotionPaused, PromotionUnknown
from hutong.pricing.queries import burn_key, live_of_row
from hutong.pricing.stored import ALARM_TIMES, BURN, Back, Claim, Held, why_not_usable

Counter = tuple[UUID, str, str]  # promotion, attribute, key
Change = tuple[int, int, int, int]  # of held units and uses, spent units and uses

WITH_BUDGETS = """select p.promotion_id, p.merchant_id, p.trigger, p.state, p.version, p.name, p.rule, p.starts_at,
       p.ends_at, p.use_until, p.forecast_units, false as exhausted,
       (select coalesce(jsonb_object_agg(b.attribute, jsonb_build_array(b.most_units, b.most_uses)), '{}')
        from pricing.budgets b where b.city_id = %(city)s and b.promotion_id = p.promotion_id) as budgets
from pricing.promotions p
where p.city_id = %(city)s and p.promotion_id = any(%(ids)s::uuid[]) order by p.promotion_id"""
# Shared: holds of one promotion do not wait for each other here, only a change of it does.
SHARED = f"{WITH_BUDGETS} for share of p"
# The counters of some keys, in their order.
COUNTERS = """select c.* from pricing.counters c
join unnest(%(ids)s::uuid[], %(names)s::text[], %(keys)s::text[]) as n(promotion_id, attribute, key)
  on c.promotion_id = n.promotion_id and c.attribute = n.attribute and c.key = n.key
where c.city_id = %(city)s order by c.promotion_id, c.attribute, c.key"""


async def hold(
    tx: Tx, claims: Sequence[Claim], *, city_id: int, now: datetime, until: datetime, zone: str | None = None
) -> list[Held | Refusal]:
    """Keep what the promotions take off of their budgets, in the order of the list; claims of one ref all or none.

    `until`: when the ref's time to pay is over (for the net that finds what nobody ended). `zone`: the city's, if the
    caller knows it. A (promotion, ref) must be new. Nothing is asked of the database for an empty list.

    Refusals: promotion_not_found, promotion_paused (also: it burns three times as fast as was expected),
    promotion_not_begun, promotion_over, budget_exhausted, promotion_limit (`attribute`). Each claim of a ref that is
    refused gets the refusal of the first that failed.
    """
    if not claims:
        return []
    known, keys, zone = await _keyed(tx, claims, SHARED, city_id=city_id, now=now, zone=zone)
    counted = {(c.promotion_id, name, key) for c, mine in zip(claims, keys, strict=True) for name, key in mine.items()}
    have = await _counters(tx, counted, known, city_id=city_id)
    results = _decide(claims, keys, known, have, now, zone)
    served = [(c, k) for c, k, r in zip(claims, keys, results, strict=True) if isinstance(r, Held)]
    await _keep(tx, served, known, city_id=city_id, now=now, until=until)
    return results


async def would_hold(
    tx: Tx, claims: Sequence[Claim], *, city_id: int, now: datetime, zone: str | None = None
) -> list[Refusal | None]:
    """What `hold` would refuse now, each claim judged for itself as if it came alone; None where it would be kept.
    Reads only: two statements whatever the length, and a third for the city's zone where a budget goes by the day, or
    one of them has not begun."""
    if not claims:
        return []
    known, keys, zone = await _keyed(tx, claims, WITH_BUDGETS, city_id=city_id, now=now, zone=zone)
    order = sorted({(c.promotion_id, n, k) for c, mine in zip(claims, keys, strict=True) for n, k in mine.items()})
    rows = await tx.rows(
        COUNTERS, city=city_id, ids=[i for i, _, _ in order], names=[n for _, n, _ in order],
        keys=[k for _, _, k in order],
    )  # fmt: skip
    nothing = dict.fromkeys(order, (0, 0, 0, 0))
    used = _used(nothing | _changes(rows))
    return [
        _serve(claim, mine, known.get(claim.promotion_id), dict(used), now, zone)
        for claim, mine in zip(claims, keys, strict=True)
    ]


async def _keyed(
    tx: Tx, claims: Sequence[Claim], sql: str, *, city_id: int, now: datetime, zone: str | None
) -> tuple[dict[UUID, dict[str, Any]], list[dict[str, str]], str]:
    """The promotions of the claims, the counters that each claim moves, and the zone of the city if it matters."""
    rows = await tx.rows(sql, city=city_id, ids=sorted({c.promotion_id for c in claims}))
    known = {row["promotion_id"]: row for row in rows}
    days = any(name in row["budgets"] for row in rows for name in ("day", "member_day"))
    if zone is None and (days or any(row["starts_at"] > now for row in rows)):  # that one is told with its hour
        city = await places.city(tx, city_id)
        zone = city.zone if city else "UTC"
    zone = zone or "UTC"
    day = local_day(now, zone).isoformat()
    return known, [_keys(claim, known.get(claim.promotion_id), day, now) for claim in claims], zone


def _keys(claim: Claim, row: dict[str, Any] | None, day: str, now: datetime) -> dict[str, str]:
    """The counters that a claim moves: one for each budget of its promotion, and what these five minutes burn."""
    if row is None:
        return {}
    member = str(claim.member_id)
    every = {
        "all": "", "member": member, "phone": claim.phone or member, "device": claim.device or member, "day": day,
        "member_day": f"{member}/{day}",
    }  # fmt: skip
    return {name: key for name, key in every.items() if name in row["budgets"]} | {BURN: burn_key(now)}


async def _counters(
    tx: Tx, counted: set[Counter], known: dict[UUID, dict[str, Any]], *, city_id: int
) -> dict[Counter, Change]:
    """What the counters say, locked in the order of their keys; those that were not there begin at nothing."""
    order = sorted(counted)
    limits = [known[i]["budgets"].get(name, [None, None]) for i, name, _ in order]
    columns = {
        "ids": [i for i, _, _ in order], "names": [n for _, n, _ in order], "keys": [k for _, _, k in order]
    }  # fmt: skip
    await tx.run(
        """insert into pricing.counters (city_id, promotion_id, attribute, key, most_units, most_uses, held_units,
                                         held_uses, spent_units, spent_uses)
           select %(city)s, n.*, 0, 0, 0, 0
           from unnest(%(ids)s::uuid[], %(names)s::text[], %(keys)s::text[], %(units)s::bigint[], %(uses)s::bigint[])
             as n(promotion_id, attribute, key, most_units, most_uses)
           order by n.promotion_id, n.attribute, n.key
           on conflict (city_id, promotion_id, attribute, key) do nothing""",
        city=city_id, units=[u for u, _ in limits], uses=[u for _, u in limits], **columns,
    )  # fmt: skip
    return _changes(await tx.rows(f"{COUNTERS} for no key update of c", city=city_id, **columns))


def _changes(rows: Sequence[dict[str, Any]]) -> dict[Counter, Change]:
    return {
        (r["promotion_id"], r["attribute"], r["key"]): (
            r["held_units"], r["held_uses"], r["spent_units"], r["spent_uses"],
        )
        for r in rows
    }  # fmt: skip


def _used(have: dict[Counter, Change]) -> dict[Counter, tuple[int, int]]:
    """(money, uses) that are gone from each counter: held or spent."""
    return {counter: (held + spent, uses + done) for counter, (held, uses, spent, done) in have.items()}


def _decide(
    claims: Sequence[Claim], keys: Sequence[dict[str, str]], known: dict[UUID, dict[str, Any]],
    have: dict[Counter, Change], now: datetime, zone: str,
) -> list[Held | Refusal]:  # fmt: skip
    """Serve the refs in the order of the list: a ref with all its claims, or with none. Pure."""
    by_ref: dict[UUID, list[int]] = {}
    for i, claim in enumerate(claims):
        by_ref.setdefault(claim.ref, []).append(i)
    used = _used(have)
    results: dict[int, Held | Refusal] = {}
    for mine in by_ref.values():
        trial = dict(used)
        refusal: Refusal | None = None
        for i in mine:
            refusal = _serve(claims[i], keys[i], known.get(claims[i].promotion_id), trial, now, zone)
            if refusal is not None:
                break
        if refusal is None:
            used = trial
        for i in mine:
            claim = claims[i]
            results[i] = refusal or Held(promotion_id=claim.promotion_id, ref=claim.ref, units=claim.units)
    return [results[i] for i in range(len(claims))]


def _serve(
    claim: Claim, keys: dict[str, str], row: dict[str, Any] | None, used: dict[Counter, tuple[int, int]], now: datetime,
    zone: str,
) -> Refusal | None:  # fmt: skip
    """Take the claim out of `used`; or why not."""
    if row is None:
        return PromotionUnknown()
    refusal = why_not_usable(live_of_row(row), now, zone=zone)
    if refusal is not None:
        return refusal
    for name, key in keys.items():
        counter = (claim.promotion_id, name, key)
        units, uses = used[counter]
        if name == BURN:
            forecast = row["forecast_units"]
            if forecast is not None and units > ALARM_TIMES * forecast:
                return PromotionPaused()  # the alarm has not come round yet
        else:
            most_units, most_uses = row["budgets"][name]
            over = (most_units is not None and units + claim.units > most_units) or (
                most_uses is not None and uses + 1 > most_uses
            )
            if over:
                return BudgetExhausted() if name == "all" else PromotionLimit(attribute=name)
        used[counter] = units + claim.units, uses + 1
    return None


async def _keep(
    tx: Tx, served: Sequence[tuple[Claim, dict[str, str]]], known: dict[UUID, dict[str, Any]], *, city_id: int,
    now: datetime, until: datetime,
) -> None:  # fmt: skip
    if not served:
        return
    await tx.send(
        """insert into pricing.uses (city_id, promotion_id, ref, member_id, state, units, back_units, version, keys,
                                     until, at)
           select %(city)s, n.promotion_id, n.ref, n.member_id, 'held', n.units, 0, n.version, n.keys, %(until)s,
                  %(now)s
           from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(members)s::uuid[], %(units)s::bigint[],
                       %(versions)s::int[], %(keys)s::jsonb[]) as n(promotion_id, ref, member_id, units, version, keys)
           order by n.promotion_id, n.ref""",
        city=city_id, now=now, until=until, ids=[c.promotion_id for c, _ in served], refs=[c.ref for c, _ in served],
        members=[c.member_id for c, _ in served], units=[c.units for c, _ in served],
        versions=[known[c.promotion_id]["version"] for c, _ in served], keys=[Jsonb(k) for _, k in served],
    )  # fmt: skip
    moves: dict[Counter, Change] = {}
    for claim, keys in served:
        _add(moves, claim.promotion_id, keys, (claim.units, 1, 0, 0))
    await _move(tx, moves, city_id=city_id)


def _add(moves: dict[Counter, Change], promotion_id: UUID, keys: dict[str, str], by: Change) -> None:
    for name, key in keys.items():
        a, b, c, d = moves.get((promotion_id, name, key), (0, 0, 0, 0))
        moves[promotion_id, name, key] = a + by[0], b + by[1], c + by[2], d + by[3]


async def _move(tx: Tx, moves: dict[Counter, Change], *, city_id: int) -> None:
    """Apply the changes, each counter once, locked in the order of their keys."""
    order = sorted(moves)
    if not order:
        return
    changed = await tx.run(
        """with locked as materialized (
             select n.* from unnest(%(ids)s::uuid[], %(names)s::text[], %(keys)s::text[], %(held)s::bigint[],
                                    %(held_uses)s::bigint[], %(spent)s::bigint[], %(spent_uses)s::bigint[])
               as n(promotion_id, attribute, key, held, held_uses, spent, spent_uses)
             join pricing.counters c on c.city_id = %(city)s and c.promotion_id = n.promotion_id
               and c.attribute = n.attribute and c.key = n.key
             order by c.promotion_id, c.attribute, c.key for no key update of c
           )
           update pricing.counters c set
             held_units = c.held_units + l.held, held_uses = c.held_uses + l.held_uses,
             spent_units = c.spent_units + l.spent, spent_uses = c.spent_uses + l.spent_uses
           from locked l
           where c.city_id = %(city)s and c.promotion_id = l.promotion_id and c.attribute = l.attribute
             and c.key = l.key""",
        city=city_id, ids=[i for i, _, _ in order], names=[n for _, n, _ in order], keys=[k for _, _, k in order],
        held=[moves[c][0] for c in order], held_uses=[moves[c][1] for c in order],
        spent=[moves[c][2] for c in order], spent_uses=[moves[c][3] for c in order],
    )  # fmt: skip
    assert changed == len(order), "a counter of a use cannot vanish"


async def confirm(tx: Tx, refs: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """The refs are paid: what they hold is spent. How many uses; one that ended before stays as it is."""
    return await _finish(tx, refs, "spent", city_id=city_id, now=now)


async def release(tx: Tx, refs: Sequence[UUID], *, city_id: int, now: datetime) -> int:
    """The refs came to nothing: what they hold is free again. How many uses; one that ended before stays as it is."""
    return await _finish(tx, refs, "released", city_id=city_id, now=now)


async def _finish(tx: Tx, refs: Sequence[UUID], state: str, *, city_id: int, now: datetime) -> int:
    if not refs:
        return 0
    rows = await tx.rows(
        """with live as materialized (
             select u.promotion_id, u.ref from pricing.uses u
             where u.city_id = %(city)s and u.ref = any(%(refs)s::uuid[]) and u.state = 'held'
             order by u.promotion_id, u.ref for no key update
           )
           update pricing.uses u set state = %(state)s, ended_at = %(now)s
           from live l where u.city_id = %(city)s and u.promotion_id = l.promotion_id and u.ref = l.ref
           returning u.promotion_id, u.units, u.keys""",
        city=city_id, refs=sorted(set(refs)), state=state, now=now,
    )  # fmt: skip
    moves: dict[Counter, Change] = {}
    for row in rows:
        units, uses = (row["units"], 1) if state == "spent" else (0, 0)
        _add(moves, row["promotion_id"], row["keys"], (-row["units"], -1, units, uses))
    await _move(tx, moves, city_id=city_id)
    return len(rows)


async def give_back(tx: Tx, backs: Sequence[Back], *, city_id: int, now: datetime) -> None:
    """What was spent on a ref comes back, in part or whole, once for each Back: the caller's refund has its own key.

    More than was spent, or a whole return that leaves money behind, is a fault and raises.
    """
    order = sorted(backs, key=lambda b: (b.promotion_id, b.ref))
    if len({(b.promotion_id, b.ref) for b in order}) != len(order):
        raise ValueError("one Back for each use")
    if not order:
        return
    rows = await tx.rows(
        """with live as materialized (
             select u.promotion_id, u.ref, n.units, n.whole
             from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(units)s::bigint[], %(wholes)s::boolean[])
               as n(promotion_id, ref, units, whole)
             join pricing.uses u on u.city_id = %(city)s and u.promotion_id = n.promotion_id and u.ref = n.ref
             where u.state = 'spent'
             order by u.promotion_id, u.ref for no key update of u
           )
           update pricing.uses u set back_units = u.back_units + l.units, ended_at = %(now)s,
                  state = case when l.whole then 'returned' else u.state end
           from live l where u.city_id = %(city)s and u.promotion_id = l.promotion_id and u.ref = l.ref
           returning u.promotion_id, u.ref, u.keys""",
        city=city_id, now=now, ids=[b.promotion_id for b in order], refs=[b.ref for b in order],
        units=[b.units for b in order], wholes=[b.whole for b in order],
    )  # fmt: skip
    keys = {(row["promotion_id"], row["ref"]): row["keys"] for row in rows}
    if len(keys) != len(order):
        raise ValueError("only what is spent can come back")
    moves: dict[Counter, Change] = {}
    for back in order:
        _add(moves, back.promotion_id, keys[back.promotion_id, back.ref], (0, 0, -back.units, -int(back.whole)))
    await _move(tx, moves, city_id=city_id)
