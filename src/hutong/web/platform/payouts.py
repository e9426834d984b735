"""Payouts for the platform: what is sent, what is unknown, what waits for a second person or for a look."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, places, recruiting, settlement
from hutong.desk import payouts
from hutong.infra.db import Tx
from hutong.kit.ids import PAYOUT, BadId
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.text import Text
from hutong.places import City
from hutong.settlement import Payee, Payout
from hutong.web.platform.frame import RUNS, AtFloor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.visit import Visit, Visiting

LOOKED_AT = ("waiting", "asked", "unknown")
DONE = ("made", "decided", "marked", "asked", "closed")


class DecideForm(KeyedForm, frozen=True, kw_only=True):
    """`yes` lets it go, `no` declines it; why."""

    decision: str = ""
    why: str = ""


class MarkForm(KeyedForm, frozen=True, kw_only=True):
    """What is known of a payout that the provider cannot tell about, and the evidence."""

    said: str = ""
    evidence: str = ""


class CloseForm(KeyedForm, frozen=True, kw_only=True):
    """What came of a task."""

    outcome: str = ""


async def payees(tx: Tx, wanted: Sequence[Payee], *, visit: Visit) -> dict[Payee, Text]:
    """What those who are paid are called: one statement for merchants, one for operators."""
    shops = await merchants.merchants(tx, sorted({one.id for one in wanted if one.kind == "merchant"}))
    operators = await recruiting.operators(
        tx, sorted({one.id for one in wanted if one.kind == "operator"}), at=visit.house.clock.now()
    )
    names = {key: one.name for key, one in shops.items()} | {key: one.name for key, one in operators.items()}
    return {one: names[one.id] for one in wanted if one.id in names}


def _decided(form: DecideForm) -> bool:
    if form.decision not in ("yes", "no"):
        raise BadInput(field="decision", why=form.decision[:20])
    return form.decision == "yes"


async def city_of(visit: Visit, slug: str) -> City:
    """The city of an address, whose clock the page goes by; the tab is that of payouts. Raises not_found."""
    visit.frame["tab"] = "payouts"
    async with visit.house.db.reading() as tx:
        city = await places.city_by_slug(tx, slug)
    if city is None:
        raise NotFound()
    visit.zone = city.zone
    return city


def _number(city: City, text: str) -> UUID:
    """The payout of an address; another city's is not found here. Raises BadId."""
    city_id, payout_id = PAYOUT.read_local(text)
    if city_id != city.city_id:
        raise BadId(text=text[:60])
    return payout_id


@get("/payouts", guards=[RUNS])
async def cities(visit: Visiting, floor: AtFloor) -> Response:
    """The cities, each with what waits; a house of one city goes on to it."""
    visit.frame["tab"] = "payouts"
    async with visit.house.db.reading() as tx:
        known = await places.cities(tx)
        counts = {
            city.city_id: len(await settlement.tasks_open(tx, city_id=city.city_id))
            + len(await settlement.payouts_in(tx, city_id=city.city_id, states=["waiting", "unknown"]))
            for city in known
        }
    if len(known) == 1:
        return Redirect(floor.to(f"/payouts/{known[0].slug}"), status_code=303)
    return visit.page("platform/payout_cities.html", cities=known, counts=counts)


