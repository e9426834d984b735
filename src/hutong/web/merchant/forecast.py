"""The forecast: on which day too many may come with what was sold, and what one tap can do about it."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from hutong import insight, inventory
from hutong.catalog import Offer
from hutong.desk import insights, waves
from hutong.infra.db import Tx
from hutong.insight import Alert, Day, Holding, Wave
from hutong.inventory import Quota
from hutong.kit.access import Permission
from hutong.kit.clock import local_day
from hutong.kit.ids import OFFER
from hutong.kit.refusals import BadInput, Refusal
from hutong.web.merchant.deals import offer_id_of
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

SEES, ACTS, SETS = (permission(p) for p in (Permission.VIEW_ORDERS, Permission.EDIT_OFFERS, Permission.EDIT_STORE))
Posted = RequestEncodingType.URL_ENCODED
WIDE, HIGH = 420, 120  # of the picture's own grid
DONE = ("extended", "asked", "slowed", "capacity")


class Bar(Struct, frozen=True):
    """A day of the picture, in its own grid."""

    day: Day
    look: str
    x: float
    width: float
    top: float
    high: float
    low: float


class Out(Struct, frozen=True, kw_only=True):
    """A deal with vouchers out: how many uses, when they end, and whether it is still sold."""

    offer: Offer
    uses: int
    first: date
    last: date
    stock: Quota | None
    more: int | None  # how many more may be sold and still be served; None: nobody knows

    @property
    def selling(self) -> bool:
        return self.offer.status == "published" and self.stock is not None and self.stock.remaining > 0


class ExtendForm(KeyedForm, frozen=True, kw_only=True):
    """Lengthen these deals (or all of them, when none is named) by so many days."""

    days: str
    offers: list[str] | str = ""


class TapForm(KeyedForm, frozen=True, kw_only=True):
    """One tap."""


class SlowForm(KeyedForm, frozen=True, kw_only=True):
    """Pause a deal, or sell so many more at most."""

    how: str
    more: str = ""


class CapacityForm(KeyedForm, frozen=True, kw_only=True):
    """Guests a day, Monday to Sunday."""

    d0: str
    d1: str
    d2: str
    d3: str
    d4: str
    d5: str
    d6: str


def bars(days: Sequence[Day]) -> tuple[list[Bar], float | None]:
    """The days as bars with whiskers; the highest of bars and capacity fills the grid. Also the grid's units a use."""
    most = max([1, *(day.high for day in days), *(day.capacity or 0 for day in days)])
    step, scale = WIDE / max(1, len(days)), HIGH / most
    looks = {0: "", 1: "near", 2: "over"}
    return [
        Bar(
            day, looks[day.level], round(number * step + step * 0.15, 1), round(step * 0.7, 1),
            round(HIGH - day.mid * scale, 1), round(HIGH - day.high * scale, 1), round(HIGH - day.low * scale, 1),
        )
        for number, day in enumerate(days)
    ], scale  # fmt: skip


def line(days: Sequence[Day], scale: float) -> str:
    """The capacity as the path of a staircase; empty when it is not known."""
    step, path = WIDE / max(1, len(days)), ""
    for number, day in enumerate(days):
        if day.capacity is None:
            return ""
        y = round(HIGH - day.capacity * scale, 1)
        path += f"{'M0' if not number else 'H' + str(round(number * step, 1))}{' ' if not number else 'V'}{y}"
    return path + f"H{WIDE}" if path else ""


def outs(wave: Wave, holding: Holding | None, stocks: dict[UUID, Quota], zone: str) -> list[Out]:
    """The deals of which vouchers are out, the soonest end first."""
    if holding is None:
        return []
    found, out = [], holding.stocks(zone)
    for offer in holding.offers.values():
        lots = [lot for lot in holding.lots if lot.offer_id == offer.offer_id]
        ends = [local_day(lot.valid_to - waves.EDGE, zone) for lot in lots]
        found.append(
            Out(
                offer=offer, uses=sum(lot.uses for lot in lots), first=min(ends), last=max(ends),
                stock=(stock := stocks.get(offer.quota_id or offer.offer_id)),
                more=None if wave.capacity is None else insight.room(
                    wave, out,
                    insight.Stock(
                        offer_id=offer.offer_id, first=wave.days[0].day, last=max(ends), terms=offer.terms,
                        uses=stock.remaining if stock else 0,
                    ),
                ),
            )
        )  # fmt: skip
    return sorted(found, key=lambda out: (out.first, out.offer.offer_id))


async def _stocks(tx: Tx, till: Till, holding: Holding | None) -> dict[UUID, Quota]:
    ids = [offer.quota_id or offer.offer_id for offer in holding.offers.values()] if holding else []
    found = await inventory.quotas(tx, ids, city_id=till.city_id)
    return {key: quota for key, quota in zip(ids, found, strict=True) if quota is not None}


def longer(wave: Wave, holding: Holding | None, zone: str) -> list[tuple[int, Alert | None]]:
    """What the danger would be, were everything good for so many days longer."""
    if holding is None:
        return []
    return [
        (
            days,
            insight.forecast(
                wave.merchant_id, insight.stretched(holding.stocks(zone), days), wave.profile,
                today=wave.days[0].day, days=len(wave.days) + days, capacity=wave.capacity, weekdays=wave.weekdays,
                capacity_from=wave.capacity_from,
            ).alert,
        )
        for days in insight.STRETCHES
    ]  # fmt: skip


