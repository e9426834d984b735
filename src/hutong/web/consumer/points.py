"""A member's points: the wallet, where they came from and went, when they end, and the code that earns them."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from hutong import catalog, merchants, people, programmes, vouchers
from hutong.desk import pointing
from hutong.desk.pointing import Purse, programme_of, purse_of, purses_of
from hutong.infra.db import Tx
from hutong.kit.access import EVERYTHING
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import BILL, MOVEMENT, ORDER, VOUCHER, to_crockford
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes import Lot, Movement, Partner
from hutong.web.consumer.alliances import asked, choices, purse_in
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.shelves import Shelves
from hutong.web.consumer.shops import Shop, shops_of
from hutong.web.consumer.tiers import ladder_of
from hutong.web.consumer.voucher import STEP_SECONDS
from hutong.web.shared.codes import qr_svg
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20
BRIEF = 5
SOON = timedelta(days=30)
Mark = Annotated[str | None, QueryParameter(name="after", max_length=40, pattern="^[0-9a-f]{32}$")]
Asked = Annotated[date | None, QueryParameter(name="day")]


class Line(Struct, frozen=True):
    """One line of the history: who it was with, and where one reads more of it."""

    movement: Movement
    partner: Text | None
    url: str


async def _own(visit: Visit, here: Here, tx: Tx) -> Purse:
    """The member's points here. Raises not_found in a city without an alliance."""
    now = visit.house.clock.now()
    return sure_found(await purse_of(tx, here.city_id, visit.member.member_id, now, asked=asked(visit)))


@get("/c/{city:str}/points", guards=[signed_in])
async def wallet(visit: Visiting, here: InCity, done: FromQuery[str] = "") -> Response[str]:
    """What the member has, what comes, what ends, and what he can do with it."""
    now = visit.house.clock.now()
    visit.frame["tab"] = "me"
    async with visit.house.db.reading(here.city_id) as tx:
        purses = await purses_of(tx, here.city_id, visit.member.member_id, now)
        purse = purse_in(purses, visit)
        if purse is None:
            return visit.page("consumer/points_none.html")
        programme_id = purse.programme.programme_id
        member = visit.member.member_id
        pending = [
            lot
            for lot in await programmes.lots(tx, member, programme_id, limit=50)
            if lot.state == "pending" and lot.left
        ]
        moves = await programmes.history(tx, member, programme_id, limit=BRIEF)
        lines = await _lines(tx, visit, here, moves, programme_id)
    return visit.page(
        "consumer/points.html", purse=purse, programme=purse.programme, which=choices(purses),
        ladder=ladder_of(purse), lines=lines,
        next_in=min((lot.matures_at for lot in pending), default=None),
        soon=[(when, n) for when, n in purse.wallet.expiring if when <= now + SOON],
        done=done if done in ("sent", "given") else "",
        worth=Amount(purse.wallet.available * purse.programme.face_units, purse.programme.currency),
    )  # fmt: skip


async def _lines(
    tx: Tx, visit: Visit, here: Here, moves: Sequence[Movement], programme_id: UUID
) -> list[Line]:  # fmt: skip
    """Movements with the names of partners and the way to the purchase behind each, where it is the member's to see."""
    names = {one.partner_id: one.name for one in await programmes.partners(tx, programme_id)}
    ours = [move for move in moves if move.city_id == here.city_id]
    used = [move.source.ref for move in ours if move.source.kind == "redemption"]
    found = await vouchers.uses_by_ids(tx, EVERYTHING, used, city_id=here.city_id) if used else []
    held = {v.voucher_id: v for v in await vouchers.by_ids(tx, [u.voucher_id for u in found], city_id=here.city_id)}
    mine = {
        use.redemption_id: use.voucher_id
        for use in found
        if use.voucher_id in held and held[use.voucher_id].member_id == visit.member.member_id
    }
    return [
        Line(move, names.get(move.partner_id) if move.partner_id else None, _url(here, move, mine)) for move in moves
    ]


def _url(here: Here, move: Movement, mine: dict[UUID, UUID]) -> str:
    """Where the purchase behind a line is shown; where there is none here, who got what of these points."""
    match move.source.kind if move.city_id == here.city_id else "":
        case "order" | "gift":
            return here.to(f"/orders/{ORDER.show(move.source.ref, here.city_id)}")
        case "redemption" if move.source.ref in mine:
            return here.to(f"/vouchers/{VOUCHER.show(mine[move.source.ref], here.city_id)}")
        case "bill":
            return here.to(f"/bills/{BILL.show(move.source.ref, here.city_id)}/money")
        case _:
            return here.to(f"/points/history/{MOVEMENT.show(move.movement_id)}/money")


def _next(items: Sequence[Any], name: str) -> str | None:
    """The mark of the next page: the id of the last item of this one."""
    return getattr(items[ON_PAGE - 1], name).hex if len(items) > ON_PAGE else None


@get("/c/{city:str}/points/history", guards=[signed_in])
async def history(visit: Visiting, here: InCity, after: Mark = None) -> Response[str]:
    """Everything that came and went, newest first, with the purchase behind it."""
    visit.frame["tab"] = "me"
    async with visit.house.db.reading(here.city_id) as tx:
        purse = await _own(visit, here, tx)
        programme_id = purse.programme.programme_id
        moves = await programmes.history(
            tx, visit.member.member_id, programme_id, after=UUID(after) if after else None, limit=ON_PAGE + 1
        )
        lines = await _lines(tx, visit, here, moves[:ON_PAGE], programme_id)
    return visit.page(
        "consumer/points_history.html", programme=purse.programme, lines=lines, more=_next(moves, "movement_id")
    )


