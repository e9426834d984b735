"""In the field: visits that were made, contracts that were offered and signed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.recruiting.courting import Attribution, Contract, LogVisit, Offer, Sign, Visit
from hutong.recruiting.model import Reach, term_end
from hutong.recruiting.operations import _evidence
from hutong.recruiting.operations.court import admitted
from hutong.recruiting.queries.applications import of_merchants
from hutong.recruiting.queries.field import as_contract
from hutong.recruiting.queries.tree import holders
from hutong.recruiting.refusals import ContractChanged, ContractUnknown, VisitUnknown


async def log_visits(tx: Tx, asks: Sequence[LogVisit], *, city_id: int, now: datetime) -> list[Visit | Refusal]:
    """Log visits; the same id again is the visit that is there. One to a shop that is applying is evidence.

    Refusals: bad_input (business, note, address, next_step, at), not_found (no such merchant or application here).
    """
    wanted = [a.merchant_id for a in asks if a.merchant_id]
    since = await admitted(tx, wanted, city_id=city_id)
    applying = await of_merchants(tx, wanted, city_id=city_id)
    results: list[Visit | Refusal] = []
    good: list[Visit] = []
    for ask in asks:
        why = _why_not_visit(ask, now)
        if why is None and ask.merchant_id and ask.merchant_id not in since and ask.merchant_id not in applying:
            why = NotFound()
        if why is not None:
            results.append(why)
            continue
        trimmed = {name: getattr(ask, name).strip() for name in ("business", "address", "note", "next_step")}
        good.append(Visit(**structs.asdict(ask) | trimmed, logged_at=now))
        results.append(good[-1])
    await _insert_visits(tx, good, city_id=city_id)
    proofs = [
        _evidence.Found(merchant_id=v.merchant_id, operator_id=v.operator_id, kind="visit", ref=v.visit_id, by=v.by,
                        at=now)
        for v in good if v.merchant_id is not None and v.merchant_id not in since
    ]  # fmt: skip
    await _evidence.add(tx, proofs, city_id=city_id, now=now)
    return results


def _why_not_visit(ask: LogVisit, now: datetime) -> Refusal | None:
    for field, least, most in (("business", 1, 120), ("note", 1, 1000), ("address", 0, 240), ("next_step", 0, 200)):
        if not least <= len(getattr(ask, field).strip()) <= most:
            return BadInput(field=field, why=f"{least}-{most}")
    return BadInput(field="at", why=">") if ask.at > now else None


async def _insert_visits(tx: Tx, good: Sequence[Visit], *, city_id: int) -> None:
    await tx.run(
        """insert into recruiting.visits
             (city_id, visit_id, operator_id, by, merchant_id, business, phone, address, note, next_step, next_on,
              photo, photo_small, at, logged_at)
           select %(city)s, v.* from unnest(%(ids)s::uuid[], %(operators)s::uuid[], %(bys)s::uuid[],
             %(merchants)s::uuid[], %(businesses)s::text[], %(phones)s::text[], %(addresses)s::text[],
             %(notes)s::text[], %(steps)s::text[], %(days)s::date[], %(photos)s::text[], %(smalls)s::text[],
             %(ats)s::timestamptz[], %(logged)s::timestamptz[])
             as v(id, operator, by, merchant, business, phone, address, note, step, day, photo, small, at, logged)
           on conflict (city_id, visit_id) do nothing""",
        city=city_id, ids=[v.visit_id for v in good], operators=[v.operator_id for v in good],
        bys=[v.by for v in good], merchants=[v.merchant_id for v in good], businesses=[v.business for v in good],
        phones=[v.phone for v in good], addresses=[v.address for v in good], notes=[v.note for v in good],
        steps=[v.next_step for v in good], days=[v.next_on for v in good], photos=[v.photo for v in good],
        smalls=[v.photo_small for v in good], ats=[v.at for v in good], logged=[v.logged_at for v in good],
    )  # fmt: skip


async def link_visits(
    tx: Tx, asks: Sequence[tuple[UUID, UUID]], *, city_id: int, operators: frozenset[UUID], now: datetime
) -> list[UUID | Refusal]:
    """(visit, merchant) each: say which merchant the shop of an own visit has become. What was logged before he came
    in is evidence, from the day on which it was logged. Refusals: visit_not_found, not_found."""
    since = await admitted(tx, [one[1] for one in asks], city_id=city_id)
    known = [one for one in asks if one[1] in since]
    rows = await tx.rows(
        """update recruiting.visits as v set merchant_id = k.merchant
           from unnest(%(ids)s::uuid[], %(merchants)s::uuid[]) as k(id, merchant)
           where v.city_id = %(city)s and v.visit_id = k.id and v.operator_id = any(%(operators)s::uuid[])
             and v.merchant_id is null
           returning v.visit_id, v.operator_id, v.merchant_id, v.by, v.logged_at""",
        city=city_id, ids=[one[0] for one in known], merchants=[one[1] for one in known],
        operators=sorted(operators),
    )  # fmt: skip
    proofs = [
        _evidence.Found(
            merchant_id=row["merchant_id"], operator_id=row["operator_id"], kind="visit", ref=row["visit_id"],
            by=row["by"], at=row["logged_at"],
        )
        for row in rows
    ]  # fmt: skip
    await _evidence.add(tx, proofs, city_id=city_id, now=now)
    touched = {one.merchant_id: since[one.merchant_id] for one in proofs}
    await _evidence.weigh(tx, touched, city_id=city_id, now=now)
    linked = {row["visit_id"] for row in rows}
    return [
        NotFound() if one[1] not in since else one[0] if one[0] in linked else VisitUnknown() for one in asks
    ]  # fmt: skip


async def offer(
    tx: Tx, asks: Sequence[Offer], *, city_id: int, reach: Reach, now: datetime
) -> list[Contract | Refusal]:
    """Offer a contract, or its next version; one that was offered and not signed is replaced by it.

    Refusals in this order: not_found (no merchant here, or an operator outside the reach), bad_input (plan, months,
    note), contract_changed.
    """
    since = await admitted(tx, [a.merchant_id for a in asks], city_id=city_id)
    rows = await _live(tx, [a.merchant_id for a in asks], city_id=city_id)
    results: list[Contract | Refusal] = []
    for ask in asks:  # one person offers one contract; each stands on what the one before left
        newest = max((r["version"] for r in rows if r["contract_id"] == ask.contract_id), default=0)
        if ask.merchant_id not in since or not (reach.everything or ask.operator_id in reach.operators):
            results.append(NotFound())
        elif not (ask.plan_words.zh.strip() and ask.plan_words.en.strip()):
            results.append(BadInput(field="plan", why="1-"))
        elif ask.months is not None and not 1 <= ask.months <= 240:
            results.append(BadInput(field="months", why="1-240"))
        elif len(ask.note.strip()) > 400:
            results.append(BadInput(field="note", why="≤ 400"))
        elif newest != ask.version:
            results.append(ContractChanged())
        else:
            results.append(await _offer(tx, ask, city_id=city_id, now=now))
    return results


async def _live(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> list[dict[str, Any]]:
    return await tx.rows(
        """select * from recruiting.contracts where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])
           order by contract_id, version for update""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )


