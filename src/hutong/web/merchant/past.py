"""What was redeemed: the result of a moment ago, one redemption of the history, and the undo."""

import asyncio
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from msgspec import field

from hutong.desk import billing, counter
from hutong.kit.access import Permission
from hutong.kit.ids import BILL, REDEMPTION
from hutong.kit.refusals import NotFound, Refusal
from hutong.vouchers import Reversed
from hutong.web.merchant.scan import MOST, REASONS, refused, show_done
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
ON_PAGE = 30
SEEN = permission(Permission.VIEW_REDEMPTIONS)


class UndoForm(KeyedForm, frozen=True, kw_only=True):
    """Which redemptions, and why."""

    redemption: str | list[str] = field(default_factory=list)
    reason: str = "mistake"


@get("/{store:str}/redemptions/{redemption:str}", guards=[SEEN])
async def result(
    visit: Visiting, till: AtTill, redemption: FromPath[str], new: FromQuery[bool] = False,
    also: FromQuery[list[str] | None] = None,
    short: Annotated[str | None, QueryParameter(max_length=60)] = None,
) -> Response:  # fmt: skip
    """One redemption (or those of one tap). `new`: it was made a moment ago; green, and back to the camera soon."""
    visit.frame["tab"] = "scan" if new else "history"
    bill = await billing.bill_of(visit.house, till.city_id, till.read(REDEMPTION, redemption))
    if bill is not None:
        return Redirect(till.to(f"/bills/{BILL.show(bill, till.city_id)}"), status_code=303)
    ids = [till.read(REDEMPTION, text) for text in (redemption, *(also or [])[:MOST])]
    return await show_done(visit, till, ids, new=new, short=short)


@post("/{store:str}/reversals", guards=[permission(Permission.REVERSE_REDEMPTION)], status_code=303)
async def undo(visit: Visiting, till: AtTill, data: Annotated[UndoForm, Body(media_type=Posted)]) -> Response:
    """Undo what was redeemed here by mistake; the rights can be used again."""
    visit.frame["tab"] = "history"
    named = [data.redemption] if isinstance(data.redemption, str) else data.redemption[: MOST + 1]
    ids = [till.read(REDEMPTION, text) for text in named]
    if not ids:
        raise NotFound()
    reason = data.reason if data.reason in REASONS else "other"
    asks = [(one, f"{data.key}-{number}") for number, one in enumerate(ids, 1)]
    results = await asyncio.gather(*(_undo(visit, till, one, key, reason) for one, key in asks))
    wrong = next((one for one in results if isinstance(one, Refusal)), None)
    if wrong is not None:
        return await refused(visit, till, wrong)
    if visit.partial:
        return await show_done(visit, till, ids, new=False)
    first, *rest = named
    return Redirect(till.to(f"/redemptions/{first}", also=rest), status_code=303)


async def _undo(visit: Visit, till: Till, redemption_id: UUID, key: str, reason: str) -> Reversed | Refusal:
    try:
        return await counter.reverse(
            visit.house, till.city_id, till.actor, till.store_id, redemption_id, key=key, reason=reason
        )
    except Refusal as refusal:
        return refusal


ROUTES = (result, undo)
