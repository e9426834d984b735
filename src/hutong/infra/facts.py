"""Facts: what happened, recorded in the transaction in which it happened (the outbox)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class Fact(Struct, frozen=True, kw_only=True):
    """One thing that happened. `payload` is JSON-able and carries no secret and no phone number."""

    fact_id: UUID
    city_id: int
    topic: str
    subject: UUID
    payload: dict[str, Any] = {}
    at: datetime
