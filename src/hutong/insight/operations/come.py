"""Members who came without a right: bills at a till, and purchases that were made elsewhere."""

from collections.abc import Sequence

from hutong.infra.db import Tx
from hutong.infra.sql import load
from hutong.insight.repeats import Coming


async def come(tx: Tx, comings: Sequence[Coming], *, city_id: int) -> list[bool]:
    """Keep these comings: for each whether it is new, or was undone by this. The id is the idempotency key.

    One statement for all. Uses of rights are not told here: they follow from their visits (`feed`).
    """
    rows = await tx.rows(
        load(__package__, "come"), city=city_id, ids=[c.coming_id for c in comings], kinds=[c.kind for c in comings],
        merchants=[c.merchant_id for c in comings], stores=[c.store_id for c in comings],
        members=[c.member_id for c in comings], days=[c.day for c in comings], ats=[c.at for c in comings],
        assets=[c.asset for c in comings], units=[c.units for c in comings], owns=[c.own for c in comings],
        undone=[c.undone_at for c in comings],
    )  # fmt: skip
    changed = {row["coming_id"] for row in rows}
    return [one.coming_id in changed for one in comings]
