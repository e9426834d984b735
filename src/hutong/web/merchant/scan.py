"""Scan, verify, redeem: a code comes in, is explained, and is used by one tap.

The request number of a redemption is made with the verify sheet, so that tapping twice is one redemption. The
scanner stays where it is and asks for the sheet and the result alone (`visit.partial`); without JavaScript both are
pages.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from msgspec import Meta, Struct, field

from hutong import merchants, vouchers
from hutong.desk import billing, counter, tilling
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import MEMBER, REDEMPTION, STORE, VOUCHER
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.kit.text import Text
from hutong.merchants import Store
from hutong.till import MOST_SHOWN
from hutong.vouchers import Prepared, Redeemed, Use
from hutong.web.merchant.counters import STAFF
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.security import POLICY
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
LATEST = 5
REASONS = ("mistake", "guest_left", "wrong_count", "other")
MOST = 20  # vouchers of one order that one tap may use
# The reader of codes is WebAssembly where the browser has none of its own; on this page only.
WITH_READER = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
# Red: take no goods out for this. Everything else is amber: not now, or not like this.
RED = frozenset(
    {
        "unknown_code", "already_used", "voucher_used", "voucher_refunded", "voucher_refunding", "voucher_void",
        "expired",
    }
)  # fmt: skip


# Two readings of one tap lie this close together: then "already used" is no reproach but the answer.
MOMENT = timedelta(seconds=20)
# What somebody must look at before a voucher is used; other notices are said, and hold nothing up.
TO_CHECK = frozenset({"booking_needed", "party"})
USED_NOW = frozenset({"already_used", "qr_already_used"})


class ScanForm(Form, frozen=True, kw_only=True):
    """What was scanned or typed."""

    presented: Annotated[str, Meta(max_length=700)] = ""


class RedeemForm(KeyedForm, frozen=True, kw_only=True):
    """The confirmed sheet. `also` names the other vouchers of the order as `<voucher>~<proof>`; `count` may be uses
    of the one voucher, or how many of these vouchers."""

    voucher: str
    proof: Annotated[str, Meta(max_length=200)]
    count: Annotated[int, Meta(ge=1, le=10_000)] = 1
    also: str | list[str] = field(default_factory=list)


class Ask(Struct, frozen=True):
    """One voucher to be used."""

    voucher_id: UUID
    proof: str
    count: int
    request_no: str


@get("/{store:str}/scan", guards=[STAFF])
async def scan(visit: Visiting, till: AtTill) -> Response[str]:
    """The landing of a cashier: camera, typed code, the last five."""
    visit.frame["tab"] = "scan"
    answer = visit.page("merchant/scan.html", latest=await _latest(visit, till))
    answer.headers["content-security-policy"] = WITH_READER
    return answer


@get("/{store:str}/latest", guards=[STAFF])
async def latest(visit: Visiting, till: AtTill) -> Response[str]:
    """The last five as the scanner shows them: asked for again after each redemption."""
    return visit.page("merchant/latest_part.html", latest=await _latest(visit, till))


async def _latest(visit: Visit, till: Till) -> list[Use]:
    async with visit.house.db.reading(till.city_id) as tx:
        return await vouchers.uses(tx, here_only(till), city_id=till.city_id, limit=LATEST)


def page_or_part(visit: Visit, name: str, /, *, status: int = 200, **context: Any) -> Response[str]:
    """merchant/<name>.html, or for the scanner merchant/<name>_part.html."""
    part = visit.partial
    return visit.page(f"merchant/{name}{'_part' if part else ''}.html", status=status, part=part, **context)


def here_only(till: Till) -> Scope:
    """What is seen at this counter: this store, for those who may see redemptions here."""
    may = till.can(Permission.VIEW_REDEMPTIONS)
    return Scope(stores=frozenset({till.store_id})) if may else Scope()


@post("/{store:str}/verify", guards=[STAFF], status_code=200)
async def verify(visit: Visiting, till: AtTill, data: Annotated[ScanForm, Body(media_type=Posted)]) -> Response[str]:
    """What the code is. Nothing has happened yet."""
    visit.frame["tab"] = "scan"
    if tilling.is_guest(data.presented):
        return await guest(visit, till, data.presented)
    try:
        found = await counter.prepare(visit.house, till.city_id, till.actor, till.store_id, data.presented)
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        again = await just_used(visit, till, refusal, presented=data.presented)
        return await show_done(visit, till, [again], again=True) if again else await refused(visit, till, refusal)
    others = found.others[: most_of(found) - 1] if found.most == 1 else ()
    plain = most_of(found) == 1 and not any(one.code in TO_CHECK for one in found.notices)
    bill = await billing.sheet(visit.house, till.city_id, found)
    free = MOST_SHOWN - len(bill.shown) if bill else 0
    beside = await billing.beside(visit.house, till.city_id, till.actor, till.here, found, free) if free else ()
    points = await tilling.points_here(visit.house, till.city_id, till.here) if bill else None
    return page_or_part(
        visit, "verify", bill=bill, beside=beside, check=TO_CHECK, found=found, most=most_of(found), others=others,
        plain=plain, points=points, ways=pay_ways(visit),
    )  # fmt: skip


async def guest(visit: Visit, till: Till, presented: str) -> Response[str]:
    """The sheet of a guest who shows his member code, or says his number: the amount, his coupons, his points."""
    try:
        known = await billing.whom(visit.house, till.city_id, till.actor, till.here, presented)
    except Refusal as refusal:
        return await refused(visit, till, refusal)
    sheet = await tilling.sheet(visit.house, till.city_id, till.actor, till.here, known)
    return page_or_part(
        visit, "guest", sheet=sheet, points=sheet.points, beside=sheet.beside, ways=pay_ways(visit), MEMBER=MEMBER
    )


def pay_ways(visit: Visit) -> list[str]:
    """The providers by which a guest can pay the rest with his phone."""
    return sorted(visit.house.providers)


def most_of(found: Prepared) -> int:
    """How many may be used by one tap: uses of a right with several, else vouchers of the same order."""
    if found.most > 1:
        return found.most
    return min(found.usable, found.terms.per_visit or found.usable, MOST)


@post("/{store:str}/redemptions", guards=[permission(Permission.REDEEM_VOUCHER)], status_code=303)
async def redeem(visit: Visiting, till: AtTill, data: Annotated[RedeemForm, Body(media_type=Posted)]) -> Response:
    """Use it. The same sheet sent twice is the same redemption."""
    visit.frame["tab"] = "scan"
    results = await asyncio.gather(*(_use(visit, till, ask) for ask in asks_of(till, data)))
    done = [result for result in results if isinstance(result, Redeemed)]
    wrong = next((result for result in results if isinstance(result, Refusal)), None)
    if not done:
        assert wrong is not None
        again = await just_used(visit, till, wrong, voucher_id=till.read(VOUCHER, data.voucher))
        return await show_done(visit, till, [again], again=True) if again else await refused(visit, till, wrong)
    short = wrong.code if wrong else None
    if visit.partial:
        return await show_done(visit, till, [one.redemption_id for one in done], short=short)
    first, *rest = [REDEMPTION.show(one.redemption_id, till.city_id) for one in done]
    return Redirect(till.to(f"/redemptions/{first}", new=1, also=rest, short=short), status_code=303)


def asks_of(till: Till, data: RedeemForm) -> list[Ask]:
    """The vouchers of the sheet that are to be used, each with a request number of its own."""
    also = [data.also] if isinstance(data.also, str) else data.also
    first = till.read(VOUCHER, data.voucher)
    if not also or data.count == 1:
        return [Ask(first, data.proof, data.count, data.key)]
    if data.count > min(len(also) + 1, MOST):
        raise BadInput(field="count", why=f"1-{min(len(also) + 1, MOST)}")
    asks = [Ask(first, data.proof, 1, data.key)]
    for number, pair in enumerate(also[: data.count - 1], 2):
        shown, _, proof = pair.partition("~")
        asks.append(Ask(till.read(VOUCHER, shown), proof, 1, f"{data.key}-{number}"))
    return asks


async def _use(visit: Visit, till: Till, ask: Ask) -> Redeemed | Refusal:
    """One voucher; the batches of the house join those of one moment."""
    try:
        return await counter.redeem(
            visit.house, till.city_id, till.actor, till.store_id, request_no=ask.request_no,
            voucher_id=ask.voucher_id, proof=ask.proof, count=ask.count,
        )  # fmt: skip
    except Refusal as refusal:
        return refusal


async def just_used(visit: Visit, till: Till, refusal: Refusal, **what: Any) -> UUID | None:
    """The visitor's own redemption of a moment ago, when that is why the code is refused now."""
    if refusal.code not in USED_NOW:
        return None
    since = visit.house.clock.now() - MOMENT
    async with visit.house.db.reading(till.city_id) as tx:
        return await vouchers.just_used(
            tx, here_only(till), city_id=till.city_id, staff_id=till.actor.member_id, since=since, **what
        )


