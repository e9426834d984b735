"""Reads of programmes: rules and partners. Wallets and movements are read in `reading` and `figures`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.text import Text
from hutong.programmes.arithmetic import policy_at
from hutong.programmes.model import Campaign, Partner, Policy, Programme, Rate

FRESH = timedelta(seconds=3)

PROGRAMMES = """select p.programme_id, p.asset, p.currency, p.face_units, p.name, p.zone, p.cities, p.state, p.version
  from programmes.programmes p"""
PARTNERS = """select p.programme_id, p.partner_id, p.name, p.home_city, p.mode, p.accrues, p.redeems, p.rate,
  p.redemption_bps, p.limit_units, p.alert_units, p.charity, p.state, p.joined_at, p.left_at, p.version
  from programmes.partners p"""
CAMPAIGNS = """select c.programme_id, c.campaign_id, c.name, c.earn_bps, c.since, c.until, c.partners, c.categories,
  c.payer, c.budget_points, c.used_points from programmes.campaigns c"""

LIVE = """select p.programme_id, p.partner_id, p.name, p.home_city, p.mode, p.accrues, p.redeems, p.rate,
  p.redemption_bps, p.limit_units, p.alert_units, p.charity, p.state, p.joined_at, p.left_at, p.version,
  g.asset, g.currency, g.face_units, g.name as programme_name, g.zone, g.cities, g.state as programme_state,
  g.version as programme_version,
  (select jsonb_agg(jsonb_build_object('version', v.version, 'rules', v.rules, 'valid_from', v.valid_from,
          'made_by', v.made_by)) from programmes.policies v where v.programme_id = g.programme_id) as policies
  from programmes.partners p join programmes.programmes g on g.programme_id = p.programme_id
 where p.partner_id = any(%(partners)s::uuid[]) and p.state <> 'left' and g.state = 'live'"""


def programme_of(row: dict[str, Any], policy: Policy | None = None) -> Programme:
    """A programme from a row of PROGRAMMES, with the rules that the caller chose."""
    return Programme(
        programme_id=row["programme_id"], asset=row["asset"], currency=row["currency"], face_units=row["face_units"],
        name=Text(**row["name"]), zone=row["zone"], cities=frozenset(row["cities"]), state=row["state"],
        version=row["version"], policy=policy,
    )  # fmt: skip


def policy_of(programme_id: UUID, row: dict[str, Any]) -> Policy:
    """The rules as they are kept, with what names them."""
    given = row["rules"] | {name: row[name] for name in ("version", "valid_from", "made_by")}
    return msgspec.convert(given | {"programme_id": programme_id}, Policy)


def partner_row(row: dict[str, Any]) -> Partner:
    """A partner from a row of PARTNERS."""
    fields: dict[str, Any] = {name: row[name] for name in Partner.__struct_fields__}
    rate = None if row["rate"] is None else msgspec.convert(row["rate"], Rate)
    return Partner(**fields | {"name": Text(**row["name"]), "rate": rate})


def campaign_of(row: dict[str, Any]) -> Campaign:
    """A campaign from its row."""
    sets = {"partners": frozenset(row["partners"]), "categories": frozenset(row["categories"])}
    given: dict[str, Any] = row | sets | {"name": Text(**row["name"])}
    return Campaign(**given)


async def policies(tx: Tx, programme_ids: Collection[UUID]) -> dict[UUID, list[Policy]]:
    """All versions of the rules of programmes, by version."""
    rows = await tx.rows(
        """select v.programme_id, v.version, v.rules, v.valid_from, v.made_by from programmes.policies v
            where v.programme_id = any(%(ids)s::uuid[]) order by v.programme_id, v.version""",
        ids=sorted(set(programme_ids)),
    )
    found: dict[UUID, list[Policy]] = {programme_id: [] for programme_id in programme_ids}
    for row in rows:
        found[row["programme_id"]].append(policy_of(row["programme_id"], row))
    return found


async def programmes(tx: Tx, ids: Collection[UUID] | None = None, *, at: datetime) -> list[Programme]:
    """The programmes with these ids (None: all), each with the rules in force at `at`, by name."""
    rows = await tx.rows(
        f"{PROGRAMMES} where %(ids)s::uuid[] is null or p.programme_id = any(%(ids)s::uuid[]) order by p.name->>'en'",
        ids=None if ids is None else sorted(set(ids)),
    )
    rules = await policies(tx, [row["programme_id"] for row in rows])
    return [programme_of(row, policy_at(rules[row["programme_id"]], at)) for row in rows]


async def programme(tx: Tx, programme_id: UUID, *, at: datetime) -> Programme | None:
    """One programme with the rules in force at `at`."""
    found = await programmes(tx, [programme_id], at=at)
    return found[0] if found else None


async def of_city(tx: Tx, city_id: int, *, at: datetime) -> list[Programme]:
    """The live programmes of a city."""
    return [one for one in await programmes(tx, at=at) if one.state == "live" and city_id in one.cities]


async def partners(
    tx: Tx, programme_id: UUID, *, ids: Collection[UUID] | None = None, home_city: int | None = None,
    left: bool = False, after: UUID | None = None, limit: int = 1_000,
) -> list[Partner]:  # fmt: skip
    """Partners of a programme by id; `ids`: of these merchants only; `left`: also those that have left."""
    rows = await tx.rows(
        f"""{PARTNERS} where p.programme_id = %(programme)s
              and (%(ids)s::uuid[] is null or p.partner_id = any(%(ids)s::uuid[]))
              and (%(city)s::int is null or p.home_city = %(city)s) and (%(left)s or p.state <> 'left')
              and (%(after)s::uuid is null or p.partner_id > %(after)s)
            order by p.partner_id limit %(limit)s""",
        programme=programme_id, ids=None if ids is None else sorted(set(ids)), city=home_city, left=left, after=after,
        limit=limit,
    )  # fmt: skip
    return [partner_row(row) for row in rows]


async def campaigns(tx: Tx, programme_ids: Collection[UUID], *, at: datetime | None = None) -> list[Campaign]:
    """Campaigns of programmes; `at`: those that run then."""
    rows = await tx.rows(
        f"""{CAMPAIGNS} where c.programme_id = any(%(ids)s::uuid[])
              and (%(at)s::timestamptz is null or (c.since <= %(at)s and %(at)s < c.until))
            order by c.since, c.campaign_id""",
        ids=sorted(set(programme_ids)), at=at,
    )  # fmt: skip
    return [campaign_of(row) for row in rows]


class Change(Struct, frozen=True, kw_only=True):
    """One step of a partner's history: how he stood after it."""

    version: int
    at: datetime
    by: UUID | None
    reason: str
    after: dict[str, Any]


