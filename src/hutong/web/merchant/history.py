"""The history of redemptions and bills: today for a cashier; any days, stores and people for those who lead."""

from datetime import date, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from hutong import merchants, people, vouchers
from hutong import till as tills
from hutong.infra.db import Tx
from hutong.kit.access import Permission, Scope
from hutong.kit.clock import local_day
from hutong.kit.ids import BILL, REDEMPTION, STORE
from hutong.merchants import Store
from hutong.till import Bill
from hutong.vouchers import Failure, Redeemer, Use
from hutong.web.merchant.periods import Period, period_of, span
from hutong.web.merchant.scan import here_only
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting
from hutong.web.shared.words import catalogue

ON_PAGE = 30
STATES = ("all", "bills", "standing", "undone", "refused")
NAMED = ("today", "yesterday", "week", "days30")
EVERYWHERE = "all"
T = TypeVar("T", Use, Bill)
_SEEN = permission(Permission.VIEW_REDEMPTIONS)
_State = Annotated[str, QueryParameter(name="state", max_length=20)]  # `state` itself is a word of the framework
_Short = Annotated[str | None, QueryParameter(max_length=60)]


class Filter(Struct, frozen=True, kw_only=True):
    """What is asked for: which days, in which state, at which stores, by whom; and after which redemption or bill."""

    period: Period
    state: str
    stores: list[Store]
    at: str
    people: list[Redeemer]
    staff: UUID | None
    after: UUID | None

    @property
    def narrowed(self) -> bool:
        """Whether more was chosen than the chips show."""
        return bool(self.staff or self.at or self.period.name == "own")


@get("/{store:str}/history", guards=[_SEEN])
async def history(
    visit: Visiting, till: AtTill, period: FromQuery[str] = "today", shown: _State = "all", staff: _Short = None,
    at: _Short = None,
    after: _Short = None, first: Annotated[str | None, QueryParameter(name="from", max_length=10)] = None,
    last: Annotated[str | None, QueryParameter(name="to", max_length=10)] = None,
) -> Response[str]:  # fmt: skip
    """What was redeemed, newest first, a page at a time. A cashier sees today at his counter, whatever he asks for."""
    visit.frame["tab"] = "history"
    now, zone = visit.house.clock.now(), till.here.zone
    chosen = _period(till, period, first, last, now)
    async with visit.house.db.reading(till.city_id) as tx:
        stores = await _stores(tx, till)
        scope, where = _scope(till, stores, at)
        who: list[Redeemer] = []
        if till.manages:
            who = await vouchers.redeemers(tx, scope, city_id=till.city_id, since=chosen.since, until=chosen.until)
        asked = Filter(
            period=chosen, state=shown if shown in STATES else "all", stores=stores, at=where, people=who,
            staff=next((one.staff_id for one in who if str(one.staff_id) == staff), None),
            after=till.read(BILL if shown == "bills" else REDEMPTION, after) if after else None,
        )  # fmt: skip
        found, bills, failures = await _read(tx, till, scope, asked)
        inside = await _inside(tx, till, chosen) if till.manages and found else frozenset()
    more = REDEMPTION.show(found[ON_PAGE - 1].redemption_id, till.city_id) if len(found) > ON_PAGE else None
    more = BILL.show(bills[ON_PAGE - 1].bill_id, till.city_id) if len(bills) > ON_PAGE else more
    settled = [bill.discreet() for bill in bills[:ON_PAGE] if asked.staff in (None, bill.staff_id)]
    return visit.page(
        "merchant/history.html", asked=asked, periods=NAMED if till.manages else NAMED[:1], states=STATES,
        days=by_day(found[:ON_PAGE], visit), bills=by_day(settled, visit), inside=inside, more=more,
        failures=failures, why=in_short,
        single=chosen.until - chosen.since <= _DAY, names={one.store_id: one.name for one in stores},
        today=local_day(now, zone), first=local_day(chosen.since, zone), last=local_day(chosen.last, zone),
    )  # fmt: skip


async def _inside(tx: Tx, till: Till, chosen: Period) -> frozenset[UUID]:
    """The redemptions of rights that somebody of the merchant's own staff held."""
    staff = await people.staff(tx, till.actor.scope(Permission.VIEW_STAFF), merchant_id=till.merchant_id)
    pairs = sorted({(till.merchant_id, one.member_id) for one in staff})
    found = await vouchers.own_uses(tx, pairs, city_id=till.city_id, since=chosen.since, until=chosen.until)
    return frozenset(one.redemption_id for one in found)


_DAY = timedelta(days=1, hours=1)


def _period(till: Till, name: str, first: str | None, last: str | None, now: datetime) -> Period:
    """The days that are asked for; only today for whoever does not lead the store."""
    zone = till.here.zone
    if not till.manages:
        return period_of("today", now, zone)
    if first or last:
        return span(_day(first) or _day(last), _day(last) or _day(first), now, zone)
    return period_of(name if name in NAMED else "today", now, zone)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


async def _stores(tx: Tx, till: Till) -> list[Store]:
    """The stores of this merchant whose redemptions the visitor may see, by name; empty for a cashier."""
    if not till.manages:
        return []
    found = await merchants.stores_in(tx, till.city_id, till.actor.scope(Permission.VIEW_REDEMPTIONS), limit=500)
    return sorted((one for one in found if one.merchant_id == till.merchant_id), key=lambda one: one.pinyin)


def _scope(till: Till, stores: list[Store], at: str | None) -> tuple[Scope, str]:
    """Where to look, and what the form shows for it: this counter unless another of the list or all are chosen."""
    shown = {STORE.show(one.store_id, till.city_id): one.store_id for one in stores}
    if at == EVERYWHERE and len(stores) > 1:
        return Scope(stores=frozenset(shown.values())), EVERYWHERE
    if at in shown and at != till.shown:
        return Scope(stores=frozenset({shown[at]})), at
    return here_only(till), ""


async def _read(tx: Tx, till: Till, scope: Scope, asked: Filter) -> tuple[list[Use], list[Bill], list[Failure]]:
    since, until = asked.period.since, asked.period.until
    if asked.state == "refused":
        failures = await vouchers.failures(tx, scope, city_id=till.city_id, since=since, limit=100)
        return [], [], [one for one in failures if one.at < until and asked.staff in (None, one.staff_id)]
    if asked.state == "bills":
        return [], await tills.bills(
            tx, scope, city_id=till.city_id, since=since, until=until, after=asked.after, limit=ON_PAGE + 1
        ), []  # fmt: skip
    undone = {"standing": False, "undone": True}.get(asked.state)
    found = await vouchers.uses(
        tx, scope, city_id=till.city_id, since=since, until=until, staff_id=asked.staff, undone=undone,
        after=asked.after, limit=ON_PAGE + 1,
    )  # fmt: skip
    return found, [], []


def in_short(reason: str) -> str:
    """The reason of a refused scan, if there are short words for it; the log knows more than the counter is told."""
    return reason if f"why.{reason}" in catalogue() else "other"


def by_day(found: list[T], visit: Visit) -> list[tuple[str, list[T]]]:
    """Under the day on which it happened, on the clocks of the city."""
    formats, days = visit.formats(), dict[str, list[T]]()
    for use in found:
        days.setdefault(formats.short_day(use.at), []).append(use)
    return list(days.items())


ROUTES = (history,)
