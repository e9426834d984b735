"""What a way of selling must be able to do. A scheme is a folder in `schemes/` and one line in `app.py`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from hutong.catalog import Offer
from hutong.inventory import Want
from hutong.kit.refusals import Refusal
from hutong.orders.model import Promise, Wanted
from hutong.pricing import PriceLine


class Plan(Struct, frozen=True, kw_only=True):
    """What one wanted offer comes to: the line to price, what to hold, and what each unit becomes."""

    line: PriceLine
    wants: tuple[Want, ...]
    promise: Promise


class Scheme(Protocol):
    """A way of selling. Pure: it decides from what it is given and touches nothing."""

    name: str

    def plan(self, offer: Offer, wanted: Wanted, *, line_no: int, now: datetime) -> Plan | Refusal:
        """The plan for so many units of the offer at that instant, or why it cannot be sold."""
        ...


Schemes = Mapping[str, Scheme]
