"""Scan, verify, redeem: a code comes in, is explained, and is used by one tap.

The request number of a redemption is made with the verify sheet, so that tapping twice is one redemption.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from msgspec import Meta, Struct, field

from hutong import merchants, vouchers
from hutong.desk import counter
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import REDEMPTION, STORE, VOUCHER
from hutong.kit.refusals import BadInput, NotAllowed, NotFound, Refusal
from hutong.merchants import Store
from hutong.vouchers import Prepared, Redeemed, Use
from hutong.web.merchant.counters import STAFF
from hutong.web.merchant.till import Till
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.security import POLICY
from hutong.web.shared.visit import Visit

Posted = RequestEncodingType.URL_ENCODED
LATEST = 5
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


class ScanForm(Form, frozen=True, kw_only=True):
    """What was scanned or typed."""

    presented: Annotated[str, Meta(max_length=400)] = ""


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
async def scan(visit: Visit, till: Till) -> Response[str]:
    """The landing of a cashier: camera, typed code, the last five."""
    visit.frame["tab"] = "scan"
    async with visit.house.db.reading(till.city_id) as tx:
        latest = await vouchers.uses(tx, here_only(till), city_id=till.city_id, limit=LATEST)
    answer = visit.page("merchant/scan.html", latest=latest)
    answer.headers["content-security-policy"] = WITH_READER
    return answer


def here_only(till: Till) -> Scope:
    """What is seen at this counter: this store, for those who may see redemptions here."""
    may = till.can(Permission.VIEW_REDEMPTIONS)
    return Scope(stores=frozenset({till.store_id})) if may else Scope()


@post("/{store:str}/verify", guards=[STAFF], status_code=200)
async def verify(visit: Visit, till: Till, data: Annotated[ScanForm, Body(media_type=Posted)]) -> Response[str]:
    """What the code is. Nothing has happened yet."""
    visit.frame["tab"] = "scan"
    try:
        found = await counter.prepare(visit.house, till.city_id, till.actor, till.store_id, data.presented)
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await refused(visit, till, refusal)
    others = found.others[: most_of(found) - 1] if found.most == 1 else ()
    return visit.page("merchant/verify.html", found=found, most=most_of(found), others=others)


def most_of(found: Prepared) -> int:
    """How many may be used by one tap: uses of a right with several, else vouchers of the same order."""
    if found.most > 1:
        return found.most
    return min(found.usable, found.terms.per_visit or found.usable, MOST)


@post("/{store:str}/redemptions", guards=[permission(Permission.REDEEM_VOUCHER)], status_code=303)
async def redeem(visit: Visit, till: Till, data: Annotated[RedeemForm, Body(media_type=Posted)]) -> Response:
    """Use it. The same sheet sent twice is the same redemption."""
    visit.frame["tab"] = "scan"
    results = await asyncio.gather(*(_use(visit, till, ask) for ask in asks_of(till, data)))
    done = [result for result in results if isinstance(result, Redeemed)]
    wrong = next((result for result in results if isinstance(result, Refusal)), None)
    if not done:
        assert wrong is not None
        return await refused(visit, till, wrong)
    first, *rest = [REDEMPTION.show(one.redemption_id, till.city_id) for one in done]
    short = wrong.code if wrong else None
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


async def refused(visit: Visit, till: Till, refusal: Refusal) -> Response[str]:
    """Why not, full screen: red or amber, who used it when and where, and what to do now."""
    tone = "bad" if refusal.code in RED else "warn"
    return visit.page(
        "merchant/refused.html", status=refusal.status, refusal=refusal, tone=tone,
        stores=await _stores(visit, till, refusal),
    )  # fmt: skip


async def _stores(visit: Visit, till: Till, refusal: Refusal) -> Sequence[Store]:
    """The stores that a refusal names, so that the guest can be sent to one."""
    named = refusal.facts.get("stores")
    if not isinstance(named, list):
        return []
    async with visit.house.db.reading(till.city_id) as tx:
        found = await merchants.stores(tx, till.city_id, [STORE.read_local(text)[1] for text in named])
    return [store for store in found.values() if store.merchant_id == till.merchant_id]


def undoable(use: Use, visit: Visit, till: Till) -> bool:
    """Whether to offer the undo: cashiers within their window, managers also later. The command has the last word."""
    return use.reversed_at is None and (till.manages or visit.house.clock.now() < use.undo_until)


ROUTES = (scan, verify, redeem)
