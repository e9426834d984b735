"""Inventory: is there one left, and who holds it until when?"""

from hutong.inventory.model import (
    Confirmed,
    GiveBack,
    GivenBack,
    Held,
    Hold,
    Lapsed,
    OpenQuota,
    Quota,
    Released,
    Resize,
    Want,
)  # fmt: skip
from hutong.inventory.operations import (
    Reservation,
    claim,
    close_quotas,
    confirm,
    expire,
    extend,
    give_back,
    hold,
    open_quotas,
    release,
    reserve,
    resize,
)
from hutong.inventory.queries import quotas
from hutong.inventory.refusals import (
    GiveBackChanged,
    HoldChanged,
    HoldConfirmed,
    HoldNotConfirmed,
    HoldOver,
    HoldUnknown,
    QuotaClosed,
    QuotaUnknown,
    SoldOut,
    TooManyGivenBack,
    TotalTooLow,
)  # fmt: skip

__all__ = [
    "Confirmed", "GiveBack", "GiveBackChanged", "GivenBack", "Held", "Hold", "HoldChanged", "HoldConfirmed",
    "HoldNotConfirmed", "HoldOver", "HoldUnknown", "Lapsed", "OpenQuota", "Quota", "QuotaClosed", "QuotaUnknown",
    "Released", "Reservation", "Resize", "SoldOut", "TooManyGivenBack", "TotalTooLow", "Want", "claim", "close_quotas",
    "confirm", "expire", "extend", "give_back", "hold", "open_quotas", "quotas", "release", "reserve", "resize",
]  # fmt: skip
