"""Me: who is signed in, what waits for him, what he was told; without a session a useful page all the same."""

from datetime import date, datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct, convert

from hutong import messages, orders, people, places, reviews, vouchers
from hutong.desk import account, passkeys
from hutong.desk.pointing import purse_of
from hutong.kit.access import Actor
from hutong.kit.ids import APPLICATION, MESSAGE, ORDER, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.messages import InboxMessage
from hutong.people import Departure
from hutong.web.consumer.alliances import asked
from hutong.web.consumer.here import Cursor, Here, InCity
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

ON_PAGE = 20
LATER = "hutong_later"  # "not now" to the offer of a passkey
ICONS = {
    "order_paid": "receipt", "voucher_used": "check", "use_undone": "undo", "refund_done": "refund",
    "refund_failed": "alert", "deal_failed": "users", "deal_tipped": "users", "expiring": "clock",
    "gift_received": "gift", "gift_accepted": "gift", "gift_returned": "gift", "place_free": "bell",
    "campaign_stopped": "alert", "coupon_received": "ticket",
    "extended": "calendar", "come_early": "calendar", "shop_closed": "store",
    "card_spent": "wallet", "card_back": "undo",
    "team_ending": "clock", "ladder_back": "refund",
    "clearing_ready": "receipt", "clearing_over_limit": "alert", "clearing_decided": "flag",
    "application_approved": "store", "application_returned": "edit", "application_rejected": "store",
    "review_ask": "star", "new_store_open": "store", "new_store_returned": "edit",
    "parcel_sent": "send", "parcel_arrived": "box",
    "passkey_added": "fingerprint", "passkey_removed": "fingerprint", "phone_changed": "device",
    "export_made": "download", "leaving": "out", "stays": "shield",
}  # fmt: skip


OF_VOUCHERS = frozenset(
    {
        "card_spent",
        "card_back",
        "review_ask",
        "voucher_used",
        "use_undone",
        "expiring",
        "extended",
        "come_early",
        "gift_received",
        "gift_returned",
        "coupon_received",
    }
)  # their subject is a voucher; that of the others is an order


class Waiting(Struct, frozen=True):
    """What waits for the member in this city."""

    to_pay: int = 0
    to_use: int = 0
    refunds: int = 0
    to_review: int = 0


class Line(Struct, frozen=True):
    """A message as the page says it."""

    message: InboxMessage
    icon: str
    words: dict[str, Any]
    url: str | None


@get("/c/{city:str}/me", guards=[public])
async def me(visit: Visiting, here: InCity) -> Response[str]:
    """Who is signed in, and ways to what is his."""
    visit.frame["tab"] = "me"
    actor = visit.actor
    waits, offer, leaving, purse = Waiting(), False, None, None
    if actor is not None:
        visit.personal = True
        waits = await _waiting(visit, here, actor)
        offer, leaving = await _standing(visit, actor)
        async with visit.house.db.reading(here.city_id) as tx:
            purse = await purse_of(tx, here.city_id, actor.member_id, visit.house.clock.now(), asked=asked(visit))
    return visit.page("consumer/me.html", actor=actor, waits=waits, offer=offer, leaving=leaving, purse=purse)


async def _waiting(visit: Visit, here: Here, actor: Actor) -> Waiting:
    member, now = actor.member_id, visit.house.clock.now()
    async with visit.house.db.reading(here.city_id) as tx:
        counts = await vouchers.wallet_counts(tx, member, city_id=here.city_id)
        left = (await orders.still_open(tx, [member], city_id=here.city_id)).get(member, orders.OpenOrders())
        unwritten = await reviews.to_write(tx, member, city_id=here.city_id, now=now)
    return Waiting(
        to_pay=left.unpaid, to_use=counts.get("unused", 0), refunds=left.refunds, to_review=len(unwritten)
    )  # fmt: skip


