"""The counter and the books of a merchant: for staff, and for tills with a key."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from hutong import settlement, vouchers
from hutong.api.browse import City, Limit
from hutong.api.glue import Home, Key, Who, local_id, with_token
from hutong.api.shapes import (
    KeyIn,
    Money,
    PageOut,
    PrepareIn,
    RedeemIn,
    ReverseIn,
    bill_out,
    redemption_out,
    statement_out,
)
from hutong.desk import billing, counter, selling
from hutong.kit.access import Permission
from hutong.kit.ids import API_KEY, MERCHANT, REDEMPTION, STORE, VOUCHER
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound


@post("/redemptions/preparations", guards=[with_token], status_code=200, summary="What is this code?", short=True)
async def prepare(data: JSONBody[PrepareIn], actor: Who, house: Home) -> dict[str, Any]:
    """Explains and changes nothing. `presented` is the text of the QR code or the 12 digits. A coupon or a card for
    bills says so (`for_bill`); with the `amount` of a bill, what would be left to collect."""
    city_id, store_id = local_id(STORE, data.store)
    found = await counter.prepare(house, city_id, actor, store_id, data.presented)
    sheet = await billing.sheet(house, city_id, found)
    answer = prepared_out(found, city_id)
    if sheet is None:
        return answer
    answer["for_bill"] = {"role": sheet.role, "balance": Money.of(sheet.balance)}
    if data.amount is not None:
        amount = Amount(data.amount.units, data.amount.asset)
        guess = await billing.guess(house, city_id, actor, store_id, amount=amount, shown=sheet.shown)
        answer["for_bill"] |= {
            "discounted": Money.of(guess.discounted),
            "paid": Money.of(guess.paid),
            "collect": Money.of(guess.collect),
        }
    return answer


def prepared_out(found: vouchers.Prepared, city_id: int) -> dict[str, Any]:
    return {
        "title": found.title, "holder": found.holder, "kind": found.kind, "uses_left": found.uses_left,
        "uses_total": found.uses_total, "valid_to": found.valid_to, "usable_here": found.usable,
        "code_tail": found.code_tail, "proof": found.proof, "proof_until": found.proof_until,
        "voucher": VOUCHER.show(found.voucher_id, city_id), "most": found.most,
        "others": [
            {"voucher": VOUCHER.show(o.voucher_id, city_id), "uses_left": o.uses_left, "proof": o.proof}
            for o in found.others
        ],
        "notices": [{"code": n.code, "text": n.text} for n in found.notices],
    }  # fmt: skip


@post("/redemptions", guards=[with_token], summary="Redeem", short=True)
async def redeem(data: JSONBody[RedeemIn], key: Key, actor: Who, house: Home) -> dict[str, Any]:
    """By what was presented, or by voucher and proof of a preparation. The Idempotency-Key is the request number: the
    same one gives the same redemption, however often it is sent.

    With a `bill`, what is presented is used for it, and the answer says what to collect; the key is the till's own
    number of this bill, which is settled once for ever."""
    city_id, store_id = local_id(STORE, data.store)
    if data.bill is not None:
        amount = Amount(data.bill.amount.units, data.bill.amount.asset)
        codes = [data.presented, *data.bill.also]
        bill = await billing.present(house, city_id, actor, store_id, event_id=key, amount=amount, presented=codes)
        return {"bill": bill_out(bill)}
    prepared = local_id(VOUCHER, data.voucher) if data.voucher else (city_id, None)
    if prepared[0] != city_id:
        raise NotFound()
    done = await counter.redeem(
        house, city_id, actor, store_id, request_no=key, presented=data.presented, voucher_id=prepared[1],
        proof=data.proof, count=data.count,
    )  # fmt: skip
    return redemption_out(done, city_id)


@get("/redemptions", guards=[with_token], summary="Redemptions of a store, newest first")
async def history(
    actor: Who, house: Home, store: FromQuery[str], after: FromQuery[str | None] = None, limit: Limit = 20
) -> PageOut:
    city_id, store_id = local_id(STORE, store)
    here = await counter.counter(house, city_id, actor, store_id, Permission.VIEW_REDEMPTIONS)
    async with house.db.reading(city_id) as tx:
        last = local_id(REDEMPTION, after)[1] if after else None
        scope = actor.scope(Permission.VIEW_REDEMPTIONS)
        found = await vouchers.uses(tx, scope, city_id=city_id, store_id=here.store_id, after=last, limit=limit)
    more = REDEMPTION.show(found[-1].redemption_id, city_id) if len(found) == limit else None
    return PageOut([past_out(one, city_id) for one in found], more)


def past_out(one: vouchers.Use, city_id: int) -> dict[str, Any]:
    return {
        "id": REDEMPTION.show(one.redemption_id, city_id), "title": one.title, "count": one.count, "at": one.at,
        "code_tail": one.code_tail, "reversed_at": one.reversed_at,
    }  # fmt: skip


@post("/redemptions/{redemption:str}/reversal", guards=[with_token], summary="Undo a redemption")
async def reverse(
    redemption: FromPath[str],
    data: JSONBody[ReverseIn],
    key: Key,
    actor: Who,
    house: Home,
) -> dict[str, Any]:
    """Within the window, at the counter that redeemed it. Needs an Idempotency-Key."""
    city_id, redemption_id = local_id(REDEMPTION, redemption)
    store_city, store_id = local_id(STORE, data.store)
    if store_city != city_id:
        raise NotFound()
    done = await counter.reverse(house, city_id, actor, store_id, redemption_id, key=key, reason=data.reason[:120])
    return {"id": redemption, "reversed_at": done.at, "uses_left": done.uses_left}


@get("/merchants/{merchant:str}/statements", guards=[with_token], summary="Each code and each fee")
async def statement(
    merchant: FromPath[str],
    actor: Who,
    house: Home,
    city_id: City,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    after: Annotated[str | None, QueryParameter(max_length=120)] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Of [since, until), by default the last 30 days; newest first. Needs the permission to see the statement."""
    merchant_id = MERCHANT.read(merchant)
    if not actor.can(Permission.VIEW_STATEMENT, city=city_id, merchant=merchant_id):
        raise NotFound()
    end = until or house.clock.now()
    begin = since or end - timedelta(days=30)
    if begin.tzinfo is None or end.tzinfo is None or begin >= end:
        raise BadInput(field="since, until", why="instants with a zone, since before until")
    async with house.db.reading(city_id) as tx:
        asset = await selling.currency(tx, city_id)
        found = await settlement.statement(
            tx, merchant_id, city_id=city_id, asset=asset, since=begin, until=end, after=cursor(after), limit=limit
        )
    return statement_out(found, city_id)


