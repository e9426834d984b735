"""The provider's bills of a city, day by day beside orders and the ledger, and the lines on which they differ."""

from datetime import date

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from hutong.desk import reconciling
from hutong.desk.reconciling import Day
from hutong.kit.refusals import NotFound
from hutong.settlement import Difference
from hutong.web.platform.frame import RUNS, AtFloor
from hutong.web.platform.payouts import city_of
from hutong.web.shared.files import attachment
from hutong.web.shared.repeat_files import CSV, XLSX, Table, as_csv, as_xlsx, known
from hutong.web.shared.visit import Visit, Visiting
from hutong.web.shared.words import Words


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound() from None


@get("/payouts/{city:str}/bills", guards=[RUNS])
async def bills(visit: Visiting, floor: AtFloor, city: FromPath[str], before: FromQuery[str] = "") -> Response[str]:
    """The booked days of a city, the latest first; `before`: older ones than that day."""
    here = await city_of(visit, city)
    until = _day(before) if before else None
    days = await reconciling.days(visit.house, floor.actor, here, until=until)
    whole = len({one.bill.day for one in days}) >= reconciling.DAYS
    older = floor.to(f"/payouts/{city}/bills", before=days[-1].bill.day.isoformat()) if whole else ""
    return visit.page("platform/bills.html", city=here, days=days, older=older)


@get("/payouts/{city:str}/bills/{provider:str}/{day:str}", guards=[RUNS])
async def bill(
    visit: Visiting, floor: AtFloor, city: FromPath[str], provider: FromPath[str], day: FromPath[str]
) -> Response[str]:
    """One day of a provider: its three sides, and every line on which they differ with what is to be done."""
    here = await city_of(visit, city)
    days, lines = await reconciling.day(visit.house, floor.actor, here, provider, _day(day))
    flows = await reconciling.payment_numbers(visit.house, here.city_id, lines)
    numbers = {(one.line, one.ref): reconciling.number_of(one, here.city_id) for one in lines}
    return visit.page(
        "platform/bill.html", city=here, days=days, lines=lines, flows=flows, numbers=numbers, provider=provider,
        day=_day(day),
    )  # fmt: skip


@get("/payouts/{city:str}/bills/{provider:str}/{day:str}/files/{kind:str}", guards=[RUNS])
async def bill_file(
    visit: Visiting, floor: AtFloor, city: FromPath[str], provider: FromPath[str], day: FromPath[str],
    kind: FromPath[str],
) -> Response[bytes]:  # fmt: skip
    """The sides of a day and its lines as a workbook (xlsx) or plain lines (csv)."""
    known(kind)
    here, when = await city_of(visit, city), _day(day)
    days, lines = await reconciling.day(visit.house, floor.actor, here, provider, when)
    tables = [_sides(days, visit.t), _lines(visit, lines, here.city_id)]
    data = as_xlsx(tables) if kind == "xlsx" else as_csv(tables)
    return attachment(data, XLSX if kind == "xlsx" else CSV, f"hutong-bill-{here.slug}-{when}.{kind}")


def _sides(days: list[Day], t: Words) -> Table:
    words = ("side", "captured", "captures", "refunded", "refunds", "currency")
    rows = [
        (t(f"platform.bills.{name}"), side.captured, side.captures, side.refunded, side.refunds, side.captured.asset)
        for one in days
        for name, side in (("orders", one.orders), ("provider", one.provider), ("ledger", one.ledger))
    ]
    return Table(t("platform.bills.sides"), tuple(t(f"platform.bills.{word}") for word in words), list(rows))


def _lines(visit: Visit, lines: list[Difference], city_id: int) -> Table:
    t = visit.t
    words = ("number", "kind", "difference", "of_bill", "of_ours", "our_day", "now")
    rows = [
        (reconciling.number_of(one, city_id), t(f"platform.bills.line.{one.line}"),
         t(f"platform.bills.what.{one.what}"), one.bill, one.ours, one.our_day,
         t("platform.bills.open" if one.open else "platform.bills.ended"))
        for one in lines
    ]  # fmt: skip
    return Table(t("platform.bills.lines"), tuple(t(f"platform.bills.{word}") for word in words), list(rows))


ROUTES = (bills, bill, bill_file)
