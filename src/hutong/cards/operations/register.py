"""The register of numbers: printed, activated, lost and replaced."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hutong.cards.model import Activate, Activated, Give, Lose, Number, Print, Printed
from hutong.cards.numbers import digest, fresh_numbers, fresh_secrets
from hutong.cards.queries import as_number
from hutong.cards.refusals import CardBlocked, CardReplaced, CardTaken, CardUnknown, CardVoid, TooManySecrets
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.infra.limits import Take, spent_many, take, window_start
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, Refusal

MOST = 20_000  # cards of one batch
GUESSES, WINDOW_S = 5, 3600  # wrong secrets of one member


async def print_batches(
    tx: Tx, asks: Sequence[Print], *, city_id: int, now: datetime
) -> list[Printed | Refusal]:  # fmt: skip
    """Make batches of cards. Their secrets are in the answer and nowhere else. Refusal: bad_input (count, label)."""
    answers: list[Printed | Refusal] = []
    for ask in asks:
        if not 1 <= ask.count <= MOST:
            answers.append(BadInput(field="count", why=f"1-{MOST}"))
        elif not 1 <= len(ask.label.strip()) <= 80:
            answers.append(BadInput(field="label", why="1-80"))
        else:
            pairs = tuple(zip(fresh_numbers(ask.count), fresh_secrets(ask.count), strict=True))
            answers.append(Printed(batch_id=ask.batch_id, cards=pairs))
    made = [(ask, one) for ask, one in zip(asks, answers, strict=True) if isinstance(one, Printed)]
    await tx.run(
        """insert into cards.batches (city_id, batch_id, offer_id, merchant_id, label, count, by, at, exported_at)
           select %(city)s, b.*, %(now)s, %(now)s
           from unnest(%(ids)s::uuid[], %(offers)s::uuid[], %(merchants)s::uuid[], %(labels)s::text[],
                       %(counts)s::int[], %(bys)s::uuid[]) as b""",
        city=city_id, now=now, ids=[a.batch_id for a, _ in made], offers=[a.offer_id for a, _ in made],
        merchants=[a.merchant_id for a, _ in made], labels=[a.label.strip() for a, _ in made],
        counts=[a.count for a, _ in made], bys=[a.by for a, _ in made],
    )  # fmt: skip
    rows = [(a, number, secret) for a, one in made for number, secret in one.cards]
    await _insert(
        tx, [(number, a.batch_id, a.offer_id, digest(number, secret), None, None) for a, number, secret in rows],
        state="printed", city_id=city_id, now=now,
    )  # fmt: skip
    return answers


async def _insert(
    tx: Tx, rows: Sequence[tuple[str, UUID | None, UUID, bytes, UUID | None, UUID | None]], *, state: str,
    city_id: int, now: datetime,
) -> None:  # fmt: skip
    if rows:
        await tx.run(
            """insert into cards.numbers (city_id, number, batch_id, offer_id, digest, voucher_id, member_id, state, at,
                                          changed_at)
               select %(city)s, n.*, %(state)s, %(now)s, %(now)s
               from unnest(%(numbers)s::text[], %(batches)s::uuid[], %(offers)s::uuid[], %(digests)s::bytea[],
                           %(vouchers)s::uuid[], %(members)s::uuid[]) as n""",
            city=city_id, now=now, state=state, numbers=[r[0] for r in rows], batches=[r[1] for r in rows],
            offers=[r[2] for r in rows], digests=[r[3] for r in rows], vouchers=[r[4] for r in rows],
            members=[r[5] for r in rows],
        )  # fmt: skip


async def activate(
    tx: Tx, asks: Sequence[Activate], *, city_id: int, now: datetime
) -> list[Activated | Refusal]:  # fmt: skip
    """Activate printed cards, in the order of the list; each becomes one right, which the caller issues.

    Refusals: too_many_secrets (five wrong ones of a member in an hour), card_not_found (number or secret),
    card_taken, card_blocked, card_replaced, card_void.
    """
    spent = await _guesses(tx, asks, now=now)
    known = await _lock(tx, "number = any(%(keys)s::text[])", [a.number for a in asks], city_id=city_id)
    results: list[Activated | Refusal] = []
    good: list[Activate] = []
    wrong: list[Activate] = []
    for ask in asks:
        row = known.get(ask.number)
        if spent.get(ask.member_id, 0) >= GUESSES:
            left = window_start(now, WINDOW_S) + timedelta(seconds=WINDOW_S) - now
            results.append(TooManySecrets(wait_seconds=max(1, int(left.total_seconds()))))
        elif row is None or bytes(row["digest"]) != digest(ask.number, ask.secret):
            spent[ask.member_id] = spent.get(ask.member_id, 0) + 1
            wrong.append(ask)
            results.append(CardUnknown())
        elif row["state"] == "printed":
            known[ask.number] = row | {
                "state": "active", "voucher_id": ask.voucher_id, "member_id": ask.member_id,
            }  # fmt: skip
            good.append(ask)
            results.append(Activated(number=ask.number, offer_id=row["offer_id"], voucher_id=ask.voucher_id))
        else:
            results.append(_again(ask, row))
    await tx.run(
        """update cards.numbers c
           set state = 'active', voucher_id = n.voucher, member_id = n.member, changed_at = %(now)s
           from unnest(%(numbers)s::text[], %(vouchers)s::uuid[], %(members)s::uuid[]) as n(number, voucher, member)
           where c.city_id = %(city)s and c.number = n.number and c.state = 'printed'""",
        city=city_id, now=now, numbers=[a.number for a in good], vouchers=[a.voucher_id for a in good],
        members=[a.member_id for a in good],
    )  # fmt: skip
    await take(tx, [Take(_bucket(ask.member_id), GUESSES, WINDOW_S) for ask in wrong], now=now)
    await tx.record([_fact(a.voucher_id, "activated", city_id, now) for a in good])
    return results


def _again(ask: Activate, row: dict[str, Any]) -> Activated | Refusal:
    """A number that is printed no more, with its right secret."""
    match row["state"]:
        case "active" if row["member_id"] == ask.member_id:
            return Activated(
                number=ask.number, offer_id=row["offer_id"], voucher_id=row["voucher_id"], replayed=True
            )  # fmt: skip
        case "active":
            return CardTaken()
        case "blocked":
            return CardBlocked()
        case "replaced":
            return CardReplaced(tail=row["replaced_by"][-4:])
        case _:
            return CardVoid()


def _bucket(member_id: UUID) -> str:
    return f"card-secret/{member_id}"


async def _guesses(tx: Tx, asks: Sequence[Activate], *, now: datetime) -> dict[UUID, int]:
    """Wrong secrets of each member in this hour. Whoever else guesses for him waits until these are counted."""
    members = sorted({ask.member_id for ask in asks})
    await take(tx, [Take(_bucket(member), GUESSES, WINDOW_S, units=0) for member in members], now=now)
    counts = await spent_many(tx, [(_bucket(member), WINDOW_S) for member in members], now=now)
    return dict(zip(members, counts, strict=True))


async def give_numbers(tx: Tx, asks: Sequence[Give], *, city_id: int, now: datetime) -> list[Number]:
    """Give cards that were bought online their numbers; a right that has one keeps it."""
    have = await _lock_rights(tx, [ask.voucher_id for ask in asks], city_id=city_id)
    new = list({ask.voucher_id: ask for ask in asks if ask.voucher_id not in have}.values())
    numbers, letters = fresh_numbers(len(new)), fresh_secrets(len(new))
    rows = [
        (number, None, ask.offer_id, digest(number, secret), ask.voucher_id, ask.member_id)
        for ask, number, secret in zip(new, numbers, letters, strict=True)
    ]
    await _insert(tx, rows, state="active", city_id=city_id, now=now)
    have = await _lock_rights(tx, [ask.voucher_id for ask in asks], city_id=city_id)
    return [as_number(have[ask.voucher_id]) for ask in asks]


async def lose(tx: Tx, asks: Sequence[Lose], *, city_id: int, now: datetime) -> list[Number | Refusal]:
    """Block the numbers of lost cards, or replace them: the right goes on under a new number, the old one says so.

    Each as it then is (the new one when it was replaced). Whose right it is the caller has looked. Refusal:
    card_not_found (it has no number).
    """
    have = await _lock_rights(tx, [ask.voucher_id for ask in asks], city_id=city_id)
    results: list[Number | Refusal] = []
    for ask in asks:
        row = have.get(ask.voucher_id)
        if row is None:
            results.append(CardUnknown())
            continue
        after = row | {"state": "blocked"}
        if ask.replace:
            number, secret = fresh_numbers(1)[0], fresh_secrets(1)[0]
            after = row | {
                "number": number, "digest": digest(number, secret), "state": "active", "batch_id": None,
                "member_id": ask.member_id,
            }  # fmt: skip
        have[ask.voucher_id] = after
        results.append(as_number(after))
    fresh = {
        ask.voucher_id: one for ask, one in zip(asks, results, strict=True) if isinstance(one, Number) and ask.replace
    }
    blocked = [ask.voucher_id for ask, one in zip(asks, results, strict=True) if isinstance(one, Number)]
    await tx.run(
        """update cards.numbers c
           set state = case when n.new is null then 'blocked' else 'replaced' end, replaced_by = n.new,
               changed_at = %(now)s
           from unnest(%(vouchers)s::uuid[], %(new)s::text[]) as n(voucher, new)
           where c.city_id = %(city)s and c.voucher_id = n.voucher and c.state in ('active', 'blocked')""",
        city=city_id, now=now, vouchers=blocked, new=[fresh[i].number if i in fresh else None for i in blocked],
    )  # fmt: skip
    rows = [(n.number, None, n.offer_id, bytes(have[i]["digest"]), i, n.member_id) for i, n in fresh.items()]
    await _insert(tx, rows, state="active", city_id=city_id, now=now)
    await tx.record([_fact(i, f"lost/{have[i]['number']}", city_id, now) for i in blocked])
    return results


async def void_batches(tx: Tx, batch_ids: Sequence[UUID], *, city_id: int, now: datetime) -> list[int]:
    """Withdraw what is still printed of these batches; how many cards of each that were."""
    rows = await tx.rows(
        """update cards.numbers set state = 'void', changed_at = %(now)s
           where city_id = %(city)s and batch_id = any(%(ids)s::uuid[]) and state = 'printed' returning batch_id""",
        city=city_id, now=now, ids=sorted(set(batch_ids)),
    )  # fmt: skip
    gone = [row["batch_id"] for row in rows]
    return [gone.count(batch_id) for batch_id in batch_ids]


async def _lock(tx: Tx, where: str, keys: Sequence[Any], *, city_id: int) -> dict[str, dict[str, Any]]:
    rows = await tx.rows(
        f"select * from cards.numbers where city_id = %(city)s and {where} order by number for no key update",
        city=city_id, keys=sorted(set(keys)),
    )  # fmt: skip
    return {row["number"]: row for row in rows}


async def _lock_rights(tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    """The good or blocked number of each right."""
    where = "voucher_id = any(%(keys)s::uuid[]) and state in ('active', 'blocked')"
    return {row["voucher_id"]: row for row in (await _lock(tx, where, voucher_ids, city_id=city_id)).values()}


def _fact(subject: UUID, word: str, city_id: int, now: datetime) -> Fact:
    topic = f"cards.{word.split('/')[0]}"
    return Fact(fact_id=derive(subject, f"fact/{word}"), city_id=city_id, topic=topic, subject=subject, at=now)
