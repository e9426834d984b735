"""Programmes, the versions of their rules, partners and campaigns: seldom written, everything with its history."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import to_builtins
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Book, Posted, Transfer, chart
from hutong.programmes import queries
from hutong.programmes import refusals as no
from hutong.programmes.model import BPS, Campaign, Partner, Policy, Programme
from hutong.programmes.operations._partners import where_they_are, write_partners

RULES = [name for name in Policy.__struct_fields__ if name not in ("programme_id", "version", "valid_from", "made_by")]


async def _locked(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, Programme]:
    rows = await tx.rows(
        f"{queries.PROGRAMMES} where p.programme_id = any(%(ids)s::uuid[]) order by p.programme_id for no key update",
        ids=sorted(set(ids)),
    )
    return {row["programme_id"]: queries.programme_of(row) for row in rows}


async def save_programmes(
    tx: Tx, wanted: Sequence[Programme], *, by: UUID | None, now: datetime
) -> list[Programme | Refusal]:
    """Make programmes (as drafts) or change name and cities of those that stand.

    What a point is (asset, currency, face value, zone) never changes. `version`: the one that was read (new: 1).
    Refusals: programme_unsound, programme_changed.
    """
    queries.forget(tx)
    standing = await _locked(tx, [one.programme_id for one in wanted])
    results: list[Programme | Refusal] = []
    for one in wanted:
        was = standing.get(one.programme_id)
        answer = _saved(one, was)
        results.append(answer)
        if isinstance(answer, Programme):
            standing[one.programme_id] = answer
    saved = {one.programme_id: one for one in results if isinstance(one, Programme)}
    await _write_programmes(tx, list(saved.values()), by=by, now=now)
    return results


def _saved(one: Programme, was: Programme | None) -> Programme | Refusal:
    if one.face_units <= 0 or one.asset == one.currency or not one.cities:
        return no.ProgrammeUnsound(field="face_units", why="incomplete")
    if was is None:
        return _made(one, "draft", 1)
    if (one.asset, one.currency, one.face_units, one.zone) != (was.asset, was.currency, was.face_units, was.zone):
        return no.ProgrammeUnsound(field="face_units", why="fixed")
    if one.version != was.version:
        return no.VersionStale()
    return _made(one, was.state, was.version + 1)


def _made(one: Programme, state: Any, version: int) -> Programme:
    return replace(one, state=state, version=version, policy=None)


async def _write_programmes(tx: Tx, rows: Sequence[Programme], *, by: UUID | None, now: datetime) -> None:
    if not rows:
        return
    await tx.run(
        """insert into programmes.programmes as p (programme_id, asset, currency, face_units, name, zone, cities, state,
                                                   version, made_at, changed_at, changed_by)
           select n.programme_id, n.asset, n.currency, n.face_units, n.name, n.zone,
                  array(select jsonb_array_elements_text(n.cities)::int), n.state, n.version, %(now)s, %(now)s, %(by)s
             from unnest(%(ids)s::uuid[], %(assets)s::text[], %(currencies)s::text[], %(faces)s::bigint[],
                         %(names)s::jsonb[], %(zones)s::text[], %(cities)s::jsonb[], %(states)s::text[],
                         %(versions)s::int[])
               as n(programme_id, asset, currency, face_units, name, zone, cities, state, version)
           on conflict (programme_id) do update set name = excluded.name, cities = excluded.cities,
             state = excluded.state, version = excluded.version, changed_at = excluded.changed_at,
             changed_by = excluded.changed_by""",
        now=now, by=by, ids=[p.programme_id for p in rows], assets=[p.asset for p in rows],
        currencies=[p.currency for p in rows], faces=[p.face_units for p in rows],
        names=[Jsonb(p.name) for p in rows], zones=[p.zone for p in rows],
        cities=[Jsonb(sorted(p.cities)) for p in rows], states=[p.state for p in rows],
        versions=[p.version for p in rows],
    )  # fmt: skip


async def open_programmes(
    tx: Tx, ids: Sequence[UUID], *, by: UUID | None = None, now: datetime
) -> list[Programme | Refusal]:
    """Drafts with rules begin: points are given from now on. One that is live stays so. Refusals:
    programme_not_found, programme_closed (it has ended), programme_unsound (it has no rules)."""
    return await _turn(tx, ids, "live", by=by, now=now)


async def close_programmes(
    tx: Tx, ids: Sequence[UUID], *, by: UUID | None = None, now: datetime
) -> list[Programme | Refusal]:
    """No more points are given; what members have can be spent until it ends. Refusals: programme_not_found."""
    return await _turn(tx, ids, "closed", by=by, now=now)


async def _turn(
    tx: Tx, ids: Sequence[UUID], state: Any, *, by: UUID | None, now: datetime
) -> list[Programme | Refusal]:
    queries.forget(tx)
    standing = await _locked(tx, ids)
    rules = await queries.policies(tx, ids)
    results: list[Programme | Refusal] = []
    for programme_id in ids:
        was = standing.get(programme_id)
        if was is None:
            results.append(no.ProgrammeUnknown())
        elif state == "live" and was.state == "closed":
            results.append(no.ProgrammeClosed())
        elif state == "live" and not rules[programme_id]:
            results.append(no.ProgrammeUnsound(field="policy", why="no_rules"))
        else:
            results.append(was if was.state == state else _made(was, state, was.version + 1))
    changed = {p.programme_id: p for p in results if isinstance(p, Programme)}
    await _write_programmes(tx, list(changed.values()), by=by, now=now)
    return results


async def set_policies(tx: Tx, wanted: Sequence[Policy], *, now: datetime) -> list[Policy | Refusal]:
    """Add versions of rules; each gets the next number. What is in force or past is never changed.

    `valid_from` is now or later, but for the first version of a programme. Refusals: programme_not_found,
    programme_unsound.
    """
    queries.forget(tx)
    standing = await _locked(tx, [one.programme_id for one in wanted])
    rules = await queries.policies(tx, [one.programme_id for one in wanted])
    results: list[Policy | Refusal] = []
    for one in wanted:
        versions = rules[one.programme_id]
        if one.programme_id not in standing:
            results.append(no.ProgrammeUnknown())
        elif (wrong := _unsound(one, versions, now)) is not None:
            results.append(wrong)
        else:
            made = replace(one, version=len(versions) + 1)
            versions.append(made)
            results.append(made)
    await _write_policies(tx, [one for one in results if isinstance(one, Policy)], now=now)
    return results


def _unsound(one: Policy, versions: Sequence[Policy], now: datetime) -> Refusal | None:
    rate, froms = one.rate, {version.valid_from for version in versions}
    checks = (
        ("rate", rate.points >= 0 and rate.per_units > 0 and rate.least_units >= 0),
        ("categories", all(bps >= 0 for bps in one.categories.values())),
        ("tiers", all(tier.earn_bps >= BPS and tier.growth >= 0 for tier in one.tiers)),
        ("days", one.pending_days >= 0 and one.life_days > 0),
        ("redemption_bps", 0 <= one.redemption_bps <= BPS),
        ("valid_from", not froms or (one.valid_from >= now and one.valid_from not in froms)),
    )
    for field, good in checks:
        if not good:
            return no.ProgrammeUnsound(field=field, why="out_of_range")
    return None


async def _write_policies(tx: Tx, rows: Sequence[Policy], *, now: datetime) -> None:
    if rows:
        await tx.run(
            """insert into programmes.policies (programme_id, version, rules, valid_from, made_by, made_at)
               select n.*, %(now)s from unnest(%(ids)s::uuid[], %(versions)s::int[], %(rules)s::jsonb[],
                                               %(froms)s::timestamptz[], %(makers)s::uuid[])
                 as n(programme_id, version, rules, valid_from, made_by)""",
            now=now, ids=[p.programme_id for p in rows], versions=[p.version for p in rows],
            rules=[Jsonb({name: to_builtins(getattr(p, name)) for name in RULES}) for p in rows],
            froms=[p.valid_from for p in rows], makers=[p.made_by for p in rows],
        )  # fmt: skip


async def save_campaigns(
    tx: Tx, wanted: Sequence[Campaign], *, by: UUID | None, now: datetime
) -> list[Campaign | Refusal]:
    """Make campaigns. What the programme pays must have a budget, and its money is set aside from the own purse now.

    One that stands keeps its rules; asked for again it is given back. Refusals: programme_not_found,
    programme_unsound, funding_exhausted (the own purse does not hold the budget).
    """
    standing = await _locked(tx, [one.programme_id for one in wanted])
    there = {one.campaign_id: one for one in await queries.campaigns(tx, [one.programme_id for one in wanted])}
    results: list[Campaign | Refusal] = []
    moves: list[Transfer] = []
    made: set[UUID] = set()
    for one in wanted:
        if one.programme_id not in standing:
            results.append(no.ProgrammeUnknown())
        elif one.campaign_id in there:
            results.append(there[one.campaign_id])
        elif one.earn_bps <= BPS or one.since >= one.until or (one.payer == "programme" and not one.budget_points):
            results.append(no.ProgrammeUnsound(field="campaign", why="gives_nothing"))
        else:
            results.append(one)
            there[one.campaign_id] = one
            made.add(one.campaign_id)
            if one.payer == "programme":
                moves.append(_set_aside(one, standing[one.programme_id]))
    posted = dict(zip([move.ref for move in moves], await ledger.post(tx, moves, now=now), strict=True))
    short = {campaign_id for campaign_id, result in posted.items() if not isinstance(result, Posted)}
    results = [
        no.FundingExhausted() if isinstance(one, Campaign) and one.campaign_id in short else one for one in results
    ]
    new = {one.campaign_id: one for one in results if isinstance(one, Campaign) and one.campaign_id in made}
    await _write_campaigns(tx, list(new.values()), by=by, now=now)
    return results


def _set_aside(one: Campaign, programme: Programme) -> Transfer:
    return Transfer(
        id=derive(one.campaign_id, "budget"), book=Book.programme(one.programme_id), debit=chart.own_purse(),
        credit=chart.campaign(one.campaign_id), event="programmes.campaign", ref=one.campaign_id,
        amount=Amount((one.budget_points or 0) * programme.face_units, programme.currency),
    )  # fmt: skip


async def _write_campaigns(tx: Tx, rows: Sequence[Campaign], *, by: UUID | None, now: datetime) -> None:
    if rows:
        await tx.run(
            """insert into programmes.campaigns (programme_id, campaign_id, name, earn_bps, since, until, partners,
                                                 categories, payer, budget_points, used_points, made_by, made_at)
               select n.programme_id, n.campaign_id, n.name, n.earn_bps, n.since, n.until,
                      array(select jsonb_array_elements_text(n.partners)::uuid),
                      array(select jsonb_array_elements_text(n.categories)), n.payer, n.budget, 0, %(by)s, %(now)s
                 from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(names)s::jsonb[], %(bps)s::int[],
                             %(since)s::timestamptz[], %(until)s::timestamptz[], %(partners)s::jsonb[],
                             %(categories)s::jsonb[], %(payers)s::text[], %(budgets)s::bigint[])
                   as n(programme_id, campaign_id, name, earn_bps, since, until, partners, categories, payer,
                        budget)""",
            by=by, now=now, programmes=[c.programme_id for c in rows], ids=[c.campaign_id for c in rows],
            names=[Jsonb(c.name) for c in rows], bps=[c.earn_bps for c in rows], since=[c.since for c in rows],
            until=[c.until for c in rows], partners=[Jsonb(sorted(map(str, c.partners))) for c in rows],
            categories=[Jsonb(sorted(c.categories)) for c in rows], payers=[c.payer for c in rows],
            budgets=[c.budget_points for c in rows],
        )  # fmt: skip


async def join_partners(
    tx: Tx, wanted: Sequence[Partner], *, by: UUID | None, now: datetime
) -> list[Partner | Refusal]:
    """Merchants join programmes; who had left may come back. Who is in already is given as he stands.

    Refusals: programme_not_found, programme_closed, partner_elsewhere.
    """
    standing = await _locked(tx, [one.programme_id for one in wanted])
    there, elsewhere = await where_they_are(tx, [one.partner_id for one in wanted])
    results: list[Partner | Refusal] = []
    for one in wanted:
        programme, was = standing.get(one.programme_id), there.get((one.programme_id, one.partner_id))
        if programme is None:
            results.append(no.ProgrammeUnknown())
        elif programme.state == "closed":
            results.append(no.ProgrammeClosed())
        elif was is not None and was.state != "left":
            results.append(was)
        elif elsewhere.get(one.partner_id, one.programme_id) != one.programme_id:
            results.append(no.InOtherProgramme())
        else:
            new = replace(one, state="active", left_at=None, version=1 if was is None else was.version + 1)
            there[one.programme_id, one.partner_id], elsewhere[one.partner_id] = new, one.programme_id
            results.append(new)
    await write_partners(tx, [one for one in results if isinstance(one, Partner)], by=by, reason="joined", now=now)
    return results


async def change_partners(
    tx: Tx, wanted: Sequence[Partner], *, by: UUID | None, reason: str, now: datetime
) -> list[Partner | Refusal]:
    """How partners should stand from now on (terms, mode, limit, paused, left); `version` is the one that was read.

    A change of mode touches nothing that was earned before. Refusals: not_a_partner, programme_changed,
    partner_elsewhere.
    """
    there, elsewhere = await where_they_are(tx, [one.partner_id for one in wanted])
    results: list[Partner | Refusal] = []
    for one in wanted:
        was = there.get((one.programme_id, one.partner_id))
        if was is None:
            results.append(no.NotAPartner())
        elif one.version != was.version:
            results.append(no.VersionStale())
        elif one.state != "left" and elsewhere.get(one.partner_id, one.programme_id) != one.programme_id:
            results.append(no.InOtherProgramme())
        else:
            new = replace(one, version=was.version + 1, left_at=now if one.state == "left" else None)
            there[one.programme_id, one.partner_id] = new
            results.append(new)
    await write_partners(tx, [one for one in results if isinstance(one, Partner)], by=by, reason=reason, now=now)
    return results
