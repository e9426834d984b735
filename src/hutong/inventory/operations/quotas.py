"""Open, resize and close quotas."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hutong.infra.db import Tx
from hutong.inventory import queries
from hutong.inventory.model import OpenQuota, Quota, Resize
from hutong.inventory.operations._lock import lock
from hutong.inventory.refusals import QuotaUnknown, TotalTooLow
from hutong.kit.refusals import Refusal


async def open_quotas(tx: Tx, requests: Sequence[OpenQuota], *, city_id: int, now: datetime) -> list[Quota]:
    """Let the quotas be there; each as it stands. One that is there already stays as it is (see `resize`)."""
    if not requests:
        return []
    await tx.run(
        """insert into inventory.quotas (city_id, quota_id, label, total, held, sold, remaining, opened_at, listed)
           select %(city)s, o.quota_id, o.label, o.total, 0, 0, o.total, %(now)s, false
           from unnest(%(ids)s::uuid[], %(labels)s::text[], %(totals)s::bigint[]) as o(quota_id, label, total)
           order by o.quota_id
           on conflict (city_id, quota_id) do nothing""",
        city=city_id, now=now, ids=[r.quota_id for r in requests], labels=[r.label for r in requests],
        totals=[r.total for r in requests],
    )  # fmt: skip
    found = await queries.quotas(tx, [r.quota_id for r in requests], city_id=city_id)
    return [quota for quota in found if quota is not None]


async def resize(tx: Tx, requests: Sequence[Resize], *, city_id: int) -> list[Quota | Refusal]:
    """Give quotas another total, in the order of the list; each as it then stands.

    Refusals: quota_unknown; total_too_low (below what is sold and held: nobody's unit is taken away).
    """
    stock = await lock(tx, [r.quota_id for r in requests], city_id=city_id)
    results: list[Quota | Refusal] = []
    changed: dict[UUID, Quota] = {}
    for request in requests:
        quota = stock.get(request.quota_id)
        if quota is None:
            results.append(QuotaUnknown(quota=str(request.quota_id)))
            continue
        least = quota.sold + quota.held
        if request.total < least:
            results.append(TotalTooLow(least=least, sold=quota.sold, held=quota.held))
            continue
        quota = msgspec.structs.replace(quota, total=request.total, remaining=request.total - least)
        stock[request.quota_id] = changed[request.quota_id] = quota
        results.append(quota)
    if changed:
        await tx.run(
            """update inventory.quotas q set total = n.total, remaining = n.total - q.sold - q.held
               from unnest(%(ids)s::uuid[], %(totals)s::bigint[]) as n(quota_id, total)
               where q.city_id = %(city)s and q.quota_id = n.quota_id""",
            city=city_id, ids=list(changed), totals=[q.total for q in changed.values()],
        )  # fmt: skip
    return results


async def list_quotas(tx: Tx, listed: Mapping[UUID, bool], *, city_id: int) -> None:
    """Say of quotas whether people wait for their units: then what becomes free is sold to nobody who just comes
    along, only held for those who wait (`hold(..., for_list=True)`). Rows are locked sorted."""
    ids = sorted(listed)
    await tx.run(
        """with wanted as (
             select q.quota_id, n.listed
             from unnest(%(ids)s::uuid[], %(listed)s::boolean[]) as n(quota_id, listed)
             join inventory.quotas q on q.city_id = %(city)s and q.quota_id = n.quota_id and q.listed <> n.listed
             order by q.quota_id for no key update of q
           )
           update inventory.quotas q set listed = w.listed
           from wanted w where q.city_id = %(city)s and q.quota_id = w.quota_id""",
        city=city_id, ids=ids, listed=[listed[i] for i in ids],
    )  # fmt: skip


async def close_quotas(
    tx: Tx, quota_ids: Sequence[UUID], *, city_id: int, now: datetime
) -> list[Quota | Refusal]:  # fmt: skip
    """Sell no more from these quotas; each as it then stands. Holds that are there may still be confirmed.

    Closing twice keeps the first time. Refusal: quota_unknown.
    """
    stock = await lock(tx, quota_ids, city_id=city_id)
    await tx.run(
        """update inventory.quotas set closed_at = %(now)s
           where city_id = %(city)s and quota_id = any(%(ids)s::uuid[]) and closed_at is null""",
        city=city_id, now=now, ids=sorted(stock),
    )  # fmt: skip
    results: list[Quota | Refusal] = []
    for quota_id in quota_ids:
        quota = stock.get(quota_id)
        if quota is None:
            results.append(QuotaUnknown(quota=str(quota_id)))
        else:
            results.append(msgspec.structs.replace(quota, closed_at=quota.closed_at or now))
    return results
