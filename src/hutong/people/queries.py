"""Reading people: who asks, who works where, which keys and devices there are."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import convert

from hutong.infra.db import Tx
from hutong.kit.access import Actor, Grant, Permission, Role, Scope, ScopeKind
from hutong.kit.masks import shown_name
from hutong.people.model import SEEN_EVERY, KeyInfo, Member, SessionInfo, StaffMember, read_key, token_hash
from hutong.people.passkeys import PasskeyInfo

_KEY = """select key_id, merchant_id, city_id, store_id, label, permissions, made_at, last_used_at, ends_at,
                 replaced_by, secret_hash
          from people.keys"""


def _grant(row: dict[str, Any]) -> Grant:
    return Grant(
        grant_id=row["grant_id"], role=Role(row["role"]), city_id=row["city_id"], merchant_id=row["merchant_id"],
        store_id=row["store_id"],
    )  # fmt: skip


async def actor_of(tx: Tx, token: str, *, now: datetime) -> Actor | None:
    """Who holds this session, with the roles of this moment; None when it is unknown, over or the member frozen."""
    return (await session_of(tx, token, now=now))[0]


async def session_of(tx: Tx, token: str, *, now: datetime) -> tuple[Actor | None, bool]:
    """As `actor_of`, and whether the session was last noted as seen so long ago that `touch_sessions` is due."""
    return (await sessions_with(tx, [token], now=now))[0]


async def sessions_with(tx: Tx, tokens: Sequence[str], *, now: datetime) -> list[tuple[Actor | None, bool]]:
    """`session_of` for each token, in two statements however many there are.

    One look at the primary key for each: an array compared with each row of the table cost more than the rest of the
    look-up, as long as the table was small enough to be read whole.
    """
    hashes = [token_hash(token) for token in tokens]
    rows = await tx.rows(
        """select s.token_hash, s.member_id, s.seen_at from unnest(%(hashes)s::bytea[]) as asked (hash)
           cross join lateral (
               select s.token_hash, s.member_id, s.seen_at from people.sessions s
               where s.token_hash = asked.hash and s.ended_at is null and s.expires_at > %(now)s limit 1) s""",
        hashes=list(set(hashes)),
        now=now,
    )
    found = {bytes(row["token_hash"]): row for row in rows}
    members = await actors(tx, [row["member_id"] for row in rows])
    due = now - SEEN_EVERY

    def told(row: dict[str, Any] | None) -> tuple[Actor | None, bool]:
        if row is None:
            return None, False
        return members.get(row["member_id"]), row["seen_at"] is None or row["seen_at"] < due

    return [told(found.get(one)) for one in hashes]


async def actors(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, Actor]:
    """Active members as actors, with the roles they hold now."""
    rows = await tx.rows(
        """select m.member_id, m.name, m.language, m.phone_tail, m.status, m.created_at, g.held
           from people.members m
           left join lateral (
               select jsonb_agg(jsonb_build_object('grant_id', g.grant_id, 'role', g.role, 'city_id', g.city_id,
                                                   'merchant_id', g.merchant_id, 'store_id', g.store_id)
                                order by g.granted_at, g.grant_id) as held
               from people.grants g where g.member_id = m.member_id and g.revoked_at is null) g on true
           where m.member_id = any(%(ids)s::uuid[]) and m.status = 'active'""",
        ids=list(set(member_ids)),
    )
    return {row["member_id"]: _actor(row, row.pop("held")) for row in rows}


def _actor(row: dict[str, Any], held: list[Any] | None) -> Actor:
    member = Member(**row)
    return Actor(
        member_id=member.member_id, name=member.shown, phone_tail=member.phone_tail, locale=member.language,
        grants=convert(held, tuple[Grant, ...]) if held else (),
    )  # fmt: skip


async def actor_of_key(tx: Tx, text: str, *, now: datetime) -> Actor | None:
    """Who asks with this key; None when it is malformed, unknown, wrong or over. Call `touch_keys` when writing."""
    return (await actors_of_keys(tx, [text], now=now))[0]


async def actors_of_keys(tx: Tx, texts: Sequence[str], *, now: datetime) -> list[Actor | None]:
    """`actor_of_key` for each text, in one statement."""
    read = [read_key(text) for text in texts]
    rows = await tx.rows(f"{_KEY} where key_id = any(%(ids)s::uuid[])", ids=sorted({r[0] for r in read if r}))
    found = {row["key_id"]: row for row in rows}
    return [_holder(found.get(r[0]), r[1], now) if r else None for r in read]


def _holder(row: dict[str, Any] | None, secret: str, now: datetime) -> Actor | None:
    if row is None or not hmac.compare_digest(row["secret_hash"], hashlib.sha256(secret.encode()).digest()):
        return None
    key = _key(row)
    if not key.alive(now):
        return None
    role = Role.MERCHANT_OWNER if key.store_id is None else Role.STORE_MANAGER
    place = Grant(
        grant_id=key.key_id, role=role, city_id=key.city_id, merchant_id=key.merchant_id, store_id=key.store_id
    )
    return Actor(member_id=key.key_id, name=key.label, grants=(place,), key_id=key.key_id, only=key.permissions)


async def grants_of(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, tuple[Grant, ...]]:
    """The roles that members hold now."""
    rows = await tx.rows(
        """select grant_id, member_id, role, city_id, merchant_id, store_id from people.grants
           where member_id = any(%(ids)s::uuid[]) and revoked_at is null order by granted_at, grant_id""",
        ids=sorted(set(member_ids)),
    )
    held: dict[UUID, tuple[Grant, ...]] = {}
    for row in rows:
        held[row["member_id"]] = (*held.get(row["member_id"], ()), _grant(row))
    return held


async def members(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, Member]:
    """The members with these ids; unknown ids are left out."""
    rows = await tx.rows(
        """select member_id, name, language, phone_tail, status, created_at from people.members
           where member_id = any(%(ids)s::uuid[])""",
        ids=sorted(set(member_ids)),
    )
    return {row["member_id"]: Member(**row) for row in rows}


async def phones_of(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of active members, for sending them a message and for nothing else."""
    rows = await tx.rows(
        """select member_id, phone from people.members
           where member_id = any(%(ids)s::uuid[]) and phone is not null and status = 'active'""",
        ids=sorted(set(member_ids)),
    )
    return {row["member_id"]: row["phone"] for row in rows}