async def _offer(tx: Tx, ask: Offer, *, city_id: int, now: datetime) -> Contract | Refusal:
    await tx.run(
        """update recruiting.contracts set ended_at = %(now)s, ended_by = %(by)s
           where city_id = %(city)s and merchant_id = %(merchant)s and signed_at is null and ended_at is null""",
        city=city_id, merchant=ask.merchant_id, now=now, by=ask.by,
    )  # fmt: skip
    row = await tx.row(
        """insert into recruiting.contracts
             (city_id, contract_id, version, merchant_id, operator_id, plan_id, plan_version, plan_words, months, note,
              offered_by, offered_at)
           values (%(city)s, %(id)s, %(version)s, %(merchant)s, %(operator)s, %(plan)s, %(plan_version)s, %(words)s,
                   %(months)s, %(note)s, %(by)s, %(now)s)
           on conflict do nothing returning *""",
        city=city_id, id=ask.contract_id, version=ask.version + 1, merchant=ask.merchant_id,
        operator=ask.operator_id, plan=ask.plan_id, plan_version=ask.plan_version,
        words=Jsonb({"zh": ask.plan_words.zh, "en": ask.plan_words.en}), months=ask.months, note=ask.note.strip(),
        by=ask.by, now=now,
    )  # fmt: skip
    return as_contract(row) if row else ContractChanged()


async def sign(tx: Tx, asks: Sequence[Sign], *, city_id: int, zone: str, now: datetime) -> list[Contract | Refusal]:
    """The owner signs the version that he read: it is in force, the one before ends. If its operator recruited the
    merchant, his term runs from now. Signed twice is once. The edge has checked that he owns the merchant.

    Refusals in this order: contract_not_found (also another merchant's), contract_changed.
    """
    rows = await _live(tx, [a.merchant_id for a in asks], city_id=city_id)
    there = {(row["contract_id"], row["version"]): as_contract(row) for row in rows}
    held = await holders(tx, [a.merchant_id for a in asks])
    results: list[Contract | Refusal] = []
    for ask in asks:
        one = there.get((ask.contract_id, ask.version))
        if one is None or one.merchant_id != ask.merchant_id:
            results.append(ContractUnknown())
        elif one.state == "in_force":
            results.append(one)
        elif one.state == "ended":
            results.append(ContractChanged())
        else:
            results.append(await _sign(tx, one, ask, held, city_id=city_id, zone=zone, now=now))
    return results


async def _sign(
    tx: Tx, one: Contract, ask: Sign, held: dict[UUID, Attribution], *, city_id: int, zone: str, now: datetime
) -> Contract:
    ends = term_end(now, one.months, zone) if one.months is not None else None
    where = {"city": city_id, "merchant": one.merchant_id, "now": now, "by": ask.by}
    await tx.run(
        """update recruiting.contracts set ended_at = %(now)s, ended_by = %(by)s
           where city_id = %(city)s and merchant_id = %(merchant)s and signed_at is not null and ended_at is null""",
        **where,
    )
    row = await tx.row(
        """update recruiting.contracts set signed_at = %(now)s, signed_by = %(by)s, share_ends_at = %(ends)s
           where city_id = %(city)s and merchant_id = %(merchant)s and contract_id = %(id)s and version = %(version)s
           returning *""",
        id=one.contract_id, version=one.version, ends=ends, **where,
    )  # fmt: skip
    was = held.get(one.merchant_id)
    if was is not None and was.operator_id == one.operator_id and was.ends_at != ends:
        term = structs.replace(
            was, attribution_id=derive(one.contract_id, f"term/{one.version}"), since=now, until=None, ends_at=ends,
            why="contract", about=one.contract_id, reason="", by=ask.by,
        )  # fmt: skip
        await _evidence.attribute(tx, [term], now=now)
    assert row is not None
    return as_contract(row)
