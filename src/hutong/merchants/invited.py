"""Reading invitations."""

import hashlib
import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.access import Role, Scope
from hutong.kit.text import Text
from hutong.merchants.model import Invitation, InvitationDeed

_INVITATION = """select i.invitation_id, i.role, i.label, i.merchant_id, m.name as merchant_name, i.store_id,
                        s.name as store_name, i.invited_at, i.expires_at, i.accepted_at, i.secret_hash
                 from merchants.invitations as i
                 join merchants.merchants as m on m.merchant_id = i.merchant_id
                 left join merchants.stores as s
                     on s.city_id = %(city)s and s.city_id = i.city_id and s.store_id = i.store_id"""


def secret_hash(secret: str) -> bytes:
    """What is stored of an invitation's secret: it is long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def _invitation(row: dict[str, Any]) -> Invitation:
    shown = {name: row[name] for name in Invitation.__struct_fields__}
    names = {
        "role": Role(row["role"]),
        "merchant_name": Text(**row["merchant_name"]),
        "store_name": Text(**row["store_name"]) if row["store_name"] else None,
    }
    return Invitation(**{**shown, **names})


async def invitation(tx: Tx, city_id: int, invitation_id: UUID, secret: str) -> Invitation | None:
    """What the page of an invitation shows to whoever has its link; None without the right secret or taken back."""
    row = await tx.row(
        f"{_INVITATION} where i.city_id = %(city)s and i.invitation_id = %(id)s and i.revoked_at is null",
        city=city_id,
        id=invitation_id,
    )
    if row is None or not hmac.compare_digest(row["secret_hash"], secret_hash(secret)):
        return None
    return _invitation(row)


async def pending_invitations(tx: Tx, city_id: int, scope: Scope, *, now: datetime) -> list[Invitation]:
    """The open invitations of a city within the scope of VIEW_STAFF, newest first, at most 200."""
    seen, params = scope.sql(city="i.city_id", merchant="i.merchant_id", store="i.store_id")
    rows = await tx.rows(
        f"""{_INVITATION} where i.city_id = %(city)s and {seen} and i.accepted_at is null and i.revoked_at is null
              and i.expires_at > %(now)s
            order by i.invited_at desc, i.invitation_id limit 200""",
        city=city_id,
        now=now,
        **params,
    )
    return [_invitation(row) for row in rows]


async def invitation_deeds(
    tx: Tx, scope: Scope, *, city_id: int, merchant_id: UUID, since: datetime, limit: int = 100
) -> list[InvitationDeed]:
    """Who invited and uninvited whom at a merchant within the scope of VIEW_STAFF since then, newest first."""
    seen, params = scope.sql(city="i.city_id", merchant="i.merchant_id", store="i.store_id")
    rows = await tx.rows(
        f"""select d.at, d.what, d.by, i.role, i.label, i.store_id
            from merchants.invitations as i
            cross join lateral (values (i.invited_at, 'invited', i.invited_by),
                                       (i.revoked_at, 'uninvited', i.revoked_by)) as d (at, what, by)
            where i.city_id = %(city)s and i.merchant_id = %(merchant)s::uuid and d.at >= %(since)s and {seen}
            order by d.at desc, i.invitation_id limit %(limit)s""",
        city=city_id,
        merchant=merchant_id,
        since=since,
        limit=limit,
        **params,
    )
    return [InvitationDeed(**{**row, "role": Role(row["role"])}) for row in rows]
