"""A city at a glance: what was used, and by how many merchants. Who may see is the scope's."""

from datetime import datetime

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.access import Scope
from hutong.kit.money import Amount


class Activity(Struct, frozen=True, kw_only=True):
    """What was used in a period and not undone: rights, what they were worth, at how many merchants."""

    uses: int
    merchants: int
    due: Amount
    operators: Amount  # the operators' part of it


async def activity(
    tx: Tx, scope: Scope, *, city_id: int, asset: str, since: datetime, until: datetime
) -> Activity:  # fmt: skip
    """The earnings of a city in [since, until) within the scope of VIEW_STATEMENT."""
    seen, params = scope.sql(city="e.city_id", merchant="e.merchant_id", store="e.store_id")
    row = await tx.row(
        f"""select coalesce(sum(e.count), 0)::int as uses, count(distinct e.merchant_id)::int as merchants,
                   coalesce(sum(e.due_units), 0)::bigint as due, coalesce(sum(e.operator_units), 0)::bigint as operators
            from settlement.earnings e
            where e.city_id = %(city)s and {seen} and e.asset = %(asset)s and e.reversed_at is null
              and e.at >= %(since)s and e.at < %(until)s""",
        city=city_id, asset=asset, since=since, until=until, **params,
    )  # fmt: skip
    assert row is not None
    return Activity(
        uses=row["uses"], merchants=row["merchants"], due=Amount(row["due"], asset),
        operators=Amount(row["operators"], asset),
    )  # fmt: skip
