"""What members could pay with at merchants that take points: a read for the packages above, without an asker."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.programmes.model import Partner, Programme
from hutong.programmes.queries import live


class Spendable(Struct, frozen=True, kw_only=True):
    """Points of a member that a merchant would take: those that are available and not over at the instant asked."""

    programme: Programme
    partner: Partner
    points: int

    @property
    def redemption_bps(self) -> int:
        """What of the face of a point the merchant is paid, in basis points."""
        own = self.partner.redemption_bps
        policy = self.programme.policy
        return own if own is not None else policy.redemption_bps if policy is not None else 0


async def spendable(
    tx: Tx, wallets: Collection[tuple[UUID, UUID]], *, at: datetime
) -> dict[tuple[UUID, UUID], Spendable]:
    """Of each (member, merchant) what he could spend there; where points are not taken, or he has none: absent. At most
    two statements, whatever the number."""
    taken = {
        partner_id: (programme, partner)
        for partner_id, (programme, partner) in (await live(tx, sorted({m for _, m in wallets}), at=at)).items()
        if partner.redeems and partner.state == "active" and programme.policy is not None
    }
    wanted = {(member, taken[merchant][0].programme_id) for member, merchant in wallets if merchant in taken}
    if not wanted:
        return {}
    rows = await tx.rows(
        """select l.member_id, l.programme_id, sum(l.rest)::bigint as points
             from unnest(%(members)s::uuid[], %(programmes)s::uuid[]) as k(member_id, programme_id)
             join programmes.lots l on l.member_id = k.member_id and l.programme_id = k.programme_id
              and l.state = 'available' and l.rest > 0 and l.expires_at > %(at)s
            group by l.member_id, l.programme_id""",
        members=[member for member, _ in sorted(wanted)], programmes=[one for _, one in sorted(wanted)], at=at,
    )  # fmt: skip
    has = {(row["member_id"], row["programme_id"]): row["points"] for row in rows}
    return {
        (member, merchant): Spendable(
            programme=taken[merchant][0], partner=taken[merchant][1],
            points=has[member, taken[merchant][0].programme_id],
        )
        for member, merchant in wallets
        if merchant in taken and (member, taken[merchant][0].programme_id) in has
    }  # fmt: skip
