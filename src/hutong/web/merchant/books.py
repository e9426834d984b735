"""The statement: each code with each fee, by day, week or month; refunds, payouts, what is owed now; and as files."""

import asyncio
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct

from hutong import merchants, orders, settlement, vouchers
from hutong.desk import selling
from hutong.infra.db import Tx
from hutong.kit.access import Permission, Scope
from hutong.kit.clock import local_day
from hutong.kit.ids import PAYOUT, REDEMPTION, STORE
from hutong.kit.refusals import BadInput, NotFound
from hutong.settlement import Earning, Step
from hutong.web.merchant import sheets
from hutong.web.merchant.periods import Period, period_of, span
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.cursors import read_cursor
from hutong.web.shared.files import attachment
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

PERIODS = ("today", "week", "days30", "month")
VIEWS = ("codes", "day", "week", "month", "refunds", "payouts")
STEPS: tuple[Step, ...] = ("day", "week", "month")
ON_PAGE = 50
SEES_MONEY = permission(Permission.VIEW_STATEMENT)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Asked(Struct, frozen=True, kw_only=True):
    """Which stretch of days, of which store (None: all)."""

    period: Period
    store_id: UUID | None
    query: dict[str, str]


def asked_of(visit: Visit, till: Till, period: str, first: str, last: str, store: str) -> Asked:
    """What the query asks for. Raises bad_input for a day that is none."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "statement"
    now, zone = visit.house.clock.now(), till.here.zone
    store_id = till.read(STORE, store) if store else None
    try:
        days = [date.fromisoformat(text) if text else None for text in (first, last)]
    except ValueError:
        raise BadInput(field="first", why="2026-11-20") from None
    chosen = span(days[0], days[1], now, zone) if any(days) else period_of(period, now, zone)
    given = {"first": first, "last": last} if any(days) else {"period": chosen.name}
    return Asked(period=chosen, store_id=store_id, query=given | ({"of": store} if store else {}))


@get("/{store:str}/statement", guards=[SEES_MONEY])
async def statement(
    visit: Visiting, till: AtTill, period: FromQuery[str] = "today", view: FromQuery[str] = "codes",
    first: FromQuery[str] = "", last: FromQuery[str] = "",
    of: FromQuery[str] = "", after: Annotated[str | None, QueryParameter(max_length=120)] = None,
) -> Response[str]:  # fmt: skip
    """What the merchant (one store of his) earned in this city; the sums are of the whole period."""
    it = asked_of(visit, till, period, first, last, of)
    shown = view if view in VIEWS else "codes"
    since, until, zone = it.period.since, it.period.until, till.here.zone
    more: dict[str, Any] = {"sums": [], "refunds": [], "payouts": []}
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
        where = {"city_id": till.city_id, "asset": asset}
        found = await settlement.statement(
            tx, till.merchant_id, since=since, until=until, after=read_cursor(after), limit=ON_PAGE,
            store_id=it.store_id, **where,
        )  # fmt: skip
        step: Step | None = next((one for one in STEPS if one == shown), None)
        if step is not None:
            more["sums"] = await settlement.sums(
                tx, till.merchant_id, zone=zone, step=step, since=since, until=until, store_id=it.store_id, **where
            )
        elif shown == "refunds":
            more["refunds"] = await orders.refunds_of_merchant(
                tx, till.merchant_id, since=since, until=until, limit=200, **where
            )
        elif shown == "payouts":
            more["payouts"] = await settlement.payouts(tx, till.merchant_id, **where)
        all_stores = await merchants.stores_of(tx, till.city_id, till.merchant_id)
        stores = await merchants.stores(tx, till.city_id, [line.store_id for line in found.lines])
        merchant = await merchants.merchant(tx, till.merchant_id)
    assert merchant is not None
    return visit.page(
        "merchant/statement.html", books=found, period=it.period, periods=PERIODS, stores=stores, merchant=merchant,
        further=after is not None, view=shown, views=VIEWS, query=it.query, all_stores=all_stores, of=of,
        last_of=last_of, first_day=local_day(since, zone), last_day=local_day(it.period.last, zone), PAYOUT=PAYOUT,
        **more,
    )  # fmt: skip


def last_of(first: date, step: str) -> date:
    """The last day of the day, week or month that begins on this day."""
    if step == "day":
        return first
    if step == "week":
        return first + timedelta(days=6)
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


@get("/{store:str}/statement/{redemption:str}", guards=[SEES_MONEY])
async def one_line(visit: Visiting, till: AtTill, redemption: FromPath[str]) -> Response[str]:
    """One redemption: what was paid, each fee, whose it is, by which rule, and whether it was undone."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "statement"
    redemption_id = till.read(REDEMPTION, redemption)
    async with visit.house.db.reading(till.city_id) as tx:
        line = await settlement.earning(tx, till.merchant_id, redemption_id, city_id=till.city_id)
        if line is None:
            raise NotFound()
        uses = await vouchers.uses_by_ids(tx, _mine(till), [redemption_id], city_id=till.city_id)
        stores = await merchants.stores(tx, till.city_id, [line.store_id])
        rule = (await settlement.rules_named(tx, [line.rule])).get(line.rule)
    made = sheets.Line.of(line, uses[0] if uses else None, {k: s.name for k, s in stores.items()}, visit.language)
    return visit.page(
        "merchant/statement_line.html", line=line, made=made, use=uses[0] if uses else None,
        parts=parts_of(visit, rule),
    )  # fmt: skip


