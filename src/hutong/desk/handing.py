"""Handing out coupons by lists: codes that the house makes or a merchant brings, and numbers that get a coupon each.

Issuing walks the path of every claim: an order that costs nothing, under its limits. A merchant issues to people who
have bought from him; of any other number it is not said whether it belongs to somebody.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct, to_builtins

from hutong import merchants, orders, people, pricing
from hutong.desk import campaigns
from hutong.desk.campaigns import Running
from hutong.desk.coupons import LEAST_LETTERS, code_id, made_code, normal
from hutong.desk.house import House
from hutong.desk.telling import tell
from hutong.infra.db import Tx
from hutong.kit.access import Actor
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, NotAllowed, Refusal
from hutong.kit.text import Text
from hutong.messages import Tell
from hutong.orders import Choice, Place, Placed, Wanted
from hutong.people import normalise
from hutong.pricing import AddBatch, CodeUnknown, NewCode, WeakCode

MOST_CODES, MOST_ROWS, SET = 10_000, 10_000, 500
TAIL = 4


class NotACustomer(Refusal):
    """The number belongs to nobody who has bought from this merchant; whether to anybody else is not said."""

    code = "not_a_customer"
    say = Text(zh="不是本店的顾客。", en="Nobody who has bought here.")
    step = Text(zh="顾客在本店下过单后才能发券。", en="Coupons can be given to people who have bought here.")


class BadPhone(Refusal):
    """The text is no number that can receive a message."""

    code = "issue_phone"
    status = 422
    say = Text(zh="不是手机号。", en="This is no phone number.")
    step = Text(zh="请检查这一行。", en="Check this row.")


class Row(Struct, frozen=True, kw_only=True):
    """What became of one row of a list: `shown` is how the row is named on the page."""

    number: int
    shown: str
    result: Literal["added", "issued", "before", "refused"]
    why: Refusal | None = None


def _mine(actor: Actor, city_id: int, it: Running) -> UUID:
    merchant = it.kept.live.merchant_id
    if it.offer is None or merchant is None:
        raise BadInput(field="campaign", why="coupon")
    if not campaigns.may_write(actor, city_id, merchant):
        raise NotAllowed()
    return merchant


async def make_codes(
    house: House, city_id: int, actor: Actor, campaign_id: UUID, *, batch_id: UUID, count: int, label: str
) -> int:
    """Make so many codes of eighty bits each, at most 10,000; the same batch again is the same codes. How many.

    Raises promotion_not_found, not_allowed, bad_input.
    """
    _mine(actor, city_id, await campaigns.mine(house, city_id, actor, campaign_id))
    if not 1 <= count <= MOST_CODES:
        raise BadInput(field="count", why=f"1-{MOST_CODES}")
    words = [made_code(house, batch_id, n) for n in range(count)]
    codes = tuple(NewCode(code_id=code_id(house, word), tail=word[-TAIL:]) for word in words)
    ask = AddBatch(
        batch_id=batch_id, promotion_id=campaign_id, kind="generated", label=label[:80] or "-", by=actor.member_id,
        codes=codes,
    )  # fmt: skip

    async def work(tx: Tx) -> None:
        await pricing.add_batches(tx, [ask], city_id=city_id, now=house.clock.now())

    await house.db.run_city(city_id, work)
    return count


async def codes_of(
    house: House, city_id: int, actor: Actor, campaign_id: UUID, batch_id: UUID
) -> list[tuple[str, str]]:
    """The codes of a batch that the house made, in their order, with their states: for printing and giving away.

    Raises promotion_not_found, not_allowed, coupon_code_unknown (no such batch; an imported one is not kept readable).
    """
    _mine(actor, city_id, await campaigns.mine(house, city_id, actor, campaign_id))
    async with house.db.reading(city_id) as tx:
        batches = {b.batch_id: b for b in await pricing.batches_of(tx, campaign_id, city_id=city_id)}
        states = await pricing.codes_taken(tx, batch_id, city_id=city_id)
    batch = batches.get(batch_id)
    if batch is None or batch.kind != "generated":
        raise CodeUnknown()
    words = [made_code(house, batch_id, n) for n in range(batch.count)]
    return [(word, states.get(code_id(house, word), "free")) for word in words]


async def bring_codes(
    house: House, city_id: int, actor: Actor, campaign_id: UUID, rows: Sequence[Sequence[str]], *, batch_id: UUID,
    label: str, pool: bool,
) -> list[Row]:  # fmt: skip
    """Add codes that somebody else made: in each row the code, and (not for a pool) the number it is bound to.

    A code without a number must be hard to guess (64 bits: thirteen letters and digits, or coupon_code_weak). `pool`:
    a third party's, kept readable because their holders must see them. Raises as `make_codes`.
    """
    merchant = _mine(actor, city_id, await campaigns.mine(house, city_id, actor, campaign_id))
    if len(rows) > MOST_ROWS:
        raise BadInput(field="rows", why=f"≤ {MOST_ROWS}")
    phones = [normalise(row[1]) if len(row) > 1 and row[1].strip() and not pool else None for row in rows]
    known = await _customers(house, city_id, [phone for phone in phones if phone], merchant)
    said: dict[int, Refusal] = {}
    codes: dict[int, NewCode] = {}
    for n, (row, phone) in enumerate(zip(rows, phones, strict=True)):
        word = normal(row[0])
        whose = known.get(phone) if phone else None
        bound = whose.member_id if whose else None
        asked = len(row) > 1 and bool(row[1].strip()) and not pool
        if asked and bound is None:
            said[n] = BadPhone() if phone is None else NotACustomer()
        elif not word or (bound is None and not pool and len(word) < LEAST_LETTERS):
            said[n] = WeakCode(least=LEAST_LETTERS)
        else:
            shown = row[0].strip()[:80] if pool else None
            codes[n] = NewCode(code_id=code_id(house, word), tail=word[-TAIL:], member_id=bound, shown=shown)
    ask = AddBatch(
        batch_id=batch_id, promotion_id=campaign_id, kind="pool" if pool else "imported", label=label[:80] or "-",
        by=actor.member_id, codes=tuple(codes.values()),
    )  # fmt: skip

    async def work(tx: Tx) -> list[NewCode | Refusal]:
        return (await pricing.add_batches(tx, [ask], city_id=city_id, now=house.clock.now()))[0]

    for n, answer in zip(codes, await house.db.run_city(city_id, work), strict=True):
        if isinstance(answer, Refusal):
            said[n] = answer
    return [
        Row(number=n, shown=f"…{normal(row[0])[-TAIL:]}", result="refused" if n in said else "added", why=said.get(n))
        for n, row in enumerate(rows)
    ]


async def issue(
    house: House, city_id: int, actor: Actor, campaign_id: UUID, typed: Sequence[str], *, batch_id: UUID, label: str
) -> list[Row]:
    """Put a coupon into the wallet of everybody with these numbers; each row with what became of it.

    In sets of 500, each in one transaction: the same list again with the same `batch_id` issues nothing twice
    (`before`). Whoever wants to hear of offers is told. Raises as `make_codes`.
    """
    it = await campaigns.mine(house, city_id, actor, campaign_id)
    merchant = _mine(actor, city_id, it)
    if len(typed) > MOST_ROWS:
        raise BadInput(field="rows", why=f"≤ {MOST_ROWS}")
    phones = [normalise(text) for text in typed]
    wanted = await _customers(house, city_id, [phone for phone in phones if phone], merchant)
    results: dict[int, Row] = {}
    first: dict[UUID, int] = {}
    for n, (text, phone) in enumerate(zip(typed, phones, strict=True)):
        shown = f"…{text.strip()[-TAIL:]}"
        who = wanted.get(phone) if phone else None
        if phone is None:
            results[n] = Row(number=n, shown=shown, result="refused", why=BadPhone())
        elif who is None:
            results[n] = Row(number=n, shown=shown, result="refused", why=NotACustomer())
        elif who.member_id in first:
            results[n] = Row(number=n, shown=shown, result="before")
        else:
            first[who.member_id] = n
    people_of = {who.member_id: who for who in wanted.values()}
    members = list(first)
    for begin in range(0, len(members), SET):
        chunk = [people_of[member] for member in members[begin : begin + SET]]
        told = await _issue(house, city_id, actor, campaign_id, chunk, batch_id=batch_id, label=label)
        for who, answer in zip(chunk, told, strict=True):
            n = first[who.member_id]
            why = answer if isinstance(answer, Refusal) else None
            result: Literal["issued", "before", "refused"] = "issued" if isinstance(answer, Placed) else "before"
            shown = f"…{typed[n].strip()[-TAIL:]}"
            results[n] = Row(number=n, shown=shown, result="refused" if why else result, why=why)
        given = [w.member_id for w, answer in zip(chunk, told, strict=True) if isinstance(answer, Placed)]
        await _tell(house, city_id, it, batch_id, given)
    house.nudge()
    return [results[n] for n in range(len(typed))]


async def _customers(
    house: House, city_id: int, phones: Sequence[str], merchant: UUID
) -> dict[str, people.Member]:  # fmt: skip
    """Of these numbers those whose members have bought from the merchant and are still here."""
    async with house.db.central() as tx:
        known = await people.members_of_phones(tx, phones)
        found = await people.members(tx, list(known.values()))
    async with house.db.reading(city_id) as tx:
        customers = await orders.customers_among(tx, merchant, list(known.values()), city_id=city_id)
    return {
        phone: found[member]
        for phone, member in known.items()
        if member in customers and member in found and found[member].status == "active"
    }


async def _issue(
    house: House, city_id: int, actor: Actor, campaign_id: UUID, chunk: Sequence[people.Member], *, batch_id: UUID,
    label: str,
) -> list[Placed | Refusal | None]:  # fmt: skip
    """One set in one transaction: a code for each member, and the order that takes it; None for who had it before."""
    codes = {who.member_id: derive(batch_id, f"issue/{who.member_id}") for who in chunk}
    ask = AddBatch(
        batch_id=batch_id, promotion_id=campaign_id, kind="issued", label=label[:80] or "-", by=actor.member_id,
        codes=tuple(NewCode(code_id=codes[w.member_id], tail=w.phone_tail, member_id=w.member_id) for w in chunk),
    )  # fmt: skip

    async def work(tx: Tx) -> list[Placed | Refusal | None]:
        now = house.clock.now()
        await pricing.add_batches(tx, [ask], city_id=city_id, now=now)
        states = await pricing.codes_taken(tx, batch_id, city_id=city_id)
        fresh = [who for who in chunk if states.get(codes[who.member_id]) == "free"]
        asks = [
            Place(
                order_id=derive(codes[who.member_id], "order"), payment_id=derive(codes[who.member_id], "payment"),
                member_id=who.member_id, member_name=who.shown, phone_tail=who.phone_tail, channel="issued",
                wants=(Wanted(campaign_id, 1, Choice("coded", codes[who.member_id])),),
            )
            for who in fresh
        ]  # fmt: skip
        done = await orders.place(
            tx, asks, city_id=city_id, now=now, schemes=house.schemes, hold_for=house.hold_for
        ) if asks else []  # fmt: skip
        answers = {who.member_id: answer for who, answer in zip(fresh, done, strict=True)}
        return [answers.get(who.member_id) for who in chunk]

    return await house.db.run_city(city_id, work)


async def _tell(house: House, city_id: int, it: Running, batch_id: UUID, given: Sequence[UUID]) -> None:
    async with house.db.central() as tx:
        shop = (await merchants.merchants(tx, [it.kept.live.merchant_id] if it.kept.live.merchant_id else [])).values()
    name = next((one.name for one in shop), Text(zh="", en=""))
    told = [
        Tell(
            member_id=member, message_id=derive(batch_id, f"inbox/{member}"), kind="coupon_received", city_id=city_id,
            facts={"offer": to_builtins(it.kept.live.name), "store": to_builtins(name)},
        )
        for member in given
    ]  # fmt: skip
    await tell(house, told, purpose="offers", now=house.clock.now())
