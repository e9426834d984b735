"""The provider's side door: callbacks come in here, and the courier's rounds go out."""

from collections.abc import Mapping
from typing import Any

from hutong import payments, till
from hutong.desk import payouts
from hutong.desk.house import House
from hutong.kit.refusals import NotFound


async def callback(house: House, provider: str, headers: Mapping[str, str], body: bytes) -> None:
    """Store and apply one callback. Returning means: tell the provider that we have it.

    Raises payments.BadSignature (nothing is stored) and not_found for a provider that we do not have. An event
    about a number that is not ours is dropped; one about a payment that is not committed yet waits for it.
    """
    port = house.providers.get(provider)
    if port is None:
        raise NotFound()
    event = port.read_event(headers, body, now=house.clock.now())
    if event.kind.startswith("payout."):
        await payouts.heard(house, event)
        return
    city_id = payments.city_of(event.number)
    if city_id is None:
        return

    async def keep(tx: Any) -> Any:
        return await payments.receive(tx, [event], city_id=city_id, now=house.clock.now())

    async def keep_and_apply(tx: Any) -> Any:
        await keep(tx)
        return await till.receive(tx, [event], city_id=city_id, now=house.clock.now())

    try:
        await house.db.run_city(city_id, keep_and_apply)
    except Exception:
        # Whatever went wrong while applying, the event is not lost: stored alone, it is tried again.
        await house.db.run_city(city_id, keep)
        raise
    house.nudge()