def parts_of(visit: Visit, rule: settlement.Rule | None) -> dict[str, str]:
    """What the lines of a commission are called: the house's own words, and those of the contract."""
    own = {key: visit.t(f"money.line.part.{key}") for key in ("base", "least", "most", "due")}
    return own | {one.key: visit.formats().say(one.name) for one in (rule.plan if rule else ())}


def _mine(till: Till) -> Scope:
    return Scope(merchants=frozenset({till.merchant_id}))


@get("/{store:str}/statement/files/{kind:str}", guards=[SEES_MONEY])
async def as_file(
    visit: Visiting,
    till: AtTill,
    kind: FromPath[str],
    period: FromQuery[str] = "today",
    first: FromQuery[str] = "",
    last: FromQuery[str] = "",
    of: FromQuery[str] = "",
) -> Response[bytes]:
    """The period as a workbook (xlsx) or plain lines (csv)."""
    if kind not in ("xlsx", "csv"):
        raise NotFound()
    it = asked_of(visit, till, period, first, last, of)
    zone = till.here.zone
    name = f"hutong-{local_day(it.period.since, zone)}-{local_day(it.period.last, zone)}.{kind}"
    with tempfile.TemporaryDirectory(prefix="hutong-") as folder:
        path = Path(folder) / "books"
        async with visit.house.db.reading(till.city_id) as tx:
            await (_workbook if kind == "xlsx" else _plain)(visit, till, tx, it, path)
        data = await asyncio.to_thread(path.read_bytes)
    return attachment(data, XLSX if kind == "xlsx" else "text/csv; charset=utf-8", name)


async def _workbook(visit: Visit, till: Till, tx: Tx, it: Asked, path: Path) -> None:
    asset, zone, t = await selling.currency(tx, till.city_id), till.here.zone, visit.t
    where: dict[str, Any] = {"city_id": till.city_id, "asset": asset}
    book = sheets.Workbook(path, t, asset=asset, zone=zone, language=visit.language, city_id=till.city_id)
    await _lines(visit, till, tx, it, asset, book)
    since, until = it.period.since, it.period.until
    after: tuple[datetime, UUID] | None = None
    while it.store_id is None:  # refunds and payouts are the merchant's, not a store's
        refunds = await orders.refunds_of_merchant(
            tx, till.merchant_id, since=since, until=until, after=after, limit=1000, **where
        )
        await asyncio.to_thread(book.add_refunds, refunds)
        if len(refunds) < 1000:
            break
        after = refunds[-1].asked_at, refunds[-1].refund_id
    if it.store_id is None:
        book.add_payouts(await settlement.payouts(tx, till.merchant_id, limit=1000, **where))
    found = await settlement.statement(tx, till.merchant_id, since=since, until=until, limit=1, **where)
    merchant = await merchants.merchant(tx, till.merchant_id)
    formats = visit.formats()
    facts: list[tuple[str, sheets.Cell]] = [
        (t("workbook.fact.merchant"), merchant.name.in_(visit.language) if merchant else ""),
        (t("workbook.fact.period"), f"{formats.day(since)} – {formats.day(it.period.last)}"),
        (t("workbook.fact.zone"), zone),
        (t("workbook.fact.payable"), found.payable), (t("workbook.fact.escrow"), found.escrow),
    ]  # fmt: skip
    await asyncio.to_thread(book.close, facts=facts)


async def _plain(visit: Visit, till: Till, tx: Tx, it: Asked, path: Path) -> None:
    asset = await selling.currency(tx, till.city_id)
    lines = sheets.Lines(
        path, visit.t, asset=asset, zone=till.here.zone, language=visit.language, city_id=till.city_id
    )  # fmt: skip
    await _lines(visit, till, tx, it, asset, lines)
    lines.close()


async def _lines(
    visit: Visit, till: Till, tx: Tx, it: Asked, asset: str, into: sheets.Workbook | sheets.Lines
) -> None:  # fmt: skip
    """Every line of the period, chunk by chunk; written beside the loop, which serves others meanwhile."""
    names = {one.store_id: one.name for one in await merchants.stores_of(tx, till.city_id, till.merchant_id)}
    chunks = settlement.earnings(
        tx, till.merchant_id, city_id=till.city_id, asset=asset, since=it.period.since, until=it.period.until,
        store_id=it.store_id,
    )  # fmt: skip
    async for chunk in chunks:
        lines = await _with_uses(tx, till, chunk, names, visit.language)
        await asyncio.to_thread(into.add_lines, lines)


async def _with_uses(
    tx: Tx, till: Till, chunk: list[Earning], names: dict[UUID, Any], language: str
) -> list[sheets.Line]:
    ids = [one.redemption_id for one in chunk]
    uses = {use.redemption_id: use for use in await vouchers.uses_by_ids(tx, _mine(till), ids, city_id=till.city_id)}
    missing = sorted({one.store_id for one in chunk} - names.keys())  # stores that have closed since
    if missing:
        names |= {key: one.name for key, one in (await merchants.stores(tx, till.city_id, missing)).items()}
    return [sheets.Line.of(one, uses.get(one.redemption_id), names, language) for one in chunk]


ROUTES = (statement, one_line, as_file)
