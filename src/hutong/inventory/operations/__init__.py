"""The verbs of inventory."""

from hutong.inventory.operations.finish import confirm, expire, extend, release
from hutong.inventory.operations.give_back import give_back
from hutong.inventory.operations.hold import hold
from hutong.inventory.operations.over import take_over, why_not_over
from hutong.inventory.operations.quotas import close_quotas, list_quotas, open_quotas, resize
from hutong.inventory.operations.reserve import Reservation, claim, reserve

__all__ = [
    "Reservation",
    "claim",
    "close_quotas",
    "confirm",
    "expire",
    "extend",
    "give_back",
    "hold",
    "list_quotas",
    "open_quotas",
    "release",
    "reserve",
    "resize",
    "take_over",
    "why_not_over",
]