@get("/payouts/{city:str}", guards=[RUNS])
async def overview(visit: Visiting, floor: AtFloor, city: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """A city: what waits for a person, what is on its way, and the batches of each day."""
    return await page(visit, await city_of(visit, city), done=done if done in DONE else "")


async def page(
    visit: Visit, city: City, *, done: str = "", wrong: Refusal | None = None, status: int = 200
) -> Response[str]:
    """The page of a city, with what became of the last step."""
    async with visit.house.db.reading(city.city_id) as tx:
        accounts = await settlement.accounts_waiting(tx)
        tasks = await settlement.tasks_open(tx, city_id=city.city_id)
        open_ones = await settlement.payouts_in(tx, city_id=city.city_id, states=list(LOOKED_AT))
        days = await settlement.batches(tx, city_id=city.city_id)
        wanted = {one.payee for one in (*accounts, *open_ones)} | {one.payee for one in tasks if one.payee}
        names = await payees(tx, sorted(wanted), visit=visit)
    who = await payouts.names(visit.house, [one.proposed_by for one in accounts])
    return visit.page(
        "platform/payouts.html", status=status, city=city, accounts=accounts, tasks=tasks, open_ones=open_ones,
        days=days, names=names, who=who, done=done, wrong=wrong, PAYOUT=PAYOUT,
    )  # fmt: skip


@post("/payouts/{city:str}/batches", guards=[RUNS])
async def make(visit: Visiting, floor: AtFloor, city: FromPath[str], data: URLEncodedBody[KeyedForm]) -> Response:
    """Pay out the city now; a day that has its batch gives that one."""
    del data
    here = await city_of(visit, city)
    try:
        await payouts.make_batch(visit.house, floor.actor, here.city_id)
    except Refusal as refusal:
        return await page(visit, here, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/payouts/{city}", done="made"), status_code=303)


def _hex(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        raise NotFound() from None


@get("/payouts/{city:str}/batches/{batch:str}", guards=[RUNS])
async def one_batch(visit: Visiting, floor: AtFloor, city: FromPath[str], batch: FromPath[str]) -> Response[str]:
    """A batch with its payouts."""
    return await _batch_page(visit, await city_of(visit, city), batch)


async def _batch_page(
    visit: Visit, city: City, batch: str, *, wrong: Refusal | None = None, status: int = 200
) -> Response[str]:
    async with visit.house.db.reading(city.city_id) as tx:
        found = await settlement.batch(tx, _hex(batch), city_id=city.city_id)
        if found is None:
            raise NotFound()
        rows = await settlement.payouts_in(tx, city_id=city.city_id, batch_id=found.batch_id)
        names = await payees(tx, sorted({one.payee for one in rows}), visit=visit)
    who = await payouts.names(visit.house, [one for one in (found.made_by, found.decided_by) if one])
    return visit.page(
        "platform/payout_batch.html", status=status, city=city, it=found, rows=rows, names=names, who=who,
        wrong=wrong, PAYOUT=PAYOUT,
    )  # fmt: skip


@post("/payouts/{city:str}/batches/{batch:str}", guards=[RUNS])
async def decide_batch(
    visit: Visiting, floor: AtFloor, city: FromPath[str], batch: FromPath[str], data: URLEncodedBody[DecideForm]
) -> Response:
    """Let a batch above the limit go, or decline it: a second person's word."""
    here = await city_of(visit, city)
    try:
        await payouts.decide_batch(
            visit.house,
            floor.actor,
            _hex(batch),
            city_id=here.city_id,
            approve=_decided(data),
            why=data.why.strip()[:300],
        )
    except Refusal as refusal:
        return await _batch_page(visit, here, batch, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/payouts/{city}", done="decided"), status_code=303)


@get("/payouts/{city:str}/{payout:str}", guards=[RUNS])
async def one(visit: Visiting, floor: AtFloor, city: FromPath[str], payout: FromPath[str]) -> Response[str]:
    """A payout with every step of it."""
    return await _one_page(visit, await city_of(visit, city), payout)


async def _one_page(
    visit: Visit, city: City, payout: str, *, wrong: Refusal | None = None, typed: MarkForm | None = None,
    status: int = 200,
) -> Response[str]:  # fmt: skip
    async with visit.house.db.reading(city.city_id) as tx:
        found = await settlement.payout(tx, _number(city, payout), city_id=city.city_id)
        if found is None:
            raise NotFound()
        it, steps = found
        names = await payees(tx, [it.payee], visit=visit)
    who = await payouts.names(visit.house, [one.by for one in steps if one.by])
    return visit.page(
        "platform/payout.html", status=status, city=city, it=it, steps=list(reversed(steps)), name=names.get(it.payee),
        who=who, wrong=wrong, typed=typed, shown_id=payout, may=_may(it),
    )  # fmt: skip


def _may(it: Payout) -> str:
    """What is to be done about it: decide a waiting one, ask or mark an unknown one."""
    return {"waiting": "decide", "unknown": "ask"}.get(it.state, "")


@post("/payouts/{city:str}/{payout:str}/decision", guards=[RUNS])
async def decide(
    visit: Visiting, floor: AtFloor, city: FromPath[str], payout: FromPath[str], data: URLEncodedBody[DecideForm]
) -> Response:
    """Let a withdrawal go, or decline it."""
    here = await city_of(visit, city)
    try:
        await payouts.decide_payout(
            visit.house, floor.actor, _number(here, payout), city_id=here.city_id, approve=_decided(data),
            why=data.why.strip()[:300],
        )  # fmt: skip
    except Refusal as refusal:
        return await _one_page(visit, here, payout, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/payouts/{city}", done="decided"), status_code=303)


@post("/payouts/{city:str}/{payout:str}/asked", guards=[RUNS])
async def ask(
    visit: Visiting, floor: AtFloor, city: FromPath[str], payout: FromPath[str], data: URLEncodedBody[KeyedForm]
) -> Redirect:
    """Ask the provider now about an unknown payout: asked, never repeated."""
    del data
    here = await city_of(visit, city)
    await payouts.ask_again(visit.house, floor.actor, _number(here, payout), city_id=here.city_id)
    return Redirect(floor.to(f"/payouts/{city}/{payout}", done="asked"), status_code=303)


@post("/payouts/{city:str}/{payout:str}/mark", guards=[RUNS])
async def mark(
    visit: Visiting, floor: AtFloor, city: FromPath[str], payout: FromPath[str], data: URLEncodedBody[MarkForm]
) -> Response:
    """Say by evidence what became of it, where the provider cannot."""
    here = await city_of(visit, city)
    try:
        if data.said not in ("paid", "not_paid"):
            raise BadInput(field="said", why=data.said[:20])
        await payouts.mark(
            visit.house, floor.actor, _number(here, payout), city_id=here.city_id, paid=data.said == "paid",
            evidence=data.evidence.strip()[:500],
        )  # fmt: skip
    except Refusal as refusal:
        return await _one_page(visit, here, payout, wrong=refusal, typed=data, status=refusal.status)
    return Redirect(floor.to(f"/payouts/{city}", done="marked"), status_code=303)


@post("/payouts/{city:str}/accounts/{kind:str}/{payee:str}", guards=[RUNS])
async def decide_account(
    visit: Visiting, floor: AtFloor, city: FromPath[str], kind: FromPath[str], payee: FromPath[str],
    data: URLEncodedBody[DecideForm],
) -> Response:  # fmt: skip
    """Approve or decline a change of where a payee wants his money."""
    here = await city_of(visit, city)
    if kind not in ("merchant", "operator"):
        raise NotFound()
    try:
        await payouts.decide_account(
            visit.house, floor.actor, Payee(kind, _hex(payee)), approve=_decided(data), why=data.why.strip()[:300]
        )
    except Refusal as refusal:
        return await page(visit, here, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/payouts/{city}", done="decided"), status_code=303)


@post("/payouts/{city:str}/tasks/{task:str}", guards=[RUNS])
async def close_task(
    visit: Visiting, floor: AtFloor, city: FromPath[str], task: FromPath[str], data: URLEncodedBody[CloseForm]
) -> Response:
    """Say what came of a task; it leaves the list."""
    here = await city_of(visit, city)
    try:
        await payouts.close_task(
            visit.house, floor.actor, _hex(task), city_id=here.city_id, outcome=data.outcome.strip()[:500]
        )
    except Refusal as refusal:
        return await page(visit, here, wrong=refusal, status=refusal.status)
    return Redirect(floor.to(f"/payouts/{city}", done="closed"), status_code=303)


ROUTES = (
    cities, overview, make, one_batch, decide_batch, one, decide, ask, mark, decide_account, close_task,
)  # fmt: skip
