"""The audit at a button: every invariant of every package, run by a worker in one snapshot."""

from collections import Counter

from litestar import Response, get, post
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from hutong import people
from hutong.desk import overseeing
from hutong.infra import audits
from hutong.infra.audit import queries
from hutong.web.platform.frame import RUNS, AtFloor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.visit import Visiting

AGAIN_S = 3  # how long a page with an open audit waits before it looks again


@get("/audit", guards=[RUNS])
async def show(visit: Visiting, floor: AtFloor) -> Response[str]:
    """The last audits, what they found, and what is checked."""
    visit.frame["tab"] = "audit"
    async with visit.house.db.reading() as tx:
        runs = await audits.audit_runs(tx)
        who = await people.members(tx, [one.asked_by for one in runs])
    known = queries()
    packages = Counter(query.package for query in known)
    return visit.page(
        "platform/audit.html", runs=runs, who=who, queries=known, packages=sorted(packages.items()), again=AGAIN_S,
        waits=bool(runs and runs[0].done_at is None),
    )  # fmt: skip


@post("/audit", guards=[RUNS])
async def ask(visit: Visiting, floor: AtFloor, data: URLEncodedBody[KeyedForm]) -> Redirect:
    """Ask for an audit; a second tap while one is open changes nothing."""
    del data
    await overseeing.ask_audit(visit.house, floor.actor)
    return Redirect(floor.to("/audit"), status_code=303)


ROUTES = (show, ask)
