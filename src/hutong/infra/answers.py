"""Answers: every write carries a key, and its answer is stored in the transaction of its effect.

Same key and same input give the same answer; same key and other input is refused. A key whose transaction
failed leaves no row, so it can be used again (never "duplicate" for something that was not done).
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import psycopg
from msgspec import Struct, convert, json

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Busy, Refusal, TooManyTries
from hutong.kit.text import Text

Q = TypeVar("Q")
R = TypeVar("R")
_Name = tuple[UUID, str]

LONGEST_KEY = 255
PASSING = (Busy, TooManyTries)  # "not now": nothing was decided, so the same key may ask again


class KeyReused(Refusal):
    """The key came before, with another input or for another operation."""

    code = "key_reused"
    status = 409
    say = Text(
        zh="请求编号「{key}」已用于另一个请求。",
        en="The key “{key}” was used for a different request.",
    )
    step = Text(zh="请为新请求使用新的编号。", en="Use a new key for a new request.")


class Ask(Struct, Generic[Q], frozen=True, kw_only=True):
    """One request with its key. `fingerprint` is of what the client sent, without ids made on the way here."""

    actor: UUID
    key: str
    fingerprint: bytes
    request: Q

    def __post_init__(self) -> None:
        if not (1 <= len(self.key) <= LONGEST_KEY and self.key.isascii() and self.key.isprintable()):
            raise BadInput(field="Idempotency-Key", why=f"1-{LONGEST_KEY} ASCII")


class Answer(Struct, Generic[R], frozen=True, kw_only=True):
    """What an ask came to; `replayed` when the effect was made earlier."""

    result: R | Refusal
    replayed: bool


def fingerprint(value: Any) -> bytes:
    """SHA-256 of the canonical JSON of a struct or plain value: equal input, equal fingerprint."""
    return hashlib.sha256(json.encode(value, order="deterministic")).digest()


async def once(
    tx: Tx, asks: Sequence[Ask[Q]], *, city_id: int, operation: str, result: type[R],
    do: Callable[[list[Q]], Awaitable[Sequence[R | Refusal]]], now: datetime, keep: bool = True,
) -> list[Answer[R]]:  # fmt: skip
    """Answer each ask; `do` runs once, with all requests whose keys are new, in the order of the asks.

    `result` is the type of a good result, for reading stored ones back. `keep=False` lets `forget` delete the key
    after 48 hours: never for money or vouchers. Refuses KeyReused. Refusals are answers too and are stored, except
    Busy and TooManyTries. A second transaction with one of the keys waits until the first has ended.
    """
    if not asks:
        return []
    firsts: dict[_Name, Ask[Q]] = {}
    for ask in asks:
        firsts.setdefault((ask.actor, ask.key), ask)
    stored = await _look(tx, list(firsts), city_id=city_id)
    fresh = {name: ask for name, ask in firsts.items() if name not in stored} if stored else firsts
    made: dict[_Name, R | Refusal] = {}
    if fresh:
        results = await do([ask.request for ask in fresh.values()])
        done = list(zip(fresh.values(), results, strict=True))
        await _store(tx, done, city_id=city_id, operation=operation, now=now, keep=keep)
        if len(done) == len(asks):  # the ordinary set: no key twice, none that was there. Looking names up costs.
            return [Answer(result=result, replayed=False) for result in results]
        made = dict(zip(fresh, results, strict=True))

    def decide(ask: Ask[Q]) -> Answer[R]:
        name = (ask.actor, ask.key)
        if name in made:
            if ask.fingerprint != firsts[name].fingerprint:
                return Answer(result=KeyReused(key=ask.key), replayed=False)
            return Answer(result=made[name], replayed=ask is not firsts[name])
        row = stored[name]
        if (row["operation"], bytes(row["fingerprint"])) != (operation, ask.fingerprint):
            return Answer(result=KeyReused(key=ask.key), replayed=False)
        return Answer(result=_decode(row["answer"], result), replayed=True)

    return [decide(ask) for ask in asks]


def keyed(
    operation: str, result: type[R], do: Callable[..., Awaitable[Sequence[R | Refusal]]], *, keep: bool = True
) -> Callable[..., Awaitable[list[Answer[R]]]]:
    """`do(tx, requests, *, city_id, now)` as an operation on asks: what `Batches.register` takes for keyed writes."""

    async def run(tx: Tx, asks: Sequence[Ask[Any]], *, city_id: int, now: datetime) -> list[Answer[R]]:
        async def fresh(requests: list[Any]) -> Sequence[R | Refusal]:
            return await do(tx, requests, city_id=city_id, now=now)

        return await once(tx, asks, city_id=city_id, operation=operation, result=result, do=fresh, now=now, keep=keep)

    return run


async def told(tx: Tx, actor: UUID, key: str, *, city_id: int, operation: str, result: type[R]) -> R | Refusal | None:
    """What this key of the actor came to in that operation; None while it was never used for it. Changes nothing."""
    row = (await _stored(tx, [(actor, key)], city_id=city_id)).get((actor, key))
    if row is None or row["operation"] != operation or row["answer"] is None:
        return None
    return _decode(row["answer"], result)


async def _look(tx: Tx, names: list[_Name], *, city_id: int) -> dict[_Name, dict[str, Any]]:
    """Hold the keys until the transaction ends, and read what was stored for them.

    Everyone waits for the keys in the same order, so two sets cannot wait for each other; whoever comes second reads,
    in a statement of its own, what the first has stored. An advisory lock and one insert at the end cost a quarter
    of a row that is claimed first and completed later. Two keys that share a hash only wait for each other.
    """
    actors, keys = [actor for actor, _ in names], [key for _, key in names]
    try:
        await tx.send(
            """select pg_advisory_xact_lock(h.hash)
               from (select distinct hashtextextended(n.actor::text || n.key, %(city)s) as hash
                     from unnest(%(actors)s::uuid[], %(keys)s::text[]) as n (actor, key) order by hash) h""",
            city=city_id, actors=actors, keys=keys,
        )  # fmt: skip
        return await _stored(tx, names, city_id=city_id)
    except psycopg.errors.LockNotAvailable as error:
        raise Busy(retry_after=2) from error


async def _stored(tx: Tx, names: list[_Name], *, city_id: int) -> dict[_Name, dict[str, Any]]:
    """One look at the primary key for each name, whatever the planner thinks of the size of the table."""
    if not names:
        return {}
    rows = await tx.rows(
        """select a.* from unnest(%(actors)s::uuid[], %(keys)s::text[]) as n (actor, key)
           cross join lateral (
               select a.actor, a.key, a.operation, a.fingerprint, a.answer from infra.answers a
               where a.city_id = %(city)s and a.actor = n.actor and a.key = n.key limit 1) a""",
        city=city_id, **_columns(names),
    )  # fmt: skip
    return {(row["actor"], row["key"]): row for row in rows}


async def _store(
    tx: Tx, made: Sequence[tuple[Ask[Any], Any]], *, city_id: int, operation: str, now: datetime, keep: bool
) -> None:
    """Write the answers that last. A key that appears meanwhile was made by somebody who does not lock: try again."""
    lasting = [(ask, result) for ask, result in made if not isinstance(result, PASSING)]
    if not lasting:
        return
    await tx.send(
        """insert into infra.answers (city_id, actor, key, operation, fingerprint, answer, kept, at)
           select %(city)s, n.actor, n.key, %(operation)s, n.fingerprint, n.answer::jsonb, %(keep)s, %(now)s
           from (select unnest(%(actors)s::uuid[]) as actor, unnest(%(keys)s::text[]) as key,
                        unnest(%(fingerprints)s::bytea[]) as fingerprint,
                        unnest(%(answers)s::text[]) as answer) as n""",
        rival="infra.answers", city=city_id, operation=operation, keep=keep, now=now,
        actors=[ask.actor for ask, _ in lasting], keys=[ask.key for ask, _ in lasting],
        fingerprints=[ask.fingerprint for ask, _ in lasting],
        answers=[json.encode(_encode(result)).decode() for _, result in lasting],
    )  # fmt: skip


def _columns(names: Iterable[_Name]) -> dict[str, list[Any]]:
    names = list(names)
    return {"actors": [actor for actor, _ in names], "keys": [key for _, key in names]}


def _encode(result: Any) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"refusal": {"code": result.code, "facts": result.facts}}
    return {"ok": result}


def _decode(answer: dict[str, Any], result: type[R]) -> R | Refusal:
    if "refusal" in answer:
        return Refusal.restore(answer["refusal"]["code"], answer["refusal"]["facts"])
    return convert(answer["ok"], result)


async def forget(tx: Tx, *, city_id: int, now: datetime, hours: int = 48, limit: int = 5_000) -> int:
    """Delete up to `limit` answers of passing operations older than `hours`; how many went."""
    return await tx.run(
        """delete from infra.answers a
           where a.city_id = %(city)s and (a.actor, a.key) in (
               select o.actor, o.key from infra.answers o
               where o.city_id = %(city)s and not o.kept and o.at < %(before)s
               order by o.at limit %(limit)s)""",
        city=city_id, before=now - timedelta(hours=hours), limit=limit,
    )  # fmt: skip
