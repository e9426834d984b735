"""Booking what a closed run came to: in sets for each home city, once, however often it is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hutong import ledger
from hutong.clearing.model import Post, Posted
from hutong.clearing.refusals import StatementUnknown
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.ledger import Account, Book, Transfer, across, chain

EVENT = "clearing"


def key_of(run_id: UUID, party_id: UUID) -> UUID:
    """The id from which all transfers of one statement follow: so it is booked once."""
    return derive(run_id, str(party_id))


async def post(tx: Tx, posts: Sequence[Post], *, city_id: int, now: datetime) -> list[Posted | Refusal]:
    """Book statements of partners whose home is the city; one that is booked answers as it did (replayed).

    In the programme's book what a partner owes and what he is owed meet on due/<partner>; what is left, one amount,
    goes to payable/merchant/<partner> of the city, or comes from there: it may go below zero and is recovered from
    what he earns next. Facts: clearing.posted, and clearing.over_limit when he owes more than his limit.
    Refusal: clearing_not_found (also of another city).
    """
    rows = await tx.rows(
        """select s.*, r.asset, r.number from clearing.statements s
           join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
           where s.programme_id = any(%(programmes)s::uuid[]) and s.run_id = any(%(runs)s::uuid[])
             and s.party_id = any(%(parties)s::uuid[]) and s.home_city = %(city)s
           order by s.programme_id, s.run_id, s.party_id for no key update of s""",
        programmes=sorted({p.programme_id for p in posts}), runs=sorted({p.run_id for p in posts}),
        parties=sorted({p.party_id for p in posts}), city=city_id,
    )  # fmt: skip
    wanted = {(p.programme_id, p.run_id, p.party_id) for p in posts}
    found = {key: row for row in rows if (key := (row["programme_id"], row["run_id"], row["party_id"])) in wanted}
    fresh = [row for row in found.values() if row["posted_at"] is None]
    if fresh:
        await _book(tx, fresh, city_id=city_id, now=now)
    return [_answer(found.get((p.programme_id, p.run_id, p.party_id)), fresh) for p in posts]


def _answer(row: Mapping[str, Any] | None, fresh: Sequence[Mapping[str, Any]]) -> Posted | Refusal:
    if row is None:
        return StatementUnknown()
    return Posted(
        run_id=row["run_id"], party_id=row["party_id"], net_units=row["net_units"],
        payable_units=row["payable_units"], replayed=all(row is not one for one in fresh),
    )  # fmt: skip


async def _book(tx: Tx, fresh: Sequence[dict[str, Any]], *, city_id: int, now: datetime) -> None:
    sums = await tx.rows(
        """select run_id, party_id, coalesce(sum(units) filter (where via = 'postpaid'), 0)::bigint as postpaid,
                  coalesce(sum(units) filter (where kind = 'released'), 0)::bigint as released,
                  coalesce(sum(units) filter (where kind = 'correction'), 0)::bigint as correction
           from clearing.parts
           where programme_id = any(%(programmes)s::uuid[]) and run_id = any(%(runs)s::uuid[])
             and party_id = any(%(parties)s::uuid[])
           group by run_id, party_id""",
        programmes=sorted({row["programme_id"] for row in fresh}), runs=sorted({row["run_id"] for row in fresh}),
        parties=sorted({row["party_id"] for row in fresh}),
    )  # fmt: skip
    parts = {(row["run_id"], row["party_id"]): row for row in sums}
    transfers = [t for row in fresh for t in transfers_of(row, parts[row["run_id"], row["party_id"]], city_id)]
    for result in await ledger.post(tx, transfers, now=now):
        if isinstance(result, Refusal):
            raise RuntimeError(f"the books refused a clearing: {result!r}")
    stands = await _payables(tx, fresh, city_id)
    for row in fresh:
        row["payable_units"] = stands.get((row["party_id"], row["asset"]), 0)
    await tx.run(
        """update clearing.statements s set posted_at = %(now)s, payable_units = p.payable
           from unnest(%(programmes)s::uuid[], %(runs)s::uuid[], %(parties)s::uuid[], %(payables)s::bigint[])
             as p(programme, run, party, payable)
           where s.programme_id = p.programme and s.run_id = p.run and s.party_id = p.party""",
        now=now, programmes=[row["programme_id"] for row in fresh], runs=[row["run_id"] for row in fresh],
        parties=[row["party_id"] for row in fresh], payables=[row["payable_units"] for row in fresh],
    )  # fmt: skip
    await tx.record([fact for row in fresh for fact in _facts(row, city_id, now)])


async def _payables(tx: Tx, fresh: Sequence[Mapping[str, Any]], city_id: int) -> dict[tuple[UUID, str], int]:
    paths = {ledger.chart.payable_merchant(row["party_id"]).path: row["party_id"] for row in fresh}
    found = await ledger.balances(tx, Book.city(city_id), paths=sorted(paths))
    return {(paths[one.path], one.posted.asset): one.posted.units for one in found}


def transfers_of(row: Mapping[str, Any], parts: Mapping[str, Any], city_id: int) -> list[Transfer]:
    """The transfers of one statement as one chain; none when nothing was netted.

    What he owes for points, what was held and what was wrong meet on due/<partner>; the rest leaves it.
    """
    book, due = Book.programme(row["programme_id"]), ledger.chart.due(row["party_id"])
    key, asset, number = key_of(row["run_id"], row["party_id"]), row["asset"], f"clearing/{row['number']}"

    def meet(name: str, units: int, other: Account) -> list[Transfer]:
        if not units:
            return []
        debit, credit = (other, due) if units > 0 else (due, other)
        return [
            Transfer(
                id=derive(key, name), book=book, debit=debit, credit=credit, amount=Amount(abs(units), asset),
                event=EVENT, ref=row["run_id"], rule=number,
            )
        ]  # fmt: skip

    transfers = [
        *meet("postpaid", parts["postpaid"], ledger.chart.receivable(row["party_id"])),
        *meet("released", parts["released"], ledger.chart.disputed(row["party_id"])),
        *meet("correction", parts["correction"], ledger.chart.programme_revenue()),
    ]
    net = row["net_units"]
    if net:
        city, payable = Book.city(city_id), ledger.chart.payable_merchant(row["party_id"])
        ways = (book, due, city, payable) if net > 0 else (city, payable, book, due)
        transfers += across(
            id=derive(key, "net"), source=ways[0], debit=ways[1], target=ways[2], credit=ways[3],
            amount=Amount(abs(net), asset), event=EVENT, ref=row["run_id"], rule=number,
        )  # fmt: skip
    return chain(transfers)


def _facts(row: Mapping[str, Any], city_id: int, now: datetime) -> list[Fact]:
    key = key_of(row["run_id"], row["party_id"])
    payload = {
        "programme": str(row["programme_id"]), "run": str(row["run_id"]), "merchant": str(row["party_id"]),
        "net": row["net_units"], "payable": row["payable_units"], "limit": row["limit_units"], "asset": row["asset"],
    }  # fmt: skip
    topics = ["clearing.posted"]
    if row["payable_units"] < -row["limit_units"]:
        topics.append("clearing.over_limit")
    return [
        Fact(
            fact_id=derive(key, f"fact/{topic}"), city_id=city_id, topic=topic, subject=row["party_id"],
            payload=payload, at=now,
        )
        for topic in topics
    ]  # fmt: skip


async def finish(tx: Tx, programme_ids: Sequence[UUID], *, now: datetime) -> list[int]:
    """Mark the runs of these programmes whose statements are all booked; how many of each."""
    rows = await tx.rows(
        """update clearing.runs r set posted_at = %(now)s
           where r.programme_id = any(%(ids)s::uuid[]) and r.posted_at is null and not exists (
             select 1 from clearing.statements s where s.programme_id = r.programme_id and s.run_id = r.run_id
               and s.posted_at is null and s.party_id <> s.programme_id)
           returning r.programme_id, r.run_id""",
        ids=list(programme_ids), now=now,
    )  # fmt: skip
    await tx.run(
        """update clearing.statements s set posted_at = %(now)s
           where s.programme_id = any(%(ids)s::uuid[]) and s.run_id = any(%(runs)s::uuid[])
             and s.party_id = s.programme_id and s.posted_at is null""",
        ids=list(programme_ids), runs=[row["run_id"] for row in rows], now=now,
    )  # fmt: skip
    counts = [row["programme_id"] for row in rows]
    return [counts.count(one) for one in programme_ids]
