"""Who got what of a thing of this city, found by its number: also of what was never used, or came back."""

from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from hutong.desk import tracing, waterfalls
from hutong.kit.access import Permission
from hutong.kit.ids import REDEMPTION
from hutong.kit.refusals import NotFound
from hutong.web.operator.frame import AtDesk
from hutong.web.shared import falling
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visiting

COMES_IN = permission(Permission.VIEW_CITY)


@get("/{city:str}/earnings/{redemption:str}/money", guards=[COMES_IN])
async def of_use(visit: Visiting, desk: AtDesk, redemption: FromPath[str]) -> Response[str]:
    """Who got what of one use; one in which the visitor has no part is not found."""
    visit.frame["tab"] = "earnings"
    it = await waterfalls.for_operator(
        visit.house, desk.actor, desk.city_id, desk.read(REDEMPTION, redemption)
    )  # fmt: skip
    return visit.page("operator/flow.html", w=falling.view(visit, it), number=redemption, back=desk.to("/earnings"))


@get("/{city:str}/flow", guards=[COMES_IN])
async def find(
    visit: Visiting, desk: AtDesk, number: Annotated[str, QueryParameter(max_length=60)] = ""
) -> Response[str]:
    """The waterfall of anything of this city that has a number; of what the visitor has no part in, nothing."""
    visit.frame["tab"] = "flow"
    shown, wrong = None, None
    if number:
        try:
            shown = falling.view(visit, await tracing.for_city(visit.house, desk.actor, desk.city_id, number))
        except NotFound as refusal:
            wrong = refusal
    return visit.page(
        "operator/flow_find.html", w=shown, number=number, wrong=wrong, status=wrong.status if wrong else 200
    )


ROUTES = (of_use, find)
