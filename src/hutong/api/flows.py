"""Who got what of an order, a voucher, a use, a bill, a payment or of points: replayed from the books."""

from typing import Any
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath

from hutong.api.glue import Home, Who, with_token
from hutong.api.shapes import Money
from hutong.desk import entitled
from hutong.desk.waterfalls import Cascade
from hutong.kit.ids import MERCHANT
from hutong.kit.text import Text
from hutong.settlement import Part, Party

NAMED = ("merchant", "partner", "funding")  # parties that are merchants


def party_out(one: Party, names: dict[str, Text]) -> dict[str, Any]:
    """Whose an account is; a merchant by his id. No member is named, not by a number either."""
    return {"kind": one.kind, "merchant": _merchant(one), "name": names.get(one.whose)}


def _merchant(one: Party) -> str | None:
    try:
        return MERCHANT.show(UUID(one.whose)) if one.kind in NAMED else None
    except ValueError:
        return None


def part_out(one: Part, names: dict[str, Text]) -> dict[str, Any]:
    return {"party": party_out(one.party, names), "amount": Money.of(one.amount)}


def cascade_out(it: Cascade, number: str) -> dict[str, Any]:
    """Each row of the books in the order of time, and the sums: given = received + left, in each asset."""
    flow, told = it.flow, it.told
    return {
        "number": number, "kind": it.kind, "title": it.title, "adds_up": flow.adds_up,
        "rows": [
            {
                "at": f.at, "event": f.event, "amount": Money.of(f.amount), "from": party_out(f.source, it.names),
                "to": party_out(f.target, it.names), "rule": f.rule or None, "rule_says": it.rules.get(f.rule, []),
            }
            for f in flow.falls
        ],
        "sums": [
            {
                "asset": s.asset, "given": Money.of(s.given), "received": Money.of(s.received),
                "left": Money.of(s.left), "adds_up": s.adds_up, "gave": [part_out(p, it.names) for p in s.gave],
                "got": [part_out(p, it.names) for p in s.got], "held": [part_out(p, it.names) for p in s.held],
            }
            for s in flow.sums
        ],
        "paid": None if told is None else {
            "paid": Money.of(told.paid), "booked": Money.of(told.booked), "agrees": told.agrees,
        },
    }  # fmt: skip


@get("/money/{number:str}", guards=[with_token], summary="Who got what")
async def money(number: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """By the number of an order (also of a gift), a voucher, a use, a bill, a payment or a movement of points, row by
    row with the rules that were followed. A member sees his own, with the platform's parts as one; a merchant what he
    sold or what was used in his shop; an operator what he has a share in; who runs the city or the platform all of it.
    What you may not see is not_found."""
    return cascade_out(await entitled.by_number(house, actor, number), number)


router = Router("/", route_handlers=[money], tags=["money"])