@get("/c/{city:str}/points/lots", guards=[signed_in])
async def lots(visit: Visiting, here: InCity, after: Mark = None) -> Response[str]:
    """The points by the purchases that they came from: how many are left of each, and until when."""
    visit.frame["tab"] = "me"
    async with visit.house.db.reading(here.city_id) as tx:
        purse = await _own(visit, here, tx)
        found: list[Lot] = await programmes.lots(
            tx, visit.member.member_id, purse.programme.programme_id, after=UUID(after) if after else None,
            limit=ON_PAGE + 1,
        )  # fmt: skip
    return visit.page(
        "consumer/points_lots.html", purse=purse, programme=purse.programme, lots=found[:ON_PAGE],
        more=_next(found, "lot_id"), now=visit.house.clock.now(),
    )  # fmt: skip


@get("/c/{city:str}/points/at", guards=[signed_in])
async def at(visit: Visiting, here: InCity, day: Asked = None) -> Response[str]:
    """What the member had at the end of a day."""
    now = visit.house.clock.now()
    visit.frame["tab"] = "me"
    async with visit.house.db.reading(here.city_id) as tx:
        purse = await _own(visit, here, tx)
        today = local_day(now, here.city.zone)
        chosen = max(min(day or today, today), today - timedelta(days=3_650))
        end = min(now, day_start(chosen + timedelta(days=1), here.city.zone))
        had = await programmes.balance_at(
            tx, visit.member.member_id, purse.programme.programme_id, at=end.astimezone(UTC)
        )
    return visit.page("consumer/points_at.html", programme=purse.programme, had=had, day=chosen, today=today)


@get("/c/{city:str}/points/code", guards=[signed_in])
async def code(visit: Visiting, here: InCity) -> Response[str]:
    """The member's code for tills: it earns, and it pays when he says so."""
    now = visit.house.clock.now()
    visit.frame["tab"] = "me"
    await pointing.badge(visit.house, visit.member)
    async with visit.house.db.reading(here.city_id) as tx:
        purse = await purse_of(tx, here.city_id, visit.member.member_id, now, asked=asked(visit))
    return visit.page(
        "consumer/points_code.html", purse=purse, left=STEP_SECONDS - now.timestamp() % STEP_SECONDS, step=STEP_SECONDS
    )


@get("/c/{city:str}/points/code/code.svg", guards=[signed_in])
async def code_svg(visit: Visiting, here: InCity) -> Response[bytes]:
    """The QR code of this half minute."""
    del here
    badge = await pointing.badge(visit.house, visit.member)
    text = people.badge_text(badge, visit.house.clock.now())
    return Response(qr_svg(text), media_type="image/svg+xml", headers={"cache-control": "no-store"})


@get("/c/{city:str}/points/code/pocket", guards=[signed_in])
async def pocket(visit: Visiting, here: InCity) -> Response[dict]:
    """What the member's phone needs to show a fresh code without a network; times in milliseconds since 1970. As with
    a voucher, it is put away as a key that signs and cannot be read."""
    badge = await pointing.badge(visit.house, visit.member)
    now = visit.house.clock.now()
    body = {
        "id": "member", "kind": "member", "city": here.city_id, "short": to_crockford(badge.member_id.bytes).upper(),
        "secret": base64.urlsafe_b64encode(badge.secret).decode().rstrip("="), "after": badge.last_step,
        "version": 1, "now": _ms(now), "from": 0, "to": _ms(now + timedelta(days=30)), "step": STEP_SECONDS * 1000,
        "offline": None,
    }  # fmt: skip
    return Response(body, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


class Place(Struct, frozen=True):
    """A partner with his stores here: whether points are earned there, and whether they can be used."""

    partner: Partner
    shops: list[Shop]


@get("/c/{city:str}/points/partners", guards=[public])
async def partners(visit: Visiting, here: InCity) -> Response[str]:
    """Where points are earned and used: the partners of this city, the nearest first."""
    now = visit.house.clock.now()
    visit.frame["tab"] = "me"
    async with visit.house.db.reading(here.city_id) as tx:
        every = await programmes.of_city(tx, here.city_id, at=now)
        programme = await programme_of(tx, here.city_id, now, asked=asked(visit))
        found: list[Place] = []
        if programme is not None:
            members = [one for one in await programmes.partners(tx, programme.programme_id) if one.state == "active"]
            found = await _places(tx, visit, here, members)
        shelves = Shelves(await catalog.categories(tx))
    which = [(one, None) for one in every]
    return visit.page(
        "consumer/points_partners.html", programme=programme, places=found, shelves=shelves, which=which
    )  # fmt: skip


async def _places(tx: Tx, visit: Visit, here: Here, members: Sequence[Partner]) -> list[Place]:
    now = visit.house.clock.now()
    stores = await merchants.store_ids_of(tx, [one.partner_id for one in members], city_id=here.city_id)
    ids = sorted({store for mine in stores.values() for store in mine})
    cards = await catalog.storefronts(tx, ids, city_id=here.city_id, now=now, point=here.point)
    near = sorted((card for card in cards if card is not None and card.visible), key=lambda card: card.distance_m or 0)
    shops = await shops_of(tx, near, here=here, now=now)
    places = [Place(one, [shop for shop in shops if shop.card.merchant_id == one.partner_id]) for one in members]
    places = [place for place in places if place.shops]
    return sorted(places, key=lambda place: place.shops[0].card.distance_m or 0)


ROUTES = (wallet, history, lots, at, code, code_svg, pocket, partners)
