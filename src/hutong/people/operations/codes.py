"""One-time codes: asking for one, and trying one.

Nothing here reads whose number it is, so a member's number and a stranger's take the same statements and get the
same answer. The caller commits whatever the results are: a refused try must stay counted.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hutong.infra.db import Tx
from hutong.infra.limits import Take, take
from hutong.infra.sql import load
from hutong.kit.refusals import Refusal, TooManyTries
from hutong.people.model import (
    CODE_LIFE,
    DIGITS,
    TRIES,
    CodeMade,
    CodeUsed,
    Limits,
    RequestCode,
    UseCode,
    bucket,
    code_digest,
    network_of,
)
from hutong.people.phones import normalise
from hutong.people.refusals import BadPhone, CodeDead, CodeWrong

HOUR, DAY = 3600, 86_400


async def _limit(
    tx: Tx, results: list[Any], names: Sequence[str], limit: int | None, window_s: int, *, now: datetime
) -> None:
    """Count a try for each item that is still alive (a text); the ones over the limit become refusals.

    Each limit is its own step, so that a try refused by an earlier limit does not use up a later one.
    """
    alive = [i for i, result in enumerate(results) if isinstance(result, str)]
    if limit is None or not alive:
        return
    takes = [Take(bucket=names[i], limit=limit, window_s=window_s) for i in alive]
    for i, refusal in zip(alive, await take(tx, takes, now=now), strict=True):
        if refusal is not None:
            results[i] = refusal


async def _pause(tx: Tx, results: list[Any], limits: Limits, *, now: datetime) -> None:
    """Refuse a second code within the pause. The rows stay locked, so parallel requests wait for this one."""
    phones = sorted({result for result in results if isinstance(result, str)})
    rows = await tx.rows(
        """select phone, made_at from people.codes where phone = any(%(phones)s::text[])
           order by phone, purpose for no key update""",
        phones=phones,
    )
    last: dict[str, datetime] = {}
    for row in rows:
        last[row["phone"]] = max(row["made_at"], last.get(row["phone"], row["made_at"]))
    pause = timedelta(seconds=limits.pause_s)
    asked: set[str] = set()
    for i, phone in enumerate(results):
        if not isinstance(phone, str):
            continue
        free_at = last[phone] + pause if phone in last else now
        if phone in asked:  # twice in one list
            results[i] = _wait(pause)
        elif now < free_at:
            results[i] = _wait(free_at - now)
        asked.add(phone)


def _wait(left: timedelta) -> TooManyTries:
    return TooManyTries(wait_seconds=max(1, int(left.total_seconds() + 0.999)))


async def _write(tx: Tx, made: list[CodeMade], *, secret: bytes, limits: Limits, now: datetime) -> set[tuple[str, str]]:
    """Store the codes as digests. A code that another transaction made meanwhile stays: (phone, purpose) written."""
    digests = [code_digest(secret, phone=m.phone, purpose=m.purpose, made_at=now, code=m.code) for m in made]
    rows = await tx.rows(
        """insert into people.codes as c (phone, purpose, digest, made_at, expires_at, tries)
           select phone, purpose, digest, %(now)s, %(expires)s, 0
           from unnest(%(phones)s::text[], %(purposes)s::text[], %(digests)s::bytea[]) as w (phone, purpose, digest)
           order by phone, purpose
           on conflict (phone, purpose) do update
               set digest = excluded.digest, made_at = excluded.made_at, expires_at = excluded.expires_at,
                   tries = 0, used_at = null
               where c.made_at <= %(latest)s
           returning c.phone, c.purpose""",
        phones=[m.phone for m in made],
        purposes=[m.purpose for m in made],
        digests=digests,
        now=now,
        expires=now + CODE_LIFE,
        latest=now - timedelta(seconds=limits.pause_s),
    )
    return {(row["phone"], row["purpose"]) for row in rows}


async def request_codes(
    tx: Tx, requests: Sequence[RequestCode], *, secret: bytes, now: datetime, limits: Limits | None = None
) -> list[CodeMade | Refusal]:
    """Make a one-time code for each number; the edge commits and then sends it.

    Six digits, five minutes, five tries, for one number and one purpose; a new code replaces the one before.
    Refusals in this order: BadPhone; TooManyTries (sender per hour, everyone per hour, pause since the last code,
    number per hour, number per day). Source of the limits: reliability.md A1-A3. Central: use `db.central()`.
    """
    limits = limits or Limits()
    results: list[Any] = [normalise(request.phone) or BadPhone() for request in requests]
    numbers = [bucket(secret, "codes-phone", r) if isinstance(r, str) else "" for r in results]
    senders = [bucket(secret, "codes-sender", network_of(request.address)) for request in requests]
    everyone = ["people/codes-everyone"] * len(results)
    await _limit(tx, results, senders, limits.address_per_hour, HOUR, now=now)
    await _limit(tx, results, everyone, limits.everyone_per_hour, HOUR, now=now)
    await _pause(tx, results, limits, now=now)
    await _limit(tx, results, numbers, limits.phone_per_hour, HOUR, now=now)
    await _limit(tx, results, numbers, limits.phone_per_day, DAY, now=now)
    for i, phone in enumerate(results):
        if isinstance(phone, str):
            results[i] = CodeMade(
                phone=phone, code=f"{secrets.randbelow(10**6):06d}", purpose=requests[i].purpose,
                expires_at=now + CODE_LIFE,
            )  # fmt: skip
    made = [result for result in results if isinstance(result, CodeMade)]
    written = await _write(tx, made, secret=secret, limits=limits, now=now) if made else set()
    return [
        _wait(timedelta(seconds=limits.pause_s))
        if isinstance(result, CodeMade) and (result.phone, result.purpose) not in written
        else result
        for result in results
    ]


async def use_codes(
    tx: Tx, requests: Sequence[UseCode], *, secret: bytes, now: datetime, limits: Limits | None = None
) -> list[CodeUsed | Refusal]:
    """Try a code for each number; a right one is dead afterwards, and so is one that was tried five times.

    Refusals in this order: BadPhone; TooManyTries (guesses per sender and hour); CodeDead (never made, expired,
    used, or tried five times: all look the same); CodeWrong. Source: reliability.md A3, A4. Central.
    """
    limits = limits or Limits()
    results: list[Any] = [normalise(request.phone) or BadPhone() for request in requests]
    senders = [bucket(secret, "guesses-sender", network_of(request.address)) for request in requests]
    await _limit(tx, results, senders, limits.guesses_per_address_hour, HOUR, now=now)
    alive = [i for i, result in enumerate(results) if isinstance(result, str)]
    codes = await _lock(tx, [(results[i], requests[i].purpose) for i in alive])
    tried: dict[tuple[str, str], int] = {}
    used: set[tuple[str, str]] = set()
    for i in alive:
        key = (results[i], requests[i].purpose)
        row = codes.get(key)
        if row is None or key in used or not _alive(row, tried.get(key, 0), now=now):
            results[i] = CodeDead()
            continue
        tried[key] = tried.get(key, 0) + 1
        results[i] = CodeWrong()
        if _right(row, requests[i], secret=secret):
            used.add(key)
            results[i] = CodeUsed(phone=key[0], purpose=requests[i].purpose)
    halves = {r.group for r, result in zip(requests, results, strict=True) if not isinstance(result, CodeUsed)} - {None}
    for request, result in zip(requests, results, strict=True):
        if request.group in halves and isinstance(result, CodeUsed):
            used.discard((result.phone, result.purpose))
    await _count(tx, tried, used, now=now)
    return results


def _alive(row: dict[str, Any], tried: int, *, now: datetime) -> bool:
    return now < row["expires_at"] and row["used_at"] is None and row["tries"] + tried < TRIES


def _right(row: dict[str, Any], request: UseCode, *, secret: bytes) -> bool:
    code = unicodedata.normalize("NFKC", request.code).strip()  # full-width digits of a Chinese keyboard
    phone, purpose, made_at = row["phone"], row["purpose"], row["made_at"]
    digest = code_digest(secret, phone=phone, purpose=purpose, made_at=made_at, code=code)
    return bool(DIGITS.match(code)) and hmac.compare_digest(digest, row["digest"])


async def _lock(tx: Tx, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The codes, locked in one order: a parallel guess sees the count that this one leaves."""
    rows = await tx.rows(
        load(__package__ or "", "lock_codes"),
        phones=[phone for phone, _ in keys],
        purposes=[purpose for _, purpose in keys],
    )
    return {(row["phone"], row["purpose"]): row for row in rows}


async def _count(tx: Tx, tried: dict[tuple[str, str], int], used: set[tuple[str, str]], *, now: datetime) -> None:
    """Add the tries; a CHECK in the table refuses a sixth even if the lock were forgotten."""
    keys = sorted(tried)
    await tx.run(
        """update people.codes as c set tries = c.tries + w.tries, used_at = coalesce(w.used_at, c.used_at)
           from unnest(%(phones)s::text[], %(purposes)s::text[], %(tries)s::int[], %(useds)s::timestamptz[])
                as w (phone, purpose, tries, used_at)
           where c.phone = w.phone and c.purpose = w.purpose""",
        phones=[phone for phone, _ in keys],
        purposes=[purpose for _, purpose in keys],
        tries=[tried[key] for key in keys],
        useds=[now if key in used else None for key in keys],
    )
