"""Where payees want their money: proposed by one person, approved by another, and used after a rest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.settlement.paying import AccountOpen, AccountUnknown, BadPayAccount, PayAccount, Payee, SecondPerson
from hutong.settlement.payouts import as_account

LETTERS = (3, 100)


class Propose(Struct, frozen=True, kw_only=True):
    """A payee's own people name another account."""

    payee: Payee
    account: str
    holder: str
    by: UUID


class Decide(Struct, frozen=True, kw_only=True):
    """Another person approves or declines what is proposed for a payee."""

    payee: Payee
    by: UUID
    approve: bool
    why: str = ""


async def propose_accounts(tx: Tx, asks: Sequence[Propose], *, now: datetime) -> list[PayAccount | Refusal]:
    """Write proposals; the account in use stays until one is approved. Refusals: payout_account_bad,
    payout_account_open (one waits already)."""
    results: list[PayAccount | Refusal | None] = [
        None if LETTERS[0] <= len(a.account.strip()) <= LETTERS[1] and 1 <= len(a.holder.strip()) <= LETTERS[1]
        else BadPayAccount()
        for a in asks
    ]  # fmt: skip
    good = [a for a, r in zip(asks, results, strict=True) if r is None]
    rows = await tx.rows(
        """insert into settlement.accounts (payee_kind, payee_id, version, account, holder, state, proposed_by,
                                            proposed_at)
           select k.kind, k.id, coalesce((select max(a.version) from settlement.accounts a
                                          where a.payee_kind = k.kind and a.payee_id = k.id), 0) + 1,
                  k.account, k.holder, 'proposed', k.by, %(now)s
           from unnest(%(kinds)s::text[], %(ids)s::uuid[], %(accounts)s::text[], %(holders)s::text[], %(bys)s::uuid[])
             as k(kind, id, account, holder, by)
           on conflict do nothing returning *""",
        now=now, kinds=[a.payee.kind for a in good], ids=[a.payee.id for a in good],
        accounts=[a.account.strip() for a in good], holders=[a.holder.strip() for a in good],
        bys=[a.by for a in good],
    )  # fmt: skip
    made = {Payee(row["payee_kind"], row["payee_id"]): as_account(row) for row in rows}
    return [made.pop(a.payee, None) or AccountOpen() if r is None else r for a, r in zip(asks, results, strict=True)]


async def decide_accounts(
    tx: Tx, asks: Sequence[Decide], *, now: datetime, rest: timedelta
) -> list[PayAccount | Refusal]:
    """Approve or decline. An approved change is used `rest` later; the first account of a payee is used at once.

    Refusals: payout_account_not_found (nothing waits), second_person_needed (the own proposal).
    """
    rows = await tx.rows(
        """select a.*, exists (select 1 from settlement.accounts o where o.payee_kind = a.payee_kind
                               and o.payee_id = a.payee_id and o.state = 'approved') as had_one
           from settlement.accounts a
           join unnest(%(kinds)s::text[], %(ids)s::uuid[]) as k(kind, id)
             on a.payee_kind = k.kind and a.payee_id = k.id
           where a.state = 'proposed' order by a.payee_kind, a.payee_id for no key update of a""",
        kinds=[a.payee.kind for a in asks],
        ids=[a.payee.id for a in asks],
    )
    open_now = {Payee(row["payee_kind"], row["payee_id"]): row for row in rows}
    answers = [_judged(open_now.get(a.payee), a.by) for a in asks]
    good = {a.payee: a for a, no in zip(asks, answers, strict=True) if no is None}
    done = await tx.rows(
        """update settlement.accounts a
           set state = k.state, decided_by = k.by, decided_at = %(now)s, usable_from = k.usable, why = k.why
           from unnest(%(kinds)s::text[], %(ids)s::uuid[], %(states)s::text[], %(bys)s::uuid[],
                       %(usables)s::timestamptz[], %(whys)s::text[]) as k(kind, id, state, by, usable, why)
           where a.payee_kind = k.kind and a.payee_id = k.id and a.state = 'proposed' returning a.*""",
        now=now, kinds=[p.kind for p in good], ids=[p.id for p in good],
        states=["approved" if a.approve else "declined" for a in good.values()], bys=[a.by for a in good.values()],
        usables=[_usable(a, open_now[p], now, rest) for p, a in good.items()], whys=[a.why for a in good.values()],
    )  # fmt: skip
    decided = {Payee(row["payee_kind"], row["payee_id"]): as_account(row) for row in done}
    return [decided[a.payee] if no is None else no for a, no in zip(asks, answers, strict=True)]


def _judged(row: dict[str, Any] | None, by: UUID) -> Refusal | None:
    if row is None:
        return AccountUnknown()
    return SecondPerson() if row["proposed_by"] == by else None


def _usable(ask: Decide, row: dict[str, Any], now: datetime, rest: timedelta) -> datetime | None:
    if not ask.approve:
        return None
    return now + rest if row["had_one"] else now
