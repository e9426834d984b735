"""What a partner's movements of a period come to, kind by kind: the head of a page whose lines are the movements."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.programmes.model import MovementKind


class PartnerSum(Struct, frozen=True, kw_only=True):
    """All movements of one kind at a partner: how many, of how many points (`debt` of a claw-back: those that were
    spent already), what left his funding for them or came back (`funded`), and what he is owed for them (`worth`)."""

    kind: MovementKind
    count: int
    points: int
    debt: int
    funded: Amount
    worth: Amount


async def sums_of(
    tx: Tx, programme_id: UUID, partner_ids: Collection[UUID], *, since: datetime, until: datetime
) -> dict[UUID, dict[str, PartnerSum]]:
    """What was booked in [since, until) at each of these partners, by kind; who and what had none is absent."""
    rows = await tx.rows(
        """select m.partner_id, m.kind, count(*)::int as count, sum(m.points)::bigint as points,
                  sum(m.debt_part)::bigint as debt, sum(m.funded_units)::bigint as funded,
                  sum(m.worth_units)::bigint as worth, p.currency
             from programmes.movements m join programmes.programmes p on p.programme_id = m.programme_id
            where m.programme_id = %(programme)s and m.partner_id = any(%(partners)s::uuid[]) and m.state = 'done'
              and m.at >= %(since)s and m.at < %(until)s
            group by m.partner_id, m.kind, p.currency""",
        programme=programme_id, partners=sorted(set(partner_ids)), since=since, until=until,
    )  # fmt: skip
    found: dict[UUID, dict[str, PartnerSum]] = {}
    for row in rows:
        found.setdefault(row["partner_id"], {})[row["kind"]] = PartnerSum(
            kind=row["kind"], count=row["count"], points=row["points"], debt=row["debt"],
            funded=Amount(row["funded"], row["currency"]), worth=Amount(row["worth"], row["currency"]),
        )  # fmt: skip
    return found


async def partner_sums(
    tx: Tx, programme_id: UUID, partner_id: UUID, *, since: datetime, until: datetime
) -> dict[str, PartnerSum]:
    """What was booked in [since, until) at this partner, by kind; kinds without a movement are absent."""
    return (await sums_of(tx, programme_id, [partner_id], since=since, until=until)).get(partner_id, {})
