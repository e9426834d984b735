"""Reading promotions. What a member is shown is what is live; the staff's reads begin with a scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import convert

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.text import Text
from hutong.pricing.rules import Rule
from hutong.pricing.stored import BURN, BURN_S, Batch, Budget, Counter, Kept, Live, PromotionChange

# The counter of the budget in all says whether it is spent; a promotion that never was used has none.
LIVE = """select p.promotion_id, p.merchant_id, p.trigger, p.state, p.version, p.name, p.rule, p.starts_at, p.ends_at,
       p.use_until, p.template, p.forecast_units, p.stopped_why, p.made_by, p.made_at,
       coalesce(c.held_units, 0) as held_units, coalesce(c.held_uses, 0) as held_uses,
       coalesce(c.spent_units, 0) as spent_units, coalesce(c.spent_uses, 0) as spent_uses,
       coalesce(c.held_units + c.spent_units >= b.most_units, b.most_units = 0, false)
         or coalesce(c.held_uses + c.spent_uses >= b.most_uses, b.most_uses = 0, false) as exhausted
from pricing.promotions p
left join pricing.budgets b on b.city_id = %(city)s and b.promotion_id = p.promotion_id and b.attribute = 'all'
left join pricing.counters c on c.city_id = %(city)s and c.promotion_id = p.promotion_id and c.attribute = 'all'
  and c.key = ''
where p.city_id = %(city)s"""


# The same, and whether it spends more in these five minutes than the alarm lets pass.
CLAIMED = LIVE.replace(
    "\nfrom pricing.promotions p",
    """,
       exists (select 1 from pricing.counters f where f.city_id = %(city)s and f.promotion_id = p.promotion_id
                 and f.attribute = %(burn)s and f.key = %(burn_key)s
                 and f.held_units + f.spent_units > %(times)s * p.forecast_units) as burning