async def _page(
    visit: Visit, till: Till, *, status: int = 200, wrong: Refusal | None = None, done: str = "", n: int = 0
) -> Response[str]:
    visit.frame["tab"] = "forecast"
    zone, now = till.here.zone, visit.house.clock.now()
    async with visit.house.db.reading(till.city_id) as tx:
        wave, holding = await waves.look_ahead(tx, till.merchant_id, city_id=till.city_id, zone=zone, now=now)
        stocks = await _stocks(tx, till, holding)
        said = (await insight.capacities(tx, [till.store_id], city_id=till.city_id)).get(till.store_id, {})
        seen = await insight.served(tx, [till.store_id], city_id=till.city_id, today=local_day(now, zone))
    drawn, scale = bars(wave.days)
    usual = {one.weekday: one.most for one in seen}
    context: dict[str, Any] = {
        "guests": [said.get(day, usual.get(day, "")) for day in range(7)], "said": bool(said),
        "acts": till.owns(Permission.EDIT_OFFERS), "sets": till.can(Permission.EDIT_STORE),
        "quiet": waves.quiet_days(wave) if wave.outstanding else [], "stretches": longer(wave, holding, zone),
    }  # fmt: skip
    return visit.page(
        "merchant/forecast.html", status=status, wave=wave, alert=wave.alert, bars=drawn, wide=WIDE, high=HIGH,
        cap=line(wave.days, scale or 1), outs=outs(wave, holding, stocks, zone), wrong=wrong, done=done, n=n, **context,
    )  # fmt: skip


@get("/{store:str}/forecast", guards=[SEES])
async def forecast(visit: Visiting, till: AtTill, done: FromQuery[str] = "", n: FromQuery[int] = 0) -> Response[str]:
    """The coming six weeks of the merchant, all stores of the city together."""
    till.must(till.owns(Permission.VIEW_ORDERS) or till.can(Permission.VIEW_ORDERS))
    return await _page(visit, till, done=done if done in DONE else "", n=n)


@post("/{store:str}/forecast/extensions", guards=[ACTS], status_code=303)
async def extend(visit: Visiting, till: AtTill, data: Annotated[ExtendForm, Body(media_type=Posted)]) -> Response:
    """Lengthen what ends within the days of the picture."""
    named = [data.offers] if isinstance(data.offers, str) else data.offers
    offers = [till.read(OFFER, one) for one in named if one]
    try:
        days = int(data.days)
    except ValueError:
        raise BadInput(field="days", why=data.days[:20]) from None
    try:
        count = await waves.extend(
            visit.house, till.city_id, till.actor, till.merchant_id, offer_ids=offers, days=days, zone=till.here.zone,
            key=offer_id_of(data.key),
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(visit, till, status=refusal.status, wrong=refusal)
    return Redirect(till.to("/forecast", done="extended", n=str(count)), status_code=303)


@post("/{store:str}/forecast/nudges", guards=[ACTS], status_code=303)
async def ask(visit: Visiting, till: AtTill, data: Annotated[TapForm, Body(media_type=Posted)]) -> Response:
    """Invite holders to quiet days."""
    try:
        count = await waves.ask_to_come(
            visit.house, till.city_id, till.actor, till.merchant_id, zone=till.here.zone, key=offer_id_of(data.key)
        )
    except Refusal as refusal:
        return await _page(visit, till, status=refusal.status, wrong=refusal)
    return Redirect(till.to("/forecast", done="asked", n=str(count)), status_code=303)


@post("/{store:str}/forecast/deals/{offer:str}", guards=[ACTS], status_code=303)
async def slow(
    visit: Visiting, till: AtTill, offer: FromPath[str], data: Annotated[SlowForm, Body(media_type=Posted)]
) -> Response:
    """Pause a deal, or sell only so many more."""
    if data.how not in ("pause", "cap"):
        raise BadInput(field="how", why=data.how[:20])
    more = int(data.more) if data.more.isdigit() and len(data.more) < 8 else 0
    try:
        await waves.slow(
            visit.house, till.city_id, till.actor, till.read(OFFER, offer),
            how="pause" if data.how == "pause" else "cap", more=more,
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(visit, till, status=refusal.status, wrong=refusal)
    return Redirect(till.to("/forecast", done="slowed"), status_code=303)


@post("/{store:str}/forecast/capacity", guards=[SETS], status_code=303)
async def capacity(visit: Visiting, till: AtTill, data: Annotated[CapacityForm, Body(media_type=Posted)]) -> Response:
    """How many guests this store can serve, Monday to Sunday."""
    typed = [data.d0, data.d1, data.d2, data.d3, data.d4, data.d5, data.d6]
    guests = [int(one) if one.strip().isdigit() and len(one.strip()) < 7 else -1 for one in typed]
    try:
        await insights.save_capacity(
            visit.house, till.city_id, till.actor, merchant_id=till.merchant_id, store_id=till.store_id, guests=guests
        )
    except Refusal as refusal:
        return await _page(visit, till, status=refusal.status, wrong=refusal)
    return Redirect(till.to("/forecast", done="capacity"), status_code=303)


ROUTES = (forecast, extend, ask, slow, capacity)
