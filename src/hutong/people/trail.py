"""Who gave and took roles and keys at a merchant: what its leaders look up later."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.access import Scope


class StaffDeed(Struct, frozen=True, kw_only=True):
    """One thing that was done to a role or a key. `word` is the role or the key's label, `whom` the holder."""

    at: datetime
    what: Literal["role_given", "role_taken", "key_made", "key_ended"]
    by: UUID | None
    whom: UUID | None
    word: str
    store_id: UUID | None


async def staff_deeds(
    tx: Tx, *, staff: Scope, keys: Scope, merchant_id: UUID, since: datetime, limit: int = 100
) -> list[StaffDeed]:
    """Roles given and taken within the scope of VIEW_STAFF, keys made and ended within that of MANAGE_KEYS.

    Of one merchant, since then, newest first. A key that ends later stands with the time at which it will.
    """
    seen, params = staff.sql(city="g.city_id", merchant="g.merchant_id", store="g.store_id", prefix="staff")
    held, more = keys.sql(city="k.city_id", merchant="k.merchant_id", store="k.store_id", prefix="keys")
    rows = await tx.rows(
        f"""select * from (
                select g.granted_at as at, 'role_given' as what, g.granted_by as by, g.member_id as whom,
                       g.role as word, g.store_id
                from people.grants as g where g.merchant_id = %(merchant)s::uuid and {seen}
                union all
                select g.revoked_at, 'role_taken', g.revoked_by, g.member_id, g.role, g.store_id
                from people.grants as g
                where g.merchant_id = %(merchant)s::uuid and g.revoked_at is not null and {seen}
                union all
                select k.made_at, 'key_made', k.made_by, null, k.label, k.store_id
                from people.keys as k where k.merchant_id = %(merchant)s::uuid and {held}
                union all
                select k.ends_at, 'key_ended', k.ended_by, null, k.label, k.store_id
                from people.keys as k
                where k.merchant_id = %(merchant)s::uuid and k.ends_at is not null and {held}) as deeds
            where at >= %(since)s order by at desc, what limit %(limit)s""",
        merchant=merchant_id,
        since=since,
        limit=limit,
        **params,
        **more,
    )
    return [StaffDeed(**row) for row in rows]
