"""Signing in and out. The first sign-in with a number makes the member."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.masks import phone_tail
from hutong.kit.refusals import Refusal
from hutong.people.model import (
    SEEN_EVERY,
    SESSION_LIFE,
    CodeUsed,
    Limits,
    Opening,
    SignedIn,
    SignIn,
    UseCode,
    device_label,
    language_of,
    token_hash,
)
from hutong.people.operations.codes import use_codes
from hutong.people.operations.passkeys import use_passkeys
from hutong.people.passkeys import PasskeySignIn, PasskeyUsed, Site, UsePasskey
from hutong.people.queries import members
from hutong.people.refusals import MemberFrozen


async def sign_in(
    tx: Tx, requests: Sequence[SignIn], *, secret: bytes, now: datetime, limits: Limits | None = None
) -> list[SignedIn | Refusal]:
    """Use the code of each number and open a session; the member is made if the number is new.

    Commit whatever the results are: refused tries must stay counted. Refusals: those of `use_codes`, then
    MemberFrozen (only to somebody with the right code). The session that the browser had before ends
    (`previous`), so no session survives a sign-in. Source: reliability.md A3-A8. Central: use `db.central()`.
    """
    tries = [UseCode(phone=r.phone, code=r.code, address=r.address, purpose="sign_in") for r in requests]
    used = await use_codes(tx, tries, secret=secret, now=now, limits=limits)
    winners = {i: result.phone for i, result in enumerate(used) if isinstance(result, CodeUsed)}
    if not winners:
        return [result for result in used if isinstance(result, Refusal)]
    owners = await claim(tx, {phone: requests[i].member_id for i, phone in winners.items()}, now=now)
    wanted = {owners[phone]: (phone, requests[i].language) for i, phone in winners.items()}
    states = await _members(tx, wanted, now=now)
    results = [
        _outcome(request, owners[result.phone], states, now=now) if isinstance(result, CodeUsed) else result
        for request, result in zip(requests, used, strict=True)
    ]
    opened = [
        Opening(
            session_id=derive(r.member_id, "session"), member_id=s.member_id, token=s.token, agent=r.agent,
            previous=r.previous,
        )
        for r, s in zip(requests, results, strict=True)
        if isinstance(s, SignedIn)
    ]  # fmt: skip
    await open_sessions(tx, opened, now=now)
    return results


async def sign_in_by_passkey(
    tx: Tx, requests: Sequence[PasskeySignIn], *, site: Site, now: datetime
) -> list[SignedIn | Refusal]:
    """Check what each authenticator signed and open a session for its member.

    Commit whatever the results are. Refusals: those of `use_passkeys`, then MemberFrozen. Central.
    """
    uses = [UsePasskey(answer=r.answer, binding=r.binding, address=r.address, purpose="sign_in") for r in requests]
    used = await use_passkeys(tx, uses, site=site, now=now)
    known = await members(tx, [result.member_id for result in used if isinstance(result, PasskeyUsed)])
    results: list[SignedIn | Refusal] = []
    opened = []
    for request, result in zip(requests, used, strict=True):
        if isinstance(result, Refusal):
            results.append(result)
            continue
        member = known.get(result.member_id)
        if member is None or member.status != "active":
            results.append(MemberFrozen())
            continue
        results.append(
            SignedIn(member_id=member.member_id, is_new=False, token=request.token, expires_at=now + SESSION_LIFE)
        )
        opened.append(
            Opening(
                session_id=request.session_id, member_id=member.member_id, token=request.token, agent=request.agent,
                previous=request.previous,
            )
        )  # fmt: skip
    await open_sessions(tx, opened, now=now)
    return results


def _outcome(
    request: SignIn, member_id: UUID, states: dict[UUID, tuple[bool, str]], *, now: datetime
) -> SignedIn | Refusal:
    is_new, status = states[member_id]
    if status != "active":
        return MemberFrozen()
    return SignedIn(member_id=member_id, is_new=is_new, token=request.token, expires_at=now + SESSION_LIFE)


async def claim(tx: Tx, wanted: dict[str, UUID], *, now: datetime) -> dict[str, UUID]:
    """Who owns each number: the new id where nobody did. The claim comes first, so one number is one member."""
    phones = sorted(wanted)
    await tx.run(
        """insert into people.phones (phone, member_id, claimed_at)
           select phone, member_id, %(now)s from unnest(%(phones)s::text[], %(ids)s::uuid[]) as w (phone, member_id)
           order by phone
           on conflict (phone) do nothing""",
        phones=phones,
        ids=[wanted[phone] for phone in phones],
        now=now,
    )
    rows = await tx.rows(
        "select phone, member_id from people.phones where phone = any(%(phones)s::text[])", phones=phones
    )
    return {row["phone"]: row["member_id"] for row in rows}


async def _members(tx: Tx, wanted: dict[UUID, tuple[str, str]], *, now: datetime) -> dict[UUID, tuple[bool, str]]:
    """(is new, status) of each; members that are not there yet are made."""
    ids = sorted(wanted)
    made = await tx.rows(
        """insert into people.members (member_id, name, language, phone, phone_tail, status, created_at)
           select member_id, '', language, phone, tail, 'active', %(now)s
           from unnest(%(ids)s::uuid[], %(phones)s::text[], %(tails)s::text[], %(languages)s::text[])
                as w (member_id, phone, tail, language)
           order by member_id
           on conflict (member_id) do nothing
           returning member_id""",
        ids=ids,
        phones=[wanted[i][0] for i in ids],
        tails=[phone_tail(wanted[i][0]) for i in ids],
        languages=[language_of(wanted[i][1]) for i in ids],
        now=now,
    )
    new = {row["member_id"] for row in made}
    rows = await tx.rows("select member_id, status from people.members where member_id = any(%(ids)s::uuid[])", ids=ids)
    return {row["member_id"]: (row["member_id"] in new, row["status"]) for row in rows}


async def open_sessions(tx: Tx, opened: Sequence[Opening], *, now: datetime) -> None:
    """Open a session for each; the one that the browser had before ends. Who may is the caller's to know."""
    await sign_out(tx, [one.previous for one in opened if one.previous], now=now)
    await tx.run(
        """insert into people.sessions (token_hash, session_id, member_id, device, created_at, expires_at, seen_at)
           select token_hash, session_id, member_id, device, %(now)s, %(expires)s, %(now)s
           from unnest(%(hashes)s::bytea[], %(ids)s::uuid[], %(members)s::uuid[], %(devices)s::text[])
                as w (token_hash, session_id, member_id, device)""",
        hashes=[token_hash(one.token) for one in opened],
        ids=[one.session_id for one in opened],
        members=[one.member_id for one in opened],
        devices=[device_label(one.agent) for one in opened],
        now=now,
        expires=now + SESSION_LIFE,
    )