async def members_of_phones(tx: Tx, phones: Sequence[str]) -> dict[str, UUID]:
    """Whose these numbers are; of nobody's: absent. For the house: what it learns here it does not tell."""
    rows = await tx.rows(
        "select phone, member_id from people.phones where phone = any(%(phones)s::text[])", phones=sorted(set(phones))
    )
    return {row["phone"]: row["member_id"] for row in rows}


async def sessions_of(tx: Tx, member_id: UUID, *, now: datetime, token: str | None = None) -> list[SessionInfo]:
    """Where a member is signed in: the session of `token` first, then the last seen. Ask only with the actor's id."""
    rows = await tx.rows(
        """select session_id, device, created_at, expires_at, coalesce(seen_at, created_at) as seen_at,
                  token_hash = %(here)s as here
           from people.sessions
           where member_id = %(id)s and ended_at is null and expires_at > %(now)s
           order by here desc, seen_at desc, created_at desc, session_id limit 100""",
        id=member_id,
        now=now,
        here=token_hash(token) if token else b"",
    )
    return [SessionInfo(**row) for row in rows]


async def passkeys_of(tx: Tx, member_ids: Sequence[UUID]) -> dict[UUID, list[PasskeyInfo]]:
    """The living passkeys of members, oldest first. Shown only to the member himself."""
    rows = await tx.rows(
        """select member_id, passkey_id, label, synced, made_at, last_used_at from people.credentials
           where member_id = any(%(ids)s::uuid[]) and ended_at is null order by made_at, passkey_id""",
        ids=sorted(set(member_ids)),
    )
    found: dict[UUID, list[PasskeyInfo]] = {}
    for row in rows:
        found.setdefault(row.pop("member_id"), []).append(PasskeyInfo(**row))
    return found


async def credentials_of(tx: Tx, member_id: UUID) -> list[bytes]:
    """The ids that the member's authenticators know their passkeys by."""
    rows = await tx.rows(
        """select credential_id from people.credentials
           where member_id = %(id)s and ended_at is null order by made_at, credential_id""",
        id=member_id,
    )
    return [bytes(row["credential_id"]) for row in rows]


async def staff(
    tx: Tx, scope: Scope, *, merchant_id: UUID | None = None, store_id: UUID | None = None,
    kinds: Sequence[ScopeKind] | None = None,
) -> list[StaffMember]:  # fmt: skip
    """Who works within the scope of VIEW_STAFF (of one merchant or store of it; of some kinds of role), oldest role
    first; at most 500."""
    seen, params = scope.sql(city="g.city_id", merchant="g.merchant_id", store="g.store_id")
    rows = await tx.rows(
        f"""select g.grant_id, g.member_id, g.role, g.scope_kind, g.city_id, g.merchant_id, g.store_id, g.granted_at
            from people.grants as g
            where {seen} and g.revoked_at is null
              and (%(merchant)s::uuid is null or g.merchant_id = %(merchant)s::uuid)
              and (%(store)s::uuid is null or g.store_id = %(store)s::uuid)
              and (%(kinds)s::text[] is null or g.scope_kind = any(%(kinds)s::text[]))
            order by g.granted_at, g.grant_id limit 500""",
        merchant=merchant_id,
        store=store_id,
        kinds=None if kinds is None else list(kinds),
        **params,
    )
    known = await members(tx, [row["member_id"] for row in rows])
    return [_staff_member(row, known.get(row["member_id"])) for row in rows]


def _staff_member(row: dict[str, Any], member: Member | None) -> StaffMember:
    tail = member.phone_tail if member else ""
    name = member.shown if member else shown_name("", tail, "zh")
    return StaffMember(**{**row, "role": Role(row["role"])}, name=name, phone_tail=tail)


def _key(row: dict[str, Any]) -> KeyInfo:
    shown = {name: row[name] for name in KeyInfo.__struct_fields__}
    return KeyInfo(**{**shown, "permissions": frozenset(Permission(p) for p in row["permissions"])})


async def keys(tx: Tx, scope: Scope, *, ids: Sequence[UUID] | None = None) -> list[KeyInfo]:
    """The keys within the scope of MANAGE_KEYS, newest first; only those with these ids when given. At most 500."""
    seen, params = scope.sql(city="city_id", merchant="merchant_id", store="store_id")
    rows = await tx.rows(
        f"""{_KEY} where {seen} and (%(ids)s::uuid[] is null or key_id = any(%(ids)s::uuid[]))
            order by made_at desc, key_id limit 500""",
        ids=None if ids is None else sorted(set(ids)),
        **params,
    )
    return [_key(row) for row in rows]
