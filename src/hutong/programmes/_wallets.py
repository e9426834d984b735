"""A wallet's row as a value."""

from collections.abc import Sequence
from datetime import datetime

from hutong.programmes._rows import WalletRow
from hutong.programmes.arithmetic import next_growth, tier_of
from hutong.programmes.model import Tier
from hutong.programmes.shown import Wallet


def as_wallet(row: WalletRow, tiers: Sequence[Tier], expiring: tuple[tuple[datetime, int], ...]) -> Wallet:
    """With the tier that its growth reaches."""
    return Wallet(
        programme_id=row.programme_id, member_id=row.member_id, pending=row.pending, available=row.available,
        held=row.held, debt=row.debt, growth=row.growth, tier=tier_of(tiers, row.growth),
        next_tier_growth=next_growth(tiers, row.growth), expiring=expiring,
    )  # fmt: skip