async def partner_history(tx: Tx, programme_id: UUID, partner_id: UUID) -> list[Change]:
    """What was changed about a partner, newest first."""
    rows = await tx.rows(
        """select c.version, c.at, c.by, c.reason, c.after from programmes.partner_changes c
            where c.programme_id = %(programme)s and c.partner_id = %(partner)s order by c.version desc""",
        programme=programme_id, partner=partner_id,
    )  # fmt: skip
    return [Change(**row) for row in rows]


class Terms(Struct, frozen=True, kw_only=True):
    """What a partner gave and took since `at`: his own rate and redemption price, or None for the programme's."""

    version: int
    at: datetime
    rate: Rate | None
    redemption_bps: int | None


async def terms(tx: Tx, keys: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], list[Terms]]:
    """All terms that partners had, by (programme, partner), the oldest first."""
    rows = await tx.rows(
        """select c.programme_id, c.partner_id, c.version, c.at, c.after->'rate' as rate,
                  (c.after->>'redemption_bps')::int as redemption_bps
             from programmes.partner_changes c
             join unnest(%(programmes)s::uuid[], %(partners)s::uuid[]) as n(programme_id, partner_id)
               on n.programme_id = c.programme_id and n.partner_id = c.partner_id
            order by c.programme_id, c.partner_id, c.version""",
        programmes=[programme_id for programme_id, _ in keys], partners=[partner_id for _, partner_id in keys],
    )  # fmt: skip
    found: dict[tuple[UUID, UUID], list[Terms]] = {}
    for row in rows:
        rate = None if row["rate"] is None else msgspec.convert(row["rate"], Rate)
        one = Terms(version=row["version"], at=row["at"], rate=rate, redemption_bps=row["redemption_bps"])
        found.setdefault((row["programme_id"], row["partner_id"]), []).append(one)
    return found


_nothing: dict[tuple[str, int, str], datetime] = {}  # when a database was last seen to have no programme at all


def forget(tx: Tx) -> None:
    """A programme or partner is being changed here."""
    info = tx.conn.info
    _nothing.pop((info.host, info.port, info.dbname), None)


async def live(tx: Tx, partner_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, tuple[Programme, Partner]]:
    """The live programme of each of these merchants, with its rules in force at `at` and him in it (also paused).

    One statement; none while nothing was found for any merchant asked in a house without a live programme (this
    is looked at anew every three seconds).
    """
    if not partner_ids:
        return {}
    info = tx.conn.info
    key = (info.host, info.port, info.dbname)
    if key in _nothing and abs(at - _nothing[key]) < FRESH:
        return {}
    rows = await tx.rows(LIVE, partners=sorted(set(partner_ids)))
    found: dict[UUID, tuple[Programme, Partner]] = {}
    for row in rows:
        versions = [policy_of(row["programme_id"], one) for one in row["policies"] or ()]
        names = {"name": row["programme_name"], "state": row["programme_state"], "version": row["programme_version"]}
        found[row["partner_id"]] = (programme_of(row | names, policy_at(versions, at)), partner_row(row))
    if not rows and not await tx.value("select exists (select from programmes.programmes p where p.state = 'live')"):
        _nothing[key] = at
    return found