def cursor(after: str | None) -> tuple[datetime, UUID] | None:
    """Where the next page of a statement begins."""
    if after is None:
        return None
    at, _, last = after.partition("~")
    try:
        return datetime.fromisoformat(at.replace(" ", "+")), UUID(last)
    except ValueError:
        raise BadInput(field="after", why="not one of ours") from None


@post("/merchants/{merchant:str}/keys", guards=[with_token], summary="A key for a till")
async def make_key(merchant: FromPath[str], data: JSONBody[KeyIn], actor: Who, house: Home) -> dict[str, Any]:
    """The only time the whole key is seen. Permissions: what a till may do, never people, keys or prices."""
    store = local_id(STORE, data.store) if data.store else (None, None)
    made = await selling.make_key(
        house, actor, MERCHANT.read(merchant), label=data.label, permissions=data.permissions, city_id=store[0],
        store_id=store[1],
    )  # fmt: skip
    return {"id": API_KEY.show(made.key_id), "key": made.text}


@post("/merchants/{merchant:str}/keys/{key_id:str}/successor", guards=[with_token], summary="Replace a key")
async def replace_key(merchant: FromPath[str], key_id: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """A new key with the rights of the old one, which works until `old_ends_at`."""
    made, old = await selling.rotate_key(house, actor, MERCHANT.read(merchant), API_KEY.read(key_id))
    return {"id": API_KEY.show(made.key_id), "key": made.text, "old_ends_at": old.ends_at}


@delete("/merchants/{merchant:str}/keys/{key_id:str}", guards=[with_token], summary="End a key")
async def end_key(merchant: FromPath[str], key_id: FromPath[str], actor: Who, house: Home) -> None:
    """The key is dead at once."""
    await selling.revoke_key(house, actor, MERCHANT.read(merchant), API_KEY.read(key_id))


router = Router(
    "/", route_handlers=[prepare, redeem, history, reverse, statement, make_key, replace_key, end_key],
    tags=["counter"],
)  # fmt: skip
