"""Writing promotions: save and step them, keep and spend their budgets, give out their codes, watch what they burn."""

from hutong.pricing.operations.burn import alarm
from hutong.pricing.operations.codes import add_batches, claim_coupons, unclaim, void_batches
from hutong.pricing.operations.save import save_promotions
from hutong.pricing.operations.spend import confirm, give_back, hold, release, would_hold
from hutong.pricing.operations.steps import end, pause, publish, resume

__all__ = [
    "add_batches", "alarm", "claim_coupons", "confirm", "end", "give_back", "hold", "pause", "publish", "release",
    "resume", "save_promotions", "unclaim", "void_batches", "would_hold",
]  # fmt: skip
