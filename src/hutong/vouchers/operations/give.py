"""Giving a voucher away, taking it back, and what nobody accepted coming back by itself."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.vouchers.gift_reads import as_gift, gifts_of_vouchers
from hutong.vouchers.gifts import Gift, Give, TakeBack, ends_at, gift_token, token_hash, why_not_given
from hutong.vouchers.model import Hold, Lock, Voucher
from hutong.vouchers.operations import _rows
from hutong.vouchers.operations.hold import lock, unlock
from hutong.vouchers.refusals import GiftOver, GiftUnknown, VoucherUnknown


async def give(
    tx: Tx, requests: Sequence[Give], *, city_id: int, now: datetime, zone: str
) -> list[Gift | Refusal]:  # fmt: skip
    """Send vouchers on their way, in list order: each is locked until its gift is over. `zone` is the city's.

    The caller has asked whether a counter without a network may just have taken them (`refunds_wait`).
    Refusals: voucher_not_found (also somebody else's), bad_input (note, days), not_giftable, gift_given_on, and what
    the state of the voucher says against a lock (voucher_on_its_way, voucher_in_checkout, expired, ...).
    """
    ids = [r.voucher_id for r in requests]
    stock = await _rows.lock(tx, ids, city_id=city_id)
    before = await gifts_of_vouchers(tx, ids, city_id=city_id)
    taken = {gift.voucher_id for gift in before if gift.state == "claimed"}
    over = [g for g in before if g.state == "open" and g.expires_at <= now]  # the round has not come to them yet
    await _return(tx, [structs.replace(g, state="expired", ended_at=now) for g in over], city_id=city_id, now=now)
    results: list[Gift | Refusal | None] = []
    locks: list[Lock] = []
    for request in requests:
        voucher = stock.get(request.voucher_id)
        if voucher is None or voucher.member_id != request.giver_id:
            results.append(VoucherUnknown())
            continue
        refusal = why_not_given(voucher, request, voucher.voucher_id in taken)
        results.append(refusal)
        if refusal is None:
            locks.append(
                Lock(
                    voucher_id=voucher.voucher_id, member_id=request.giver_id, held_for="gift", ref=request.gift_id,
                    until=ends_at(voucher, request, now),
                )
            )  # fmt: skip
    held = iter(await lock(tx, locks, city_id=city_id, now=now, zone=zone))
    made: list[tuple[Gift, Voucher]] = []
    for i, request in enumerate(requests):
        if results[i] is None:
            voucher = next(held)
            if isinstance(voucher, Voucher):
                made.append((_gift(request, voucher, now), voucher))
            results[i] = made[-1][0] if isinstance(voucher, Voucher) else voucher
    await _insert(tx, made, city_id=city_id)
    return [result for result in results if result is not None]


def _gift(request: Give, voucher: Voucher, now: datetime) -> Gift:
    assert voucher.held_until is not None
    return Gift(
        city_id=voucher.city_id, gift_id=request.gift_id, voucher_id=voucher.voucher_id, giver_id=request.giver_id,
        giver_name=request.giver_name, note=request.note, state="open", made_at=now, expires_at=voucher.held_until,
    )  # fmt: skip


async def _insert(tx: Tx, made: Sequence[tuple[Gift, Voucher]], *, city_id: int) -> None:
    if not made:
        return
    gifts = [gift for gift, _ in made]
    await tx.run(
        """insert into vouchers.gifts (city_id, gift_id, voucher_id, giver_id, giver_name, note, token_hash, state,
                                       made_at, expires_at, taker_name)
           select %(city)s, g.id, g.voucher, g.giver, g.name, g.note, g.hash, 'open', g.made, g.expires, ''
           from unnest(%(ids)s::uuid[], %(vouchers)s::uuid[], %(givers)s::uuid[], %(names)s::text[], %(notes)s::text[],
                       %(hashes)s::bytea[], %(mades)s::timestamptz[], %(expiries)s::timestamptz[])
             as g(id, voucher, giver, name, note, hash, made, expires)
           order by g.id""",
        city=city_id, ids=[g.gift_id for g in gifts], vouchers=[g.voucher_id for g in gifts],
        givers=[g.giver_id for g in gifts], names=[g.giver_name for g in gifts], notes=[g.note for g in gifts],
        hashes=[token_hash(gift_token(voucher.secret, gift.gift_id)) for gift, voucher in made],
        mades=[g.made_at for g in gifts], expiries=[g.expires_at for g in gifts],
    )  # fmt: skip


async def take_back(
    tx: Tx, requests: Sequence[TakeBack], *, city_id: int, now: datetime
) -> list[Gift | Refusal]:  # fmt: skip
    """The givers want them back; the link is dead. What came back before, by whatever way, stays as it is.

    Refusals: gift_not_found (also somebody else's), gift_over (accepted already).
    """
    gifts = await under_lock(tx, [r.gift_id for r in requests], city_id=city_id)
    results: list[Gift | Refusal] = []
    back: list[Gift] = []
    for request in requests:
        gift = gifts.get(request.gift_id)
        if gift is None or gift.giver_id != request.giver_id:
            results.append(GiftUnknown())
        elif gift.state == "claimed":
            results.append(GiftOver(state="claimed"))
        else:
            if gift.state == "open":
                gift = gifts[gift.gift_id] = structs.replace(gift, state="taken_back", ended_at=now)
                back.append(gift)
            results.append(gift)
    await _return(tx, back, city_id=city_id, now=now)
    return results


async def lapse_gifts(tx: Tx, *, city_id: int, now: datetime, limit: int = 200) -> list[Gift]:
    """A round: gifts that nobody accepted in time come back to their givers, as do those whose voucher is no longer on
    its way (its deal failed, it was refunded); at most `limit`. Records `vouchers.gift_returned` for each."""
    due = await tx.rows(
        """select g.gift_id from vouchers.gifts g
           join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = g.voucher_id
           where g.city_id = %(city)s and g.state = 'open'
             and (g.expires_at <= %(now)s or v.held_ref is distinct from g.gift_id)
           order by g.expires_at, g.gift_id limit %(limit)s""",
        city=city_id, now=now, limit=limit,
    )  # fmt: skip
    gifts = await under_lock(tx, [row["gift_id"] for row in due], city_id=city_id)
    back = [structs.replace(g, state="expired", ended_at=now) for g in gifts.values() if g.state == "open"]
    await _return(tx, back, city_id=city_id, now=now)
    await tx.record([_fact(gift, now) for gift in back])
    return back


async def under_lock(tx: Tx, gift_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, Gift]:
    """The gifts as they are when their vouchers are locked: every step of a gift is made under that lock."""
    rows = await tx.rows(
        """select g.voucher_id from vouchers.gifts g
           where g.city_id = %(city)s and g.gift_id = any(%(ids)s::uuid[])""",
        city=city_id, ids=list(gift_ids),
    )  # fmt: skip
    await _rows.lock(tx, [row["voucher_id"] for row in rows], city_id=city_id)
    rows = await tx.rows(
        "select g.* from vouchers.gifts g where g.city_id = %(city)s and g.gift_id = any(%(ids)s::uuid[])",
        city=city_id, ids=list(gift_ids),
    )  # fmt: skip
    return {row["gift_id"]: as_gift(row) for row in rows}


async def _return(tx: Tx, back: Sequence[Gift], *, city_id: int, now: datetime) -> None:
    """Write that these are over, and free their vouchers."""
    await write_ends(tx, back, city_id=city_id)
    await unlock(tx, [Hold(gift.voucher_id, gift.gift_id) for gift in back], city_id=city_id, now=now)


async def write_ends(tx: Tx, gifts: Sequence[Gift], *, city_id: int) -> None:
    """What became of these gifts."""
    if gifts:
        await tx.run(
            """update vouchers.gifts g set state = n.state, ended_at = n.at, taker_id = n.taker, taker_name = n.name
               from unnest(%(ids)s::uuid[], %(states)s::text[], %(ats)s::timestamptz[], %(takers)s::uuid[],
                           %(names)s::text[]) as n(id, state, at, taker, name)
               where g.city_id = %(city)s and g.gift_id = n.id""",
            city=city_id, ids=[g.gift_id for g in gifts], states=[g.state for g in gifts],
            ats=[g.ended_at for g in gifts], takers=[g.taker_id for g in gifts], names=[g.taker_name for g in gifts],
        )  # fmt: skip


def _fact(gift: Gift, now: datetime) -> Fact:
    return Fact(
        fact_id=derive(gift.gift_id, "fact/returned"), city_id=gift.city_id, topic="vouchers.gift_returned",
        subject=gift.gift_id, payload={"voucher": str(gift.voucher_id)}, at=now,
    )  # fmt: skip