async def _standing(visit: Visit, actor: Actor) -> tuple[bool, Departure | None]:
    """Whether to offer a passkey (he has none and has not said later), and whether he is leaving."""
    async with visit.house.db.reading() as tx:
        leaving = (await people.departures_of(tx, [actor.member_id])).get(actor.member_id)
        if not passkeys.offered(visit.house) or visit.connection.cookies.get(LATER):
            return False, leaving
        return not await people.passkeys_of(tx, [actor.member_id]), leaving


@post("/c/{city:str}/me/later", guards=[signed_in], status_code=303)
async def later(visit: Visiting, here: InCity, data: URLEncodedBody[Form]) -> Redirect:
    """No passkey now: the offer does not come again on this device."""
    del data
    answer = Redirect(here.to("/me"), status_code=303)
    answer.set_cookie(visit.cookie(LATER, "1", seconds=365 * 24 * 3600))
    return answer


@get("/c/{city:str}/me/messages", guards=[signed_in])
async def inbox(visit: Visiting, here: InCity, after: Cursor = None) -> Response[str]:
    """What the member was told, newest first."""
    last = MESSAGE.read(after) if after else None
    async with visit.house.db.reading() as tx:
        found = await messages.inbox_of(tx, visit.member.member_id, after=last, limit=ON_PAGE + 1)
        wishes = (await people.choices_of(tx, [visit.member.member_id]))[visit.member.member_id]
        slugs = await _slugs(visit, found)
    visit.frame["tab"] = "me"
    lines = [line_of(visit, one, slugs) for one in found[:ON_PAGE]]
    more = MESSAGE.show(found[ON_PAGE - 1].message_id) if len(found) > ON_PAGE else None
    return visit.page("consumer/messages.html", lines=lines, more=more, texts=wishes["reminders", "sms"])


@post("/c/{city:str}/me/messages/seen", guards=[signed_in], status_code=303)
async def seen(visit: Visiting, here: InCity, data: URLEncodedBody[Form]) -> Response:
    """The member has seen his messages: the page says so by itself when it is open, or he does by its button."""
    del data
    await account.mark_read(visit.house, visit.member)
    return Response("", status_code=204) if visit.partial else Redirect(here.to("/me/messages"), status_code=303)


async def _slugs(visit: Visit, found: list[InboxMessage]) -> dict[int, str]:
    if not any(one.city_id for one in found):
        return {}
    async with visit.house.db.reading() as tx:
        return {city.city_id: city.slug for city in await places.cities(tx)}


def line_of(visit: Visit, message: InboxMessage, slugs: dict[int, str]) -> Line:
    """The message with its facts in the reader's language and the address it leads to."""
    f, facts, words = visit.formats(), message.facts, dict[str, Any]()
    for name, value in facts.items():
        words[name] = f.say(convert(value, Text)) if isinstance(value, dict) else value
    if "units" in facts:
        words["amount"] = f.money(Amount(facts["units"], facts["asset"]))
    if "day" in facts:
        words["day"] = f.day(date.fromisoformat(facts["day"]))
    if "due" in facts:
        words["due"] = f.moment(datetime.fromisoformat(facts["due"]))
    return Line(message, ICONS[message.kind], words, _url(message, slugs))


def _url(message: InboxMessage, slugs: dict[int, str]) -> str | None:
    slug = slugs.get(message.city_id or 0)
    if slug is None:
        return None
    if message.kind == "place_free":
        return f"/c/{slug}/waiting"
    if message.kind == "gift_accepted":
        return f"/c/{slug}/vouchers?tab=gifted"
    if message.subject is None:
        return None
    if message.kind.startswith("new_store_"):
        return "/m"
    if message.kind.startswith("application_"):
        return f"/m/applications/{APPLICATION.show(message.subject, message.city_id)}"
    of_voucher = message.kind in OF_VOUCHERS
    kind, path = (VOUCHER, "vouchers") if of_voucher else (ORDER, "orders")
    return f"/c/{slug}/{path}/{kind.show(message.subject, message.city_id)}"


ROUTES = (me, later, inbox, seen)
