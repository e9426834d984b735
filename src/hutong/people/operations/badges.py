"""Members' codes: made once, recognised at counters, used up by bills."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.masks import mask_name
from hutong.kit.refusals import Refusal
from hutong.people import badges
from hutong.people.badges import PROOF_LIFE, Badge, Guest, Proven, TakeBadge
from hutong.people.refusals import MemberCodeOld, MemberCodeUnknown, MemberCodeUsed


class Present(Struct, frozen=True, kw_only=True):
    """A member's code as it was scanned by somebody of the staff at a store."""

    presented: str
    store_id: UUID
    staff_id: UUID


class UseBadge(Struct, frozen=True, kw_only=True):
    """A bill of this counter is to count for the member whom it has recognised. `proof`: from `present_badges`."""

    member_id: UUID
    proof: str
    store_id: UUID
    staff_id: UUID


async def take_badges(tx: Tx, requests: Sequence[TakeBadge], *, now: datetime) -> list[Badge]:
    """The members' badges; those who had none get one with the secret of the request. Placement: the member's."""
    first = {r.member_id: r.secret for r in reversed(requests)}
    ids = sorted(first)
    await tx.run(
        """insert into people.badges (member_id, secret, last_step, made_at)
           select b.member_id, b.secret, 0, %(now)s
           from unnest(%(ids)s::uuid[], %(secrets)s::bytea[]) as b(member_id, secret)
           on conflict (member_id) do nothing""",
        ids=ids,
        secrets=[first[i] for i in ids],
        now=now,
    )
    found = await _badges(tx, ids, lock=False)
    return [found[r.member_id][0] for r in requests]


async def present_badges(tx: Tx, asks: Sequence[Present], *, now: datetime) -> list[Guest | Refusal]:
    """Who shows these codes; nothing is used up. Refusals: member_code_unknown, member_code_old, member_code_used."""
    read = [badges.read_badge(ask.presented) for ask in asks]
    known = await _badges(tx, sorted({one[0] for one in read if one}), lock=False)
    return [_guest(ask, one, known, now) for ask, one in zip(asks, read, strict=True)]


def _guest(
    ask: Present, read: tuple[UUID, str] | None, known: dict[UUID, tuple[Badge, str]], now: datetime
) -> Guest | Refusal:
    if read is None or read[0] not in known:
        return MemberCodeUnknown()
    badge, holder = known[read[0]]
    step = badges.step_presented(badge, read[1], now)
    if step is None:
        return MemberCodeUnknown()
    if step <= badge.last_step:
        return MemberCodeUsed()
    if not badges.step_is_fresh(badge, step, now):
        return MemberCodeOld()
    until = now + PROOF_LIFE
    proof = badges.proof_of(badge, store_id=ask.store_id, staff_id=ask.staff_id, step=step, until=until)
    return Guest(member_id=badge.member_id, holder=holder, step=step, proof=proof, proof_until=until)


async def recall_badges(tx: Tx, asks: Sequence[tuple[str, datetime]]) -> list[Proven | Refusal]:
    """Who showed these codes at these times, a minute or two more or less: for tills that upload later. Nothing is
    used up, and so nothing is spent with it. Refusals: member_code_unknown, member_code_old."""
    read = [badges.read_badge(text) for text, _ in asks]
    known = await _badges(tx, sorted({one[0] for one in read if one}), lock=False)
    return [_recall(one, at, known) for one, (_, at) in zip(read, asks, strict=True)]


def _recall(
    read: tuple[UUID, str] | None, at: datetime, known: dict[UUID, tuple[Badge, str]]
) -> Proven | Refusal:  # fmt: skip
    if read is None or read[0] not in known:
        return MemberCodeUnknown()
    badge, holder = known[read[0]]
    step = badges.step_presented(badge, read[1], at + badges.NEAR)
    if step is None:
        return MemberCodeUnknown()
    return Proven(badge.member_id, holder, step) if badges.step_is_near(step, at) else MemberCodeOld()


async def use_badges(tx: Tx, asks: Sequence[UseBadge], *, now: datetime) -> list[Proven | Refusal]:
    """Use the codes up that these counters have recognised, each for one bill; locks the badges, sorted.

    Two bills with one code in a list: the first of them has it. Refusals: member_code_unknown (a proof that is false
    or too old), member_code_used.
    """
    known = await _badges(tx, sorted({ask.member_id for ask in asks}), lock=True)
    steps: dict[UUID, int] = {}
    results: list[Proven | Refusal] = []
    for ask in asks:
        results.append(_use(ask, known, steps, now))
    ids = sorted(steps)
    if ids:
        await tx.run(
            """update people.badges b set last_step = s.step
               from unnest(%(ids)s::uuid[], %(steps)s::bigint[]) as s(id, step) where b.member_id = s.id""",
            ids=ids,
            steps=[steps[i] for i in ids],
        )
    return results


def _use(
    ask: UseBadge, known: dict[UUID, tuple[Badge, str]], steps: dict[UUID, int], now: datetime
) -> Proven | Refusal:
    if ask.member_id not in known:
        return MemberCodeUnknown()
    badge, holder = known[ask.member_id]
    step = badges.step_proven(badge, ask.proof, store_id=ask.store_id, staff_id=ask.staff_id, now=now)
    if step is None:
        return MemberCodeUnknown()
    if step <= steps.get(ask.member_id, badge.last_step):
        return MemberCodeUsed()
    steps[ask.member_id] = step
    return Proven(ask.member_id, holder, step)


async def proven(tx: Tx, asks: Sequence[UseBadge], *, now: datetime, lock: bool = False) -> list[Proven | Refusal]:
    """Whom these counters have recognised, each as `use_badges` would say; nothing is used up yet. `lock`: whoever
    else would use these codes waits."""
    known = await _badges(tx, sorted({ask.member_id for ask in asks}), lock=lock)
    return [_use(ask, known, {}, now) for ask in asks]


async def _badges(tx: Tx, ids: Sequence[UUID], *, lock: bool) -> dict[UUID, tuple[Badge, str]]:
    """The badges of living members, with the names that staff may see."""
    if not ids:
        return {}
    rows = await tx.rows(
        f"""select b.member_id, b.secret, b.last_step, m.name from people.badges b
            join people.members m on m.member_id = b.member_id
            where b.member_id = any(%(ids)s::uuid[]) and m.status = 'active'
            order by b.member_id {"for no key update of b" if lock else ""}""",
        ids=list(ids),
    )
    return {
        row["member_id"]: (
            Badge(member_id=row["member_id"], secret=bytes(row["secret"]), last_step=row["last_step"]),
            mask_name(row["name"]),
        )
        for row in rows
    }
