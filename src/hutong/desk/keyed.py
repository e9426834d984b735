"""Keyed writes through the batches: the same key gives the same answer, also after a lost commit."""

import asyncio
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from hutong.desk.house import House
from hutong.infra.answers import Answer, Ask, fingerprint
from hutong.infra.db import OutcomeUnknown
from hutong.kit.refusals import Busy, Refusal, Unclear

R = TypeVar("R")
_LONGEST_S = 12.0


async def submit(
    house: House, operation: str, city_id: int, *, actor: UUID, key: str, given: Any, request: Any
) -> Answer[Any]:
    """Submit one keyed write. `given` is what the client sent (its fingerprint guards the key).

    A commit whose outcome was lost is asked again with the same key until it is known: if the effect is there, the
    stored answer comes back; if not, it is made now. Raises Busy when nothing was done, Unclear when that was lost and
    did not become known in time.
    """
    ask = Ask(actor=actor, key=key, fingerprint=fingerprint(given), request=request)
    return await submit_until_known(house, operation, city_id, ask, caller=actor)


async def submit_until_known(
    house: House, operation: str, city_id: int, item: Any, *, caller: Hashable = None,
    pauses: Sequence[float] = (0.2, 0.5, 1.0, 2.0),
) -> Any:  # fmt: skip
    """Submit an item that carries its own key, again and again while the outcome of its commit is unknown.

    caller: whose turn it is when many wait (`Batches.submit`). pauses: seconds between the tries. Raises as `submit`.
    """
    until, unclear = asyncio.get_running_loop().time() + _LONGEST_S, False
    for pause in (*pauses, None):
        try:
            return await house.batches.submit(operation, city_id, item, caller=caller)
        except OutcomeUnknown:
            unclear = True
        except Busy:
            if not unclear:
                raise
        if pause is None or asyncio.get_running_loop().time() > until:
            raise Unclear(retry_after=5)
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
