"""Members who did not come by a code: the house itself lets them in."""

from collections.abc import Sequence
from datetime import datetime

from hutong.infra.db import Tx
from hutong.kit.masks import phone_tail
from hutong.kit.refusals import BadInput, Refusal
from hutong.people.model import AddMember, Member, language_of
from hutong.people.operations.members import NAME_MAX
from hutong.people.operations.sign_in import claim
from hutong.people.phones import normalise
from hutong.people.queries import members
from hutong.people.refusals import BadPhone


async def add_members(tx: Tx, requests: Sequence[AddMember], *, now: datetime) -> list[Member | Refusal]:
    """Let there be a member for each number; twice is once.

    A number that has an owner keeps that owner, as he is: the answer is he, under his own id. Signing in is done
    with a code as by everybody. Refusals: BadPhone, BadInput (a name over 60 characters). Central: use `db.central()`.
    """
    phones = [normalise(request.phone) for request in requests]
    refused = [_why_not(request, phone) for request, phone in zip(requests, phones, strict=True)]
    wanted: dict[str, AddMember] = {}
    for request, phone, why in zip(requests, phones, refused, strict=True):
        if phone is not None and why is None:
            wanted.setdefault(phone, request)
    owners = await claim(tx, {phone: request.member_id for phone, request in wanted.items()}, now=now)
    new = sorted(phone for phone, request in wanted.items() if owners[phone] == request.member_id)
    await tx.run(
        """insert into people.members (member_id, name, language, phone, phone_tail, status, created_at)
           select member_id, name, language, phone, tail, 'active', %(now)s
           from unnest(%(ids)s::uuid[], %(names)s::text[], %(phones)s::text[], %(tails)s::text[], %(languages)s::text[])
                as w (member_id, name, phone, tail, language)
           order by member_id
           on conflict (member_id) do nothing""",
        ids=[wanted[phone].member_id for phone in new],
        names=[" ".join(wanted[phone].name.split()) for phone in new],
        phones=new,
        tails=[phone_tail(phone) for phone in new],
        languages=[language_of(wanted[phone].language) for phone in new],
        now=now,
    )
    there = await members(tx, list(owners.values()))
    return [why or there[owners[phone or ""]] for why, phone in zip(refused, phones, strict=True)]


def _why_not(request: AddMember, phone: str | None) -> Refusal | None:
    if phone is None:
        return BadPhone()
    return BadInput(field="name", why=f"≤ {NAME_MAX}") if len(request.name.strip()) > NAME_MAX else None
