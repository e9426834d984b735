"""An operator's own people, and the invitations that he shows."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, Refusal
from hutong.recruiting.model import INVITATION_LIFE, Call, Calling, Seat, TakeSeat, secret_hash
from hutong.recruiting.queries.tree import operators
from hutong.recruiting.refusals import CallingOver, OperatorUnknown

_SEAT = "seat_id, operator_id, member_id, part, since, until"


async def take_seats(tx: Tx, asks: Sequence[TakeSeat], *, now: datetime) -> list[Seat | Refusal]:
    """Join an operator's people; who sits there already keeps his seat. The edge gives the roles that go with it.

    Refusal: operator_not_found. Reference: central.
    """
    there = await operators(tx, [a.operator_id for a in asks], at=now)
    known = {key for key, one in there.items() if one.ended_at is None}
    good = [ask for ask in asks if ask.operator_id in known]
    await tx.run(
        """insert into recruiting.seats (seat_id, operator_id, member_id, part, since, by)
           select s.id, s.operator, s.member, s.part, %(now)s, s.by
           from unnest(%(ids)s::uuid[], %(operators)s::uuid[], %(members)s::uuid[], %(parts)s::text[], %(bys)s::uuid[])
                as s(id, operator, member, part, by)
           on conflict do nothing""",
        now=now, ids=[a.seat_id for a in good], operators=[a.operator_id for a in good],
        members=[a.member_id for a in good], parts=[a.part for a in good], bys=[a.by for a in good],
    )  # fmt: skip
    rows = await tx.rows(
        f"""select {_SEAT} from recruiting.seats where until is null and operator_id = any(%(operators)s::uuid[])
            and member_id = any(%(members)s::uuid[])""",
        operators=[a.operator_id for a in good],
        members=[a.member_id for a in good],
    )
    seats = {(row["operator_id"], row["member_id"]): Seat(**row) for row in rows}
    return [seats.get((ask.operator_id, ask.member_id)) or OperatorUnknown() for ask in asks]


async def leave_seats(
    tx: Tx, seat_ids: Sequence[UUID], *, operators: frozenset[UUID] | None, by: UUID, now: datetime
) -> list[Seat | Refusal]:
    """End seats of these operators (None: any operator's); the edge takes the roles away. A second time changes
    nothing. Refusal: operator_not_found for a seat that is not theirs. Reference: central."""
    rows = await tx.rows(
        f"""select {_SEAT} from recruiting.seats where seat_id = any(%(ids)s::uuid[])
            and (%(operators)s::uuid[] is null or operator_id = any(%(operators)s::uuid[]))
            order by seat_id for update""",
        ids=sorted(set(seat_ids)),
        operators=None if operators is None else sorted(operators),
    )
    there = {row["seat_id"]: Seat(**row) for row in rows}
    await tx.run(
        """update recruiting.seats set until = %(now)s, ended_by = %(by)s
           where seat_id = any(%(ids)s::uuid[]) and until is null""",
        ids=list(there),
        now=now,
        by=by,
    )
    return [there.get(one) or OperatorUnknown() for one in seat_ids]


async def call(tx: Tx, asks: Sequence[Call], *, city_id: int, now: datetime) -> list[Calling | Refusal]:
    """Make invitations. One for shops lives until it is taken back; one for a person seven days, and is taken once.

    Refusals: bad_input (label), operator_not_found.
    """
    there = await operators(tx, [a.operator_id for a in asks], at=now)
    results: list[Calling | Refusal] = []
    good: list[Call] = []
    for ask in asks:
        one = there.get(ask.operator_id)
        if len(ask.label.strip()) > 60:
            results.append(BadInput(field="label", why="≤ 60"))
        elif one is None or one.ended_at is not None:
            results.append(OperatorUnknown())
        else:
            good.append(ask)
            results.append(_calling(ask, now))
    await tx.run(
        """insert into recruiting.invitations
             (city_id, invitation_id, operator_id, part, label, secret_hash, made_by, made_at, expires_at)
           select %(city)s, i.id, i.operator, i.part, i.label, i.hash, i.by, %(now)s, i.ends
           from unnest(%(ids)s::uuid[], %(operators)s::uuid[], %(parts)s::text[], %(labels)s::text[],
                       %(hashes)s::bytea[], %(bys)s::uuid[], %(ends)s::timestamptz[])
                as i(id, operator, part, label, hash, by, ends)
           on conflict do nothing""",
        city=city_id, now=now, ids=[a.invitation_id for a in good], operators=[a.operator_id for a in good],
        parts=[a.part for a in good], labels=[a.label.strip() for a in good],
        hashes=[secret_hash(a.secret) for a in good], bys=[a.by for a in good],
        ends=[_calling(a, now).expires_at for a in good],
    )  # fmt: skip
    return results


def _calling(ask: Call, now: datetime) -> Calling:
    return Calling(
        invitation_id=ask.invitation_id, operator_id=ask.operator_id, part=ask.part, label=ask.label.strip(),
        made_by=ask.by, made_at=now, expires_at=None if ask.part == "merchant" else now + INVITATION_LIFE,
        accepted_by=None,
    )  # fmt: skip


def alive(row: dict[str, Any] | None, secret: str, now: datetime) -> bool:
    """Whether a row of recruiting.invitations is good now, for whoever knows the secret."""
    if row is None or not hmac.compare_digest(row["secret_hash"], secret_hash(secret)):
        return False
    return row["revoked_at"] is None and (row["expires_at"] is None or now < row["expires_at"])


async def accept_calls(
    tx: Tx, asks: Sequence[tuple[UUID, str, UUID]], *, city_id: int, now: datetime
) -> list[Seat | Refusal]:
    """(invitation, secret, member) each: take an invitation to become one of an operator's people, once.

    The same member again gets the same seat. The edge gives the roles. Refusal: recruiting_invitation_over.
    """
    rows = await tx.rows(
        """select * from recruiting.invitations where city_id = %(city)s and invitation_id = any(%(ids)s::uuid[])
           and part <> 'merchant' order by invitation_id for update""",
        city=city_id,
        ids=sorted({one[0] for one in asks}),
    )
    there = {row["invitation_id"]: row for row in rows}
    taken: dict[int, TakeSeat] = {}
    for place, (invitation_id, secret, member_id) in enumerate(asks):
        row = there.get(invitation_id)
        if row is None or not alive(row, secret, now) or row["accepted_by"] not in (None, member_id):
            continue
        row["accepted_by"] = member_id
        taken[place] = TakeSeat(
            seat_id=derive(invitation_id, "seat"), operator_id=row["operator_id"], member_id=member_id,
            part=row["part"], by=row["made_by"],
        )  # fmt: skip
    seats = dict(zip(taken, await take_seats(tx, list(taken.values()), now=now), strict=True))
    await tx.run(
        """update recruiting.invitations as i set accepted_by = w.member_id, accepted_at = %(now)s
           from unnest(%(ids)s::uuid[], %(members)s::uuid[]) as w(invitation_id, member_id)
           where i.city_id = %(city)s and i.invitation_id = w.invitation_id and i.accepted_by is null""",
        city=city_id, now=now, ids=[asks[place][0] for place in taken], members=[asks[place][2] for place in taken],
    )  # fmt: skip
    return [seats.get(place) or CallingOver() for place in range(len(asks))]


async def uncall(
    tx: Tx, invitation_ids: Sequence[UUID], *, city_id: int, operators: frozenset[UUID], by: UUID, now: datetime
) -> list[UUID | Refusal]:
    """Take invitations of these operators back; what came by them stays. Refusal: recruiting_invitation_over."""
    rows = await tx.rows(
        """update recruiting.invitations set revoked_at = %(now)s, revoked_by = %(by)s
           where city_id = %(city)s and invitation_id = any(%(ids)s::uuid[])
             and operator_id = any(%(operators)s::uuid[]) and revoked_at is null and accepted_at is null
           returning invitation_id""",
        city=city_id, ids=sorted(set(invitation_ids)), operators=sorted(operators), by=by, now=now,
    )  # fmt: skip
    gone = {row["invitation_id"] for row in rows}
    return [one if one in gone else CallingOver() for one in invitation_ids]