async def touch_sessions(tx: Tx, tokens: Sequence[str], *, now: datetime) -> int:
    """Note that these sessions were used, exact to ten minutes; how many rows changed."""
    return await tx.run(
        """update people.sessions set seen_at = %(now)s
           where token_hash = any(%(hashes)s::bytea[]) and ended_at is null
             and (seen_at is null or seen_at < %(before)s)""",
        hashes=sorted(token_hash(token) for token in tokens),
        now=now,
        before=now - SEEN_EVERY,
    )


async def sign_out(tx: Tx, tokens: Sequence[str], *, now: datetime) -> int:
    """End the sessions of these tokens; how many were alive. A second time does nothing."""
    return await tx.run(
        """update people.sessions set ended_at = %(now)s
           where token_hash in (
               select token_hash from people.sessions
               where token_hash = any(%(hashes)s::bytea[]) and ended_at is null
               order by token_hash for no key update)""",
        hashes=sorted(token_hash(token) for token in tokens),
        now=now,
    )


async def sign_out_everywhere(
    tx: Tx, member_ids: Sequence[UUID], *, now: datetime, keep: str | None = None, session_id: UUID | None = None
) -> int:
    """End all sessions of these members but the one of the token `keep`; how many were alive.

    With `session_id` only that one ends (a lost phone, chosen from the list of devices).
    """
    return await tx.run(
        """update people.sessions set ended_at = %(now)s
           where token_hash in (
               select token_hash from people.sessions
               where member_id = any(%(ids)s::uuid[]) and ended_at is null and token_hash <> %(keep)s
                 and (%(session)s::uuid is null or session_id = %(session)s::uuid)
               order by token_hash for no key update)""",
        ids=sorted(member_ids),
        keep=token_hash(keep) if keep else b"",
        session=session_id,
        now=now,
    )
