"""The tiers of a programme as one member stands in them."""

from msgspec import Struct

from hutong.desk.pointing import Purse
from hutong.kit.text import Text
from hutong.programmes import Tier


class Rung(Struct, frozen=True):
    """A tier: whether it is reached, and whether it is the member's now."""

    tier: Tier
    reached: bool
    mine: bool


class Ladder(Struct, frozen=True):
    """The member's tiers, and what is missing to the next one."""

    rungs: tuple[Rung, ...]
    name: Text | None
    missing: int | None
    following: Text | None
    percent: int


def ladder_of(purse: Purse) -> Ladder | None:
    """The tiers of the programme as this member stands in them; None where there are none."""
    policy, wallet = purse.programme.policy, purse.wallet
    if policy is None or not policy.tiers:
        return None
    rungs = tuple(
        Rung(tier, wallet.growth >= tier.growth, n == wallet.tier) for n, tier in enumerate(policy.tiers)
    )  # fmt: skip
    above = policy.tiers[wallet.tier + 1] if wallet.tier + 1 < len(policy.tiers) else None
    percent = 100 if above is None else min(100, wallet.growth * 100 // max(1, above.growth))
    return Ladder(
        rungs, policy.tiers[wallet.tier].name if wallet.tier >= 0 else None,
        None if above is None else max(0, above.growth - wallet.growth), above.name if above else None, percent,
    )  # fmt: skip
