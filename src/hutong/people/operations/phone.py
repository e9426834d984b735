"""Moving to another number: codes to both, then the claim moves and every other session ends."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.masks import phone_tail
from hutong.kit.refusals import NotFound, Refusal
from hutong.people.choices import ChangePhone, PhoneChanged
from hutong.people.model import CodeUsed, Limits, Purpose, UseCode, token_hash
from hutong.people.operations.codes import use_codes
from hutong.people.phones import normalise
from hutong.people.queries import phones_of
from hutong.people.refusals import OldCodeWrong, PhoneTaken, SamePhone

Move = tuple[ChangePhone, str, str]  # the request, the old number, the new one
PURPOSES: tuple[Purpose, Purpose] = ("phone_new", "phone_old")


async def change_phones(
    tx: Tx, requests: Sequence[ChangePhone], *, secret: bytes, now: datetime, limits: Limits | None = None
) -> list[PhoneChanged | Refusal]:
    """Move members to other numbers. Commit whatever the results are: tries must stay counted.

    Refusals in this order: NotFound (no active member with a number); SamePhone; those of `use_codes` for the code
    that went to the new number; OldCodeWrong for the other; PhoneTaken (told only to who has proved that the number
    is his). Source: reliability.md A4, A5, A8. Central: use `db.central()`.
    """
    olds = await phones_of(tx, [r.member_id for r in requests])
    results: list[Any] = [_known(r, olds.get(r.member_id)) for r in requests]
    alive = [i for i, result in enumerate(results) if isinstance(result, str)]
    tries = [
        UseCode(phone=phone, code=code, address=requests[i].address, purpose=purpose, group=requests[i].change_id)
        for purpose in PURPOSES
        for i in alive
        for phone, code in [_half(purpose, requests[i], results[i])]
    ]
    used = await use_codes(tx, tries, secret=secret, now=now, limits=limits) if alive else []
    moves: dict[int, Move] = {}
    for i, new, old in zip(alive, used[: len(alive)], used[len(alive) :], strict=True):
        if isinstance(new, CodeUsed) and isinstance(old, CodeUsed):
            moves[i] = (requests[i], old.phone, new.phone)
        else:
            results[i] = OldCodeWrong(tail=phone_tail(results[i])) if isinstance(new, CodeUsed) else new
    free = await _claim(tx, list(moves.values()), now=now)
    ended = await _move(tx, [move for move in moves.values() if move[0].change_id in free], now=now)
    for i, (request, _, phone) in moves.items():
        results[i] = PhoneTaken()
        if request.change_id in free:
            count = ended.get(request.member_id, 0)
            results[i] = PhoneChanged(member_id=request.member_id, tail=phone_tail(phone), ended=count)
    return results


def _half(purpose: Purpose, request: ChangePhone, old: str) -> tuple[str, str]:
    """(number, code) of one side of the move."""
    return (request.phone, request.new_code) if purpose == "phone_new" else (old, request.old_code)


def _known(request: ChangePhone, old: str | None) -> str | Refusal:
    if old is None:
        return NotFound()
    return SamePhone() if normalise(request.phone) == old else old


async def _claim(tx: Tx, moves: Sequence[Move], *, now: datetime) -> set[UUID]:
    """The changes whose number was free: the claim comes first here too, so one number is one member."""
    wanted = {new: request for request, _, new in reversed(moves)}
    phones = sorted(wanted)
    rows = await tx.rows(
        """insert into people.phones (phone, member_id, claimed_at)
           select phone, member_id, %(now)s from unnest(%(phones)s::text[], %(members)s::uuid[]) as w (phone, member_id)
           order by phone
           on conflict (phone) do nothing
           returning phone""",
        phones=phones,
        members=[wanted[phone].member_id for phone in phones],
        now=now,
    )
    return {wanted[row["phone"]].change_id for row in rows}


async def _move(tx: Tx, moves: Sequence[Move], *, now: datetime) -> dict[UUID, int]:
    """The claims, the members, the history; then all sessions but those that asked. How many ended, by member."""
    if not moves:
        return {}
    members, olds, news = [m[0].member_id for m in moves], [m[1] for m in moves], [m[2] for m in moves]
    await tx.run("delete from people.phones where phone = any(%(olds)s::text[])", olds=sorted(olds))
    await tx.run(
        """update people.members as m set phone = w.phone, phone_tail = w.tail
           from unnest(%(members)s::uuid[], %(phones)s::text[], %(tails)s::text[]) as w (member_id, phone, tail)
           where m.member_id = w.member_id""",
        members=members,
        phones=news,
        tails=[phone_tail(phone) for phone in news],
    )
    await tx.run(
        """insert into people.phone_changes (member_id, change_id, old_tail, new_tail, at)
           select member_id, change_id, old, new, %(now)s
           from unnest(%(members)s::uuid[], %(changes)s::uuid[], %(olds)s::text[], %(news)s::text[])
                as w (member_id, change_id, old, new)""",
        members=members,
        changes=[m[0].change_id for m in moves],
        olds=[phone_tail(phone) for phone in olds],
        news=[phone_tail(phone) for phone in news],
        now=now,
    )
    rows = await tx.rows(
        """update people.sessions set ended_at = %(now)s
           where token_hash in (
               select token_hash from people.sessions
               where member_id = any(%(members)s::uuid[]) and ended_at is null
                 and token_hash <> all(%(keep)s::bytea[])
               order by token_hash for no key update)
           returning member_id""",
        members=members,
        keep=[token_hash(m[0].keep) for m in moves],
        now=now,
    )
    return {member: sum(row["member_id"] == member for row in rows) for member in members}
