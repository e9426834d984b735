"""Passkeys: something to sign, making one, using one, naming it, taking it away.

The caller commits whatever the results are: a challenge that was answered is dead, also when the answer was wrong.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.limits import Take, take
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.people.model import Limits, bucket, network_of
from hutong.people.passkeys import (
    CHALLENGE_LIFE,
    PASSKEYS_MAX,
    AddPasskey,
    AskChallenge,
    EditPasskey,
    Key,
    PasskeyInfo,
    PasskeyUsed,
    Site,
    UsePasskey,
    binding_hash,
    copied,
    credential_of,
    label_of,
    read_new,
    read_signed,
    signed_challenge,
)
from hutong.people.queries import passkeys_of
from hutong.people.refusals import (
    PasskeyCopied,
    PasskeyNotRight,
    PasskeyStale,
    PasskeyTaken,
    PasskeyUnknown,
    TooManyPasskeys,
)

HOUR = 3600


async def ask_challenges(
    tx: Tx, requests: Sequence[AskChallenge], *, secret: bytes, now: datetime, limits: Limits | None = None
) -> list[AskChallenge | Refusal]:
    """Write down what authenticators are asked to sign: five minutes, once, one purpose, one browser.

    Refusals: TooManyTries (as many an hour from one address as guesses at codes). Central: use `db.central()`.
    """
    limits = limits or Limits()
    names = [bucket(secret, "challenges-sender", network_of(r.address)) for r in requests]
    limit = limits.guesses_per_address_hour
    counted = [] if limit is None else [Take(bucket=name, limit=limit, window_s=HOUR) for name in names]
    refused = await take(tx, counted, now=now) if counted else [None] * len(requests)
    good = [r for r, refusal in zip(requests, refused, strict=True) if refusal is None]
    await tx.run(
        """insert into people.challenges (challenge, purpose, binding, member_id, made_at, expires_at)
           select challenge, purpose, binding, member_id, %(now)s, %(expires)s
           from unnest(%(challenges)s::bytea[], %(purposes)s::text[], %(bindings)s::bytea[], %(members)s::uuid[])
                as w (challenge, purpose, binding, member_id)""",
        challenges=[r.challenge for r in good],
        purposes=[r.purpose for r in good],
        bindings=[binding_hash(r.binding) for r in good],
        members=[r.member_id for r in good],
        now=now,
        expires=now + CHALLENGE_LIFE,
    )
    return [refusal or request for request, refusal in zip(requests, refused, strict=True)]


async def _spend(
    tx: Tx, wanted: Sequence[tuple[bytes | None, str, str, UUID | None]], *, now: datetime
) -> list[bytes | None]:
    """Use up the challenge of each (challenge, purpose, binding, member); None where there is none that fits.

    One statement: of two answers to one challenge, in one list or at the same moment, one gets it.
    """
    rows = await tx.rows(
        """update people.challenges as c set used_at = %(now)s
           from unnest(%(challenges)s::bytea[], %(purposes)s::text[], %(bindings)s::bytea[], %(members)s::uuid[])
                as w (challenge, purpose, binding, member_id)
           where c.challenge = w.challenge and c.purpose = w.purpose and c.binding = w.binding
             and c.member_id is not distinct from w.member_id and c.used_at is null and c.expires_at > %(now)s
           returning c.challenge""",
        challenges=[one[0] or b"" for one in wanted],
        purposes=[one[1] for one in wanted],
        bindings=[binding_hash(one[2]) for one in wanted],
        members=[one[3] for one in wanted],
        now=now,
    )
    left = {bytes(row["challenge"]) for row in rows}
    spent: list[bytes | None] = []
    for challenge, *_ in wanted:
        spent.append(challenge if challenge in left else None)
        left.discard(challenge or b"")
    return spent


async def add_passkeys(
    tx: Tx, requests: Sequence[AddPasskey], *, site: Site, now: datetime
) -> list[PasskeyInfo | Refusal]:
    """Keep the passkeys that were made. The members are signed in: their binding is their session.

    Refusals: PasskeyStale, PasskeyNotRight, TooManyPasskeys, PasskeyTaken (by whomever: the id is the authenticator's).
    """
    wanted = [(signed_challenge(r.answer), "register", r.binding, r.member_id) for r in requests]
    spent = await _spend(tx, wanted, now=now)
    held = await passkeys_of(tx, [r.member_id for r in requests])
    counts = {member: len(keys) for member, keys in held.items()}
    results: list[Any] = [PasskeyStale()] * len(requests)
    for i, request in enumerate(requests):
        challenge = spent[i]
        if challenge is None:
            continue
        if counts.get(request.member_id, 0) >= PASSKEYS_MAX:
            results[i] = TooManyPasskeys(most=PASSKEYS_MAX)
            continue
        results[i] = read_new(site, request.answer, challenge) or PasskeyNotRight()
        if isinstance(results[i], Key):
            counts[request.member_id] = counts.get(request.member_id, 0) + 1
    new = [(requests[i], key) for i, key in enumerate(results) if isinstance(key, Key)]
    written = await _insert(tx, new, now=now)
    return [
        _made(requests[i], result, written, now) if isinstance(result, Key) else result
        for i, result in enumerate(results)
    ]


def _made(request: AddPasskey, key: Key, written: set[UUID], now: datetime) -> PasskeyInfo | Refusal:
    if request.passkey_id not in written:
        return PasskeyTaken()
    return PasskeyInfo(
        passkey_id=request.passkey_id, label=label_of(request.label, ""), synced=key.synced, made_at=now,
        last_used_at=None,
    )  # fmt: skip


async def _insert(tx: Tx, new: Sequence[tuple[AddPasskey, Key]], *, now: datetime) -> set[UUID]:
    rows = await tx.rows(
        """insert into people.credentials (credential_id, passkey_id, member_id, public_key, sign_count, label,
                                           transports, synced, made_at)
           select credential_id, passkey_id, member_id, public_key, sign_count, label,
                  string_to_array(transports, ','), synced, %(now)s
           from unnest(%(credentials)s::bytea[], %(passkeys)s::uuid[], %(members)s::uuid[], %(publics)s::bytea[],
                       %(counts)s::bigint[], %(labels)s::text[], %(transports)s::text[], %(synced)s::boolean[])
                as w (credential_id, passkey_id, member_id, public_key, sign_count, label, transports, synced)
           order by credential_id
           on conflict (credential_id) do nothing
           returning passkey_id""",
        credentials=[key.credential_id for _, key in new],
        passkeys=[request.passkey_id for request, _ in new],
        members=[request.member_id for request, _ in new],
        publics=[key.public_key for _, key in new],
        counts=[key.sign_count for _, key in new],
        labels=[label_of(request.label, "") for request, _ in new],
        transports=[",".join(key.transports) for _, key in new],
        synced=[key.synced for _, key in new],
        now=now,
    )
    return {row["passkey_id"] for row in rows}


async def use_passkeys(
    tx: Tx, requests: Sequence[UsePasskey], *, site: Site, now: datetime
) -> list[PasskeyUsed | Refusal]:
    """Check what authenticators signed; a passkey whose counter went back ends.

    Refusals in this order: PasskeyStale, PasskeyUnknown (also another member's for `confirm`), PasskeyNotRight,
    PasskeyCopied. Source: W3C WebAuthn 3 section 7.2; reliability.md A4 and A7. Central: use `db.central()`.
    """
    wanted = [(signed_challenge(r.answer), r.purpose, r.binding, r.member_id) for r in requests]
    spent = await _spend(tx, wanted, now=now)
    named = [credential_of(r.answer) for r in requests]
    found = await _lock(tx, [one for one, challenge in zip(named, spent, strict=True) if one and challenge])
    results: list[PasskeyUsed | Refusal] = []
    counters: dict[bytes, int] = {}
    ended: set[bytes] = set()
    for request, name, challenge in zip(requests, named, spent, strict=True):
        row = found.get(name or b"")
        if challenge is None:
            results.append(PasskeyStale())
        elif row is None or row["credential_id"] in ended or request.member_id not in (None, row["member_id"]):
            results.append(PasskeyUnknown())
        else:
            results.append(_judge(site, request, challenge, row, counters, ended))
    await _note(tx, counters, ended, now=now)
    return results


def _judge(
    site: Site, request: UsePasskey, challenge: bytes, row: dict[str, Any], counters: dict[bytes, int],
    ended: set[bytes],
) -> PasskeyUsed | Refusal:  # fmt: skip
    name = row["credential_id"]
    counter = read_signed(site, request.answer, challenge, row["public_key"])
    if counter is None:
        return PasskeyNotRight()
    before = counters[name] if name in counters else row["sign_count"]
    if copied(before, counter):
        ended.add(name)
        return PasskeyCopied()
    counters[name] = counter
    return PasskeyUsed(member_id=row["member_id"], passkey_id=row["passkey_id"])


async def _lock(tx: Tx, credentials: Sequence[bytes]) -> dict[bytes, dict[str, Any]]:
    """The living passkeys, locked in one order: a parallel use sees the counter that this one leaves."""
    rows = await tx.rows(
        """select credential_id, passkey_id, member_id, public_key, sign_count from people.credentials
           where credential_id = any(%(ids)s::bytea[]) and ended_at is null
           order by credential_id for no key update""",
        ids=sorted(set(credentials)),
    )
    return {bytes(row["credential_id"]): row | {"credential_id": bytes(row["credential_id"])} for row in rows}


async def _note(tx: Tx, counters: dict[bytes, int], ended: set[bytes], *, now: datetime) -> None:
    names = sorted(set(counters) | ended)
    if not names:
        return
    await tx.run(
        """update people.credentials as c
           set sign_count = coalesce(w.counter, c.sign_count),
               last_used_at = case when w.counter is null then c.last_used_at else %(now)s end,
               ended_at = case when w.ended then %(now)s end, ended_why = case when w.ended then 'copied' end
           from unnest(%(names)s::bytea[], %(counters)s::bigint[], %(ended)s::boolean[]) as w (name, counter, ended)
           where c.credential_id = w.name and c.ended_at is null""",
        names=names,
        counters=[counters.get(name) for name in names],
        ended=[name in ended for name in names],
        now=now,
    )


async def edit_passkeys(tx: Tx, requests: Sequence[EditPasskey], *, now: datetime) -> list[EditPasskey | Refusal]:
    """Rename the members' own passkeys, or take them away (label None). Gone is gone: its id never works again.

    Refusals: BadInput for an empty name, NotFound for what is not the member's own or ended already.
    """
    sound = [r for r in requests if r.label is None or r.label.strip()]
    rows = await tx.rows(
        """update people.credentials as c
           set label = coalesce(w.label, c.label), ended_at = case when w.label is null then %(now)s end,
               ended_why = case when w.label is null then 'removed' end
           from unnest(%(members)s::uuid[], %(passkeys)s::uuid[], %(labels)s::text[])
                as w (member_id, passkey_id, label)
           where c.member_id = w.member_id and c.passkey_id = w.passkey_id and c.ended_at is null
           returning c.member_id, c.passkey_id""",
        members=[r.member_id for r in sound],
        passkeys=[r.passkey_id for r in sound],
        labels=[None if r.label is None else label_of(r.label, "") for r in sound],
        now=now,
    )
    done = {(row["member_id"], row["passkey_id"]) for row in rows}
    found = [r if (r.member_id, r.passkey_id) in done else NotFound() for r in requests]
    return [one if r in sound else BadInput(field="label", why="1-40") for r, one in zip(requests, found, strict=True)]
