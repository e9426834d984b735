"""What guests have bought so far, where a promotion at the counter asks for it. Bills count beside orders."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from hutong import orders, pricing
from hutong.infra.db import Tx
from hutong.infra.turns import try_turn
from hutong.kit.refusals import Busy, Refusal
from hutong.orders import Past
from hutong.people import Proven
from hutong.till.model import Settle
from hutong.till.queries import past_bills
from hutong.vouchers import Hand


def asked(lives: Iterable[pricing.Live]) -> bool:
    """Whether one of these promotions asks for it."""
    return any(pricing.asks_the_past(condition) for live in lives for condition in live.rule.conditions)


async def of(
    tx: Tx, asks: Sequence[Settle], *, hand: Hand, guests: Mapping[UUID, Proven | Refusal], city_id: int, lock: bool
) -> dict[tuple[UUID, UUID], Past]:
    """By member and merchant. `lock`: until the transaction ends nobody else orders, or pays a bill, as a first one of
    these members; their vouchers are locked already, so nobody waits here. Raises busy when somebody is at it."""
    pairs = {(member, ask.merchant_id) for ask in asks for member in _members(ask, hand, guests.get(ask.bill_id))}
    if lock and not await try_turn(tx, f"orders/{city_id}", [member for member, _ in pairs]):
        raise Busy(retry_after=1)
    ordered = await orders.past(tx, pairs, city_id=city_id)
    billed = await past_bills(tx, pairs, city_id=city_id)
    return {pair: ordered[pair].and_(billed[pair]) for pair in pairs}


def _members(ask: Settle, hand: Hand, guest: Proven | Refusal | None) -> set[UUID]:
    held = [hand.stock.get(one.voucher_id) for one in ask.shown]
    found = {voucher.member_id for voucher in held if voucher is not None}
    if isinstance(guest, Proven):
        found.add(guest.member_id)
    return found | ({ask.guest.member_id} if ask.guest and ask.guest.member_id else set())
