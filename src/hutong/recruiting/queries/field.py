"""Reading visits and contracts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.text import Text
from hutong.recruiting.courting import Contract, Visit
from hutong.recruiting.model import Reach


def as_contract(row: Mapping[str, Any]) -> Contract:
    """A row of recruiting.contracts as a value."""
    fields = {name: row[name] for name in Contract.__struct_fields__}
    return Contract(**{**fields, "plan_words": Text(**row["plan_words"])})


def _visit(row: dict[str, Any]) -> Visit:
    return Visit(**{name: row[name] for name in Visit.__struct_fields__})


async def visits(
    tx: Tx,
    reach: Reach,
    *,
    city_id: int,
    merchant_id: UUID | None = None,
    open_only: bool = False,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 20,
) -> list[Visit]:
    """Visits in this reach, of one merchant or of all, the latest first; the next page begins after (at, id).

    open_only: only those to shops that are not with us yet.
    """
    seen, params = reach.sql(operator="v.operator_id")
    rows = await tx.rows(
        f"""select v.* from recruiting.visits v
            where v.city_id = %(city)s and {seen} and (%(merchant)s::uuid is null or v.merchant_id = %(merchant)s)
              and (not %(open)s or v.merchant_id is null)
              and (%(at)s::timestamptz is null or (v.at, v.visit_id) < (%(at)s, %(last)s::uuid))
            order by v.at desc, v.visit_id desc limit %(limit)s""",
        city=city_id, merchant=merchant_id, open=open_only, at=after[0] if after else None,
        last=after[1] if after else None, limit=limit, **params,
    )  # fmt: skip
    return [_visit(row) for row in rows]


async def steps_due(tx: Tx, reach: Reach, *, city_id: int, until: date, limit: int = 10) -> list[Visit]:
    """The visits whose next step is due by that day and after which nobody has been there again; the oldest first."""
    seen, params = reach.sql(operator="v.operator_id")
    rows = await tx.rows(
        f"""select v.* from recruiting.visits v
            where v.city_id = %(city)s and {seen} and v.next_on <= %(until)s and not exists (
              select from recruiting.visits l where l.city_id = %(city)s and l.operator_id = v.operator_id
                and l.at > v.at and (l.business = v.business or l.merchant_id = v.merchant_id))
            order by v.next_on, v.visit_id limit %(limit)s""",
        city=city_id, until=until, limit=limit, **params,
    )  # fmt: skip
    return [_visit(row) for row in rows]


async def contracts_of(tx: Tx, merchant_id: UUID, *, city_id: int) -> list[Contract]:
    """All versions with a merchant, the newest first."""
    rows = await tx.rows(
        """select * from recruiting.contracts where city_id = %(city)s and merchant_id = %(merchant)s
           order by offered_at desc, version desc""",
        city=city_id,
        merchant=merchant_id,
    )
    return [as_contract(row) for row in rows]


async def in_force(tx: Tx, merchant_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Contract]:
    """The contract in force of each of these merchants, or the one that is offered; absent for one without."""
    rows = await tx.rows(
        """select * from recruiting.contracts where city_id = %(city)s and merchant_id = any(%(ids)s::uuid[])
             and ended_at is null order by merchant_id, signed_at nulls first""",
        city=city_id,
        ids=sorted(set(merchant_ids)),
    )
    return {row["merchant_id"]: as_contract(row) for row in rows}


async def recruited(tx: Tx, operator_ids: Sequence[UUID], *, city_id: int) -> list[UUID]:
    """The merchants of a city by which these operators earn now."""
    rows = await tx.rows(
        """select merchant_id from recruiting.attributions
           where city_id = %(city)s and operator_id = any(%(ids)s::uuid[]) and until is null order by since desc""",
        city=city_id,
        ids=sorted(set(operator_ids)),
    )
    return [row["merchant_id"] for row in rows]
