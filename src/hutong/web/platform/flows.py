"""Who got what of anything, found by its number: the books about it, row by row."""

from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from hutong.desk import tracing
from hutong.kit.refusals import NotFound
from hutong.web.platform.frame import RUNS, AtFloor
from hutong.web.shared import falling
from hutong.web.shared.visit import Visiting


@get("/flow", guards=[RUNS])
async def flow(
    visit: Visiting, floor: AtFloor, number: Annotated[str, QueryParameter(max_length=60)] = ""
) -> Response[str]:
    """The waterfall of anything that has a number; nothing is shown before one is given."""
    visit.frame["tab"] = "flow"
    shown, wrong = None, None
    if number:
        try:
            shown = falling.view(visit, await tracing.for_platform(visit.house, floor.actor, number))
        except NotFound as refusal:
            wrong = refusal
    return visit.page(
        "platform/flow.html", w=shown, number=number, wrong=wrong, status=wrong.status if wrong else 200
    )  # fmt: skip


ROUTES = (flow,)
