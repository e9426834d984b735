"""Keyed writes through the batches: the same key gives the same answer, also after a lost commit."""

import asyncio
from typing import Any, TypeVar
from uuid import UUID

from hutong.desk.house import House
from hutong.infra.answers import Answer, Ask, fingerprint
from hutong.infra.db import OutcomeUnknown
from hutong.kit.refusals import Busy, Refusal

R = TypeVar("R")
_PAUSES = (0.2, 0.5, 1.0, 2.0)


async def submit(
    house: House, operation: str, city_id: int, *, actor: UUID, key: str, given: Any, request: Any
) -> Answer[Any]:
    """Submit one keyed write. `given` is what the client sent (its fingerprint guards the key).

    A commit whose outcome was lost is asked again with the same key until it is known: if the effect is there, the
    stored answer comes back; if not, it is made now. Raises Busy when that does not end in time.
    """
    ask = Ask(actor=actor, key=key, fingerprint=fingerprint(given), request=request)
    return await submit_until_known(house, operation, city_id, ask)


async def submit_until_known(house: House, operation: str, city_id: int, item: Any) -> Any:
    """Submit an item that carries its own key, again and again while the outcome of its commit is unknown."""
    for pause in (*_PAUSES, None):
        try:
            return await house.batches.submit(operation, city_id, item)
        except OutcomeUnknown:
            if pause is None:
                raise Busy(retry_after=5) from None
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


def good(answer: Answer[R]) -> R:
    """The result, or its refusal raised: what a face does with an answer."""
    if isinstance(answer.result, Refusal):
        raise answer.result
    return answer.result


def sure(result: R | Refusal) -> R:
    """The result, or its refusal raised."""
    if isinstance(result, Refusal):
        raise result
    return result