from pricing.promotions p""",
    1,
)


def live_of_row(row: dict[str, Any]) -> Live:
    """A row of LIVE as a value."""
    return Live(
        promotion_id=row["promotion_id"], merchant_id=row["merchant_id"], trigger=row["trigger"], state=row["state"],
        version=row["version"], name=Text(**row["name"]), rule=convert(row["rule"], Rule), starts_at=row["starts_at"],
        ends_at=row["ends_at"], use_until=row["use_until"], exhausted=row["exhausted"],
    )  # fmt: skip


def _kept(row: dict[str, Any], budgets: tuple[Budget, ...]) -> Kept:
    return Kept(
        live=live_of_row(row), template=row["template"], forecast_units=row["forecast_units"],
        stopped_why=row["stopped_why"], made_by=row["made_by"], made_at=row["made_at"], budgets=budgets,
        held_units=row["held_units"], held_uses=row["held_uses"], spent_units=row["spent_units"],
        spent_uses=row["spent_uses"],
    )  # fmt: skip


async def promotions(tx: Tx, promotion_ids: Sequence[UUID], *, city_id: int) -> list[Live | None]:
    """The promotions with these ids, in the order of the list, in whatever state they are; None for an unknown one."""
    if not promotion_ids:
        return []
    rows = await tx.rows(
        f"{LIVE} and p.promotion_id = any(%(ids)s::uuid[])", city=city_id, ids=sorted(set(promotion_ids))
    )
    found = {row["promotion_id"]: live_of_row(row) for row in rows}
    return [found.get(promotion_id) for promotion_id in promotion_ids]


async def _budgets(tx: Tx, ids: Sequence[UUID], city_id: int) -> dict[UUID, tuple[Budget, ...]]:
    rows = await tx.rows(
        """select promotion_id, attribute, most_units, most_uses from pricing.budgets
           where city_id = %(city)s and promotion_id = any(%(ids)s::uuid[]) order by promotion_id, attribute""",
        city=city_id,
        ids=list(ids),
    )
    found: dict[UUID, tuple[Budget, ...]] = {}
    for row in rows:
        one = Budget(attribute=row["attribute"], most_units=row["most_units"], most_uses=row["most_uses"])
        found[row["promotion_id"]] = (*found.get(row["promotion_id"], ()), one)
    return found


async def campaigns(
    tx: Tx, *, city_id: int, scope: Scope, merchant_id: UUID | None = None, ids: Sequence[UUID] | None = None,
    limit: int = 200,
) -> list[Kept]:  # fmt: skip
    """The promotions that the asker may see, newest first: of one merchant, or with these ids, or all (city)."""
    may, params = scope.sql(city="p.city_id", merchant="p.merchant_id")
    rows = await tx.rows(
        f"""{LIVE} and ({may}) and (%(merchant)s::uuid is null or p.merchant_id = %(merchant)s)
            and (%(ids)s::uuid[] is null or p.promotion_id = any(%(ids)s::uuid[]))
            order by p.promotion_id desc limit %(limit)s""",
        city=city_id, merchant=merchant_id, ids=None if ids is None else list(ids), limit=limit, **params,
    )  # fmt: skip
    limits = await _budgets(tx, [row["promotion_id"] for row in rows], city_id)
    return [_kept(row, limits.get(row["promotion_id"], ())) for row in rows]


async def promotion_history(tx: Tx, promotion_id: UUID, *, city_id: int) -> list[PromotionChange]:
    """All steps of a promotion, first to last. The caller has looked whether the asker may see it."""
    rows = await tx.rows(
        """select version, what, state, by, at, reason from pricing.changes
           where city_id = %(city)s and promotion_id = %(id)s order by version""",
        city=city_id,
        id=promotion_id,
    )
    return [PromotionChange(**row) for row in rows]


async def counters(tx: Tx, promotion_id: UUID, *, city_id: int, attribute: str | None = None) -> list[Counter]:
    """The counters of a promotion, or those of one attribute, by key. For its staff and for tests."""
    rows = await tx.rows(
        """select attribute, key, most_units, most_uses, held_units, held_uses, spent_units, spent_uses
           from pricing.counters where city_id = %(city)s and promotion_id = %(id)s
             and (%(attribute)s::text is null or attribute = %(attribute)s)
           order by attribute, key""",
        city=city_id,
        id=promotion_id,
        attribute=attribute,
    )
    return [Counter(**row) for row in rows]


async def burnt(tx: Tx, promotion_id: UUID, *, city_id: int, since: datetime) -> list[tuple[datetime, int, int]]:
    """What each five minutes since then came to: (their beginning, money, uses), oldest first. For its staff."""
    rows = await tx.rows(
        """select key, held_units + spent_units as units, held_uses + spent_uses as uses from pricing.counters
           where city_id = %(city)s and promotion_id = %(id)s and attribute = %(burn)s and key >= %(since)s
           order by key""",
        city=city_id, id=promotion_id, burn=BURN, since=burn_key(since),
    )  # fmt: skip
    return [(datetime.fromisoformat(row["key"]), row["units"], row["uses"]) for row in rows]


def burn_key(at: datetime) -> str:
    """The name of the five minutes in which an instant lies: their beginning in UTC."""
    epoch = int(at.timestamp())
    return datetime.fromtimestamp(epoch - epoch % BURN_S, at.tzinfo).isoformat(timespec="seconds")


async def batches_of(tx: Tx, promotion_id: UUID, *, city_id: int) -> list[Batch]:
    """The batches of codes of a promotion, newest first. For its staff."""
    rows = await tx.rows(
        """select b.batch_id, b.promotion_id, b.kind, b.label, b.count, b.made_by, b.made_at,
                  count(*) filter (where c.state = 'taken') as taken, count(*) filter (where c.state = 'void') as void
           from pricing.batches b
           left join pricing.codes c on c.city_id = %(city)s and c.batch_id = b.batch_id
           where b.city_id = %(city)s and b.promotion_id = %(id)s
           group by b.batch_id, b.promotion_id, b.kind, b.label, b.count, b.made_by, b.made_at
           order by b.batch_id desc""",
        city=city_id,
        id=promotion_id,
    )
    return [Batch(**row) for row in rows]


async def codes_taken(tx: Tx, batch_id: UUID, *, city_id: int) -> dict[UUID, str]:
    """The states of the codes of a batch by their ids. For its staff."""
    rows = await tx.rows(
        "select code_id, state from pricing.codes where city_id = %(city)s and batch_id = %(id)s",
        city=city_id,
        id=batch_id,
    )
    return {row["code_id"]: row["state"] for row in rows}


async def promotion_of_code(tx: Tx, code_id: UUID, *, city_id: int) -> UUID | None:
    """Which coupon a code is for, whoever knows it; None for a wrong one."""
    return await tx.value(
        "select promotion_id from pricing.codes where city_id = %(city)s and code_id = %(id)s",
        city=city_id,
        id=code_id,
    )


async def shown_codes(tx: Tx, refs: Sequence[UUID], *, city_id: int) -> dict[UUID, str]:
    """The third parties' codes that went with these claims. The caller has looked whether they are the asker's."""
    rows = await tx.rows(
        """select taken_ref, shown from pricing.codes
           where city_id = %(city)s and taken_ref = any(%(refs)s::uuid[]) and shown is not null""",
        city=city_id,
        refs=list(refs),
    )
    return {row["taken_ref"]: row["shown"] for row in rows}