async def show_done(
    visit: Visit, till: Till, ids: Sequence[UUID], *, new: bool = True, again: bool = False, short: str | None = None
) -> Response[str]:
    """Redemptions: green when they were made by this tap (`new`) or by the one a moment before (`again`).

    `short`: the code of the refusal that kept the others of the order from being used. Raises not_found unless the
    first of them lies within this counter's scope.
    """
    async with visit.house.db.reading(till.city_id) as tx:
        found = await vouchers.uses_by_ids(tx, here_only(till), ids, city_id=till.city_id)
    if not found or found[0].redemption_id != ids[0]:
        raise NotFound()
    live = [use for use in found if use.reversed_at is None]
    now = visit.house.clock.now()
    return page_or_part(
        visit, "done", uses=found, first=found[0], live=live, new=new and bool(live), reasons=REASONS, again=again,
        undo=[use for use in live if undoable(use, visit, till)], short=Refusal.known.get(short or ""),
        count=sum(use.times for use in (live or found)), now=now,
        sees_money=till.owns(Permission.VIEW_STATEMENT), ago=int((now - found[0].at).total_seconds()),
    )  # fmt: skip


async def refused(visit: Visit, till: Till, refusal: Refusal) -> Response[str]:
    """Why not, full screen: red or amber, who used it when and where, and what to do now."""
    tone = "bad" if refusal.code in RED else "warn"
    return page_or_part(
        visit, "refused", status=refusal.status, refusal=refusal, tone=tone,
        stores=await _stores(visit, till, refusal), used_at=await _used_at(visit, till, refusal),
    )  # fmt: skip


async def _stores(visit: Visit, till: Till, refusal: Refusal) -> Sequence[Store]:
    """The stores that a refusal names, so that the guest can be sent to one."""
    named = refusal.facts.get("stores")
    if not isinstance(named, list):
        return []
    async with visit.house.db.reading(till.city_id) as tx:
        found = await merchants.stores(tx, till.city_id, [STORE.read_local(text)[1] for text in named])
    return [store for store in found.values() if store.merchant_id == till.merchant_id]


async def _used_at(visit: Visit, till: Till, refusal: Refusal) -> Text | None:
    """The store that a refusal names, in both languages: what was kept at the counter is its Chinese name."""
    kept = refusal.facts.get("store")
    if not kept:
        return None
    async with visit.house.db.reading(till.city_id) as tx:
        ours = await merchants.stores_of(tx, till.city_id, till.merchant_id)
    return next((store.name for store in ours if store.name.zh == kept), None)


def undoable(use: Use, visit: Visit, till: Till) -> bool:
    """Whether to offer the undo: cashiers within their window, managers also later. The command has the last word."""
    return use.reversed_at is None and (till.manages or visit.house.clock.now() < use.undo_until)


ROUTES = (scan, latest, verify, redeem)
