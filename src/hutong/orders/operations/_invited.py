"""Orders of people who waited: they are served from what a waiting list keeps for them, not from what is on sale.

Orders knows no list. A hold whose `ref` follows from the member and the hold (`invited_ref`) is that member's, and its
units become the order's in one go, by exact counts.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from hutong import inventory
from hutong.infra.db import Tx
from hutong.inventory import Hold, HoldOver, TakeOver
from hutong.kit.refusals import Refusal
from hutong.orders.model import Place, invited_ref
from hutong.orders.refusals import MixedOrder


class Inviting(Struct, frozen=True):
    """An order and the hold that it would have."""

    ask: Place
    hold: Hold


def asked(ask: Place) -> bool:
    """Whether the order wants what is kept for its member."""
    return any(wanted.choice is not None and wanted.choice.kept is not None for wanted in ask.wants)


async def look(
    tx: Tx, inviting: Mapping[int, Inviting], *, city_id: int
) -> tuple[dict[int, TakeOver], dict[int, Refusal]]:
    """What these orders take over, and which cannot, with the reason. Locks the holds; no statement without any.

    Refusals: mixed_order (what was kept is ordered alone), hold_unknown (also somebody else's), hold_over, sold_out.
    """
    wanted: dict[int, TakeOver] = {}
    refused: dict[int, Refusal] = {}
    seen: set[UUID] = set()
    for i, one in inviting.items():
        choice = one.ask.wants[0].choice
        if len(one.ask.wants) != 1 or choice is None or choice.kept is None:
            refused[i] = MixedOrder()
        elif choice.kept in seen:
            refused[i] = HoldOver(state="released")
        else:
            seen.add(choice.kept)
            wanted[i] = TakeOver(hold_id=choice.kept, ref=invited_ref(one.ask.member_id, choice.kept), new=one.hold)
    if wanted:
        answers = await inventory.why_not_over(tx, list(wanted.values()), city_id=city_id)
        refused |= {i: no for i, no in zip(list(wanted), answers, strict=True) if no is not None}
    return {i: over for i, over in wanted.items() if i not in refused}, refused
