"""Further stores of merchants who are in: where they are, what is different from before; one tap opens them."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from hutong import merchants, people, places, recruiting
from hutong.desk import siting
from hutong.kit.access import Permission
from hutong.kit.geo import Point, distance_m
from hutong.kit.ids import NEW_STORE
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text
from hutong.merchants import Hours, hours_in_words
from hutong.recruiting import SLA, NewStore
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.maps import allow_tiles
from hutong.web.shared.visit import Visit, Visiting

RECRUITS = permission(Permission.RECRUIT)
REASONS = ("place", "address", "name", "photo", "hours")


class DecisionForm(KeyedForm, frozen=True, kw_only=True):
    """One tap: `open`, or `return:<reason>`; the version that was looked at."""

    decision: str
    version: int


class Item(Struct, frozen=True, kw_only=True):
    """A store that waits, with what its reviewer needs; `away_m`: from the pin to the middle of the district."""

    one: NewStore
    shown: str
    owner: Text | None
    who: str
    district: Text | None
    away_m: float | None
    hours: Text
    late: bool
    differences: list[tuple[str, str, str]]
    may: bool
    own: bool


def _said(visit: Visit, one: NewStore, districts: dict[int, places.District]) -> list[tuple[str, str, str]]:
    """(field, before, now) in words."""

    def words(name: str, value: Any) -> str:
        if isinstance(value, Text):
            return value.zh if value.zh == value.en else f"{value.zh} / {value.en}"
        if isinstance(value, Point):
            return f"{value.lat:.5f}, {value.lon:.5f}"
        if name == "district_id" and value in districts:
            return visit.formats().say(districts[value].name)
        if name == "hours":
            return visit.formats().say(hours_in_words(Hours.of(value)))
        return visit.formats().phone(value) if name == "phone" and value else str(value or "")

    if one.before is None:
        return []
    return [
        (name, words(name, getattr(one.before, name)), words(name, getattr(one.said, name)))
        for name in recruiting.changed(one.before, one.said)
    ]


async def page(
    visit: Visit, desk: Desk, *, status: int = 200, wrong: Refusal | None = None, done: str = ""
) -> Response[str]:
    """What waits, the longest waiting first."""
    desk.must(Permission.RECRUIT)
    visit.frame["tab"] = "new_stores"
    await counted(visit, desk)
    now = visit.house.clock.now()
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await recruiting.new_stores_waiting(tx, desk.reach, city_id=desk.city_id)
        districts = {one.district_id: one for one in await places.districts(tx, desk.city_id)}
        owners = await merchants.merchants(tx, [one.merchant_id for one in found])
        names = await people.members(tx, [one.asked_by for one in found])
    items = []
    for one in found:
        home = districts.get(one.said.district_id)
        items.append(
            Item(
                one=one, shown=NEW_STORE.show(one.new_store_id, desk.city_id), late=now - one.changed_at > SLA,
                owner=owners[one.merchant_id].name if one.merchant_id in owners else None,
                who=names[one.asked_by].shown if one.asked_by in names else "", district=home.name if home else None,
                away_m=distance_m(home.centre, one.said.place) if home and one.said.pinned else None,
                hours=hours_in_words(Hours.of(one.said.hours)), differences=_said(visit, one, districts),
                may=desk.reach.admits(one.said.district_id), own=one.asked_by == visit.member.member_id,
            )
        )  # fmt: skip
    answer = visit.page(
        "operator/new_stores.html", status=status, items=items, reasons=REASONS, wrong=wrong, done=done,
        file_url=visit.house.files.url,
    )  # fmt: skip
    return allow_tiles(answer, visit.house.settings.tiles)


@get("/{city:str}/new-stores", guards=[RECRUITS])
async def queue(visit: Visiting, desk: AtDesk, done: FromQuery[str] = "") -> Response[str]:
    """Further stores that wait."""
    return await page(visit, desk, done=done if done in ("open", "return") else "")


def _read(desk: Desk, shown: str) -> UUID:
    return desk.read(NEW_STORE, shown)


@post("/{city:str}/new-stores/{target:str}", guards=[RECRUITS], status_code=303)
async def decide(visit: Visiting, desk: AtDesk, target: FromPath[str], data: URLEncodedBody[DecisionForm]) -> Response:
    """Open it, or send it back with a reason that the owner reads in his language's words."""
    desk.must(Permission.RECRUIT)
    what, _, reason = data.decision.partition(":")
    try:
        if what == "return" and reason not in REASONS:
            raise BadInput(field="reason", why=" | ".join(REASONS))
        await siting.decide(
            visit.house, desk.city_id, visit.member, _read(desk, target), what, version=data.version,
            reason=visit.t(f"new_stores.reason.{reason}") if what == "return" else "",
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, desk, status=refusal.status, wrong=refusal)
    return Redirect(desk.to("/new-stores", done=what), status_code=303)


ROUTES = (queue, decide)
