"""How wallets are locked and read, and how what a desk has decided is written: one statement for each kind of row."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from hutong import ledger
from hutong.infra.db import Tx
from hutong.ledger import Posted
from hutong.programmes._desk import Desk, Key
from hutong.programmes._rows import DebtRow, DrawRow, LotRow, MoveRow, WalletRow, columns, unnested

WALLETS = """select m.member_id, m.programme_id, m.pending, m.available, m.held, m.debt, m.growth
  from (select unnest(%(members)s::uuid[]) as member_id, unnest(%(programmes)s::uuid[]) as programme_id) as n
  join programmes.members m on m.member_id = n.member_id and m.programme_id = n.programme_id
 where m.member_id = any(%(members)s::uuid[])
   and cardinality(%(members)s::uuid[]) = (
     select count(*) from (select unnest(%(members)s::uuid[]) as member_id, unnest(%(programmes)s::uuid[]) as programme_id) as w
       join programmes.members x on x.member_id = w.member_id and x.programme_id = w.programme_id)
 order by m.member_id, m.programme_id for no key update of m"""  # noqa: E501
LOT = ", ".join(f"l.{name}" for name in LotRow.__struct_fields__)
DRAW = ", ".join(f"d.{name}" for name in DrawRow.__struct_fields__)
DEBT = ", ".join(f"d.{name}" for name in DebtRow.__struct_fields__)
MOVE = ", ".join(f"m.{name}" for name in MoveRow.__struct_fields__)


async def lock(tx: Tx, keys: Iterable[Key], *, desk: Desk) -> None:
    """Open the wallets that are new and lock all of them in the order of their keys, then the programmes: before
    everything else here. Under these two locks nobody else spends a wallet, a partner's funding, a budget or a cap."""
    wanted = sorted(set(keys))
    if not wanted:
        return
    await _lock_wallets(tx, desk, wanted)
    await tx.rows(
        """select p.programme_id from programmes.programmes p where p.programme_id = any(%(ids)s::uuid[])
            order by p.programme_id for no key update""",
        ids=sorted({programme_id for _, programme_id in wanted}),
    )


async def _lock_wallets(tx: Tx, desk: Desk, wanted: Sequence[Key]) -> None:
    params: dict[str, Any] = {"members": [m for m, _ in wanted], "programmes": [p for _, p in wanted]}
    rows = await tx.rows(WALLETS, **params)
    if not rows:  # one of them is new; nothing is locked yet, so that the order of locks is kept
        await tx.run(
            """insert into programmes.members
                 (member_id, programme_id, pending, available, held, debt, growth, opened_at)
               select n.member_id, n.programme_id, 0, 0, 0, 0, 0, %(now)s
                 from unnest(%(members)s::uuid[], %(programmes)s::uuid[]) as n(member_id, programme_id)
                order by n.member_id, n.programme_id on conflict (member_id, programme_id) do nothing""",
            now=desk.now, **params,
        )  # fmt: skip
        rows = await tx.rows(WALLETS, **params)
    for row in rows:
        desk.wallets[row["member_id"], row["programme_id"]] = WalletRow(**row)


async def load_open(tx: Tx, desk: Desk, keys: Collection[Key]) -> None:
    """The lots with points in them and the open debts of wallets."""
    if not keys:
        return
    members, programmes = sorted({m for m, _ in keys}), sorted({p for _, p in keys})
    lots = await tx.rows(
        f"""select {LOT} from programmes.lots l where l.member_id = any(%(members)s::uuid[])
            and l.programme_id = any(%(programmes)s::uuid[]) and l.rest > 0""",
        members=members, programmes=programmes,
    )  # fmt: skip
    desk.know_lots(LotRow(**row) for row in lots)
    if any(desk.wallets[key].debt for key in keys if key in desk.wallets):
        await load_debts(tx, desk, keys)


async def load_debts(tx: Tx, desk: Desk, keys: Collection[Key]) -> None:
    """The open debts of wallets."""
    debts = await tx.rows(
        f"""select {DEBT} from programmes.debts d where d.member_id = any(%(members)s::uuid[])
            and d.programme_id = any(%(programmes)s::uuid[]) and d.rest > 0""",
        members=sorted({m for m, _ in keys}), programmes=sorted({p for _, p in keys}),
    )  # fmt: skip
    desk.know_debts(DebtRow(**row) for row in debts)


async def load_lots(tx: Tx, desk: Desk, lot_ids: Collection[UUID], members: Collection[UUID]) -> None:
    """Certain lots."""
    rows = await tx.rows(
        f"""select {LOT} from programmes.lots l
             where l.member_id = any(%(members)s::uuid[]) and l.lot_id = any(%(ids)s::uuid[])""",
        members=sorted(set(members)), ids=sorted(set(lot_ids)),
    )  # fmt: skip
    desk.know_lots(LotRow(**row) for row in rows)


async def load_lots_of(tx: Tx, desk: Desk, movement_ids: Collection[UUID], members: Collection[UUID]) -> None:
    """All lots that came of these movements, empty ones too."""
    if movement_ids:
        rows = await tx.rows(
            f"""select {LOT} from programmes.lots l where l.member_id = any(%(members)s::uuid[])
                and l.movement_id = any(%(ids)s::uuid[])""",
            members=sorted(set(members)), ids=sorted(set(movement_ids)),
        )  # fmt: skip
        desk.know_lots(LotRow(**row) for row in rows)


async def load_draws_of(tx: Tx, desk: Desk, movement_ids: Collection[UUID], members: Collection[UUID]) -> None:
    """The draws of movements with their lots."""
    if not movement_ids:
        return
    params = {"members": sorted(set(members)), "ids": sorted(set(movement_ids))}
    lots = await tx.rows(
        f"""select {LOT} from programmes.lots l where l.member_id = any(%(members)s::uuid[]) and l.lot_id in (
              select d.lot_id from programmes.draws d
               where d.member_id = any(%(members)s::uuid[]) and d.movement_id = any(%(ids)s::uuid[]))""",
        **params,
    )
    desk.know_lots(LotRow(**row) for row in lots)
    draws = await tx.rows(
        f"""select {DRAW} from programmes.draws d
             where d.member_id = any(%(members)s::uuid[]) and d.movement_id = any(%(ids)s::uuid[])""",
        **params,
    )
    for row in draws:
        desk.draws.setdefault((row["lot_id"], row["movement_id"]), DrawRow(**row))


async def load_moves(tx: Tx, desk: Desk, programme_ids: Collection[UUID], ids: Collection[UUID]) -> None:
    """The movements with these ids."""
    rows = await tx.rows(
        f"""select {MOVE} from programmes.movements m
             where m.programme_id = any(%(programmes)s::uuid[]) and m.movement_id = any(%(ids)s::uuid[])""",
        programmes=sorted(set(programme_ids)), ids=sorted(set(ids)),
    )  # fmt: skip
    for row in rows:
        desk.moves[row["programme_id"], row["movement_id"]] = MoveRow(**row)


async def load_earns(
    tx: Tx, desk: Desk, programme_ids: Collection[UUID], refs: Collection[UUID]
) -> dict[tuple[UUID, str, UUID], MoveRow]:
    """The earns of sources by (programme, kind of source, its id)."""
    rows = await tx.rows(
        f"""select {MOVE} from programmes.movements m where m.programme_id = any(%(programmes)s::uuid[])
             and m.source_ref = any(%(refs)s::uuid[]) and m.kind = 'earn'""",
        programmes=sorted(set(programme_ids)), refs=sorted(set(refs)),
    )  # fmt: skip
    found: dict[tuple[UUID, str, UUID], MoveRow] = {}
    for row in rows:
        move = desk.moves.setdefault((row["programme_id"], row["movement_id"]), MoveRow(**row))
        found[move.programme_id, move.source_kind, move.source_ref] = move
    return found


async def flush(tx: Tx, desk: Desk) -> None:
    """Write what was decided: wallets, lots, debts, draws, movements, campaigns, and the books last."""
    await _write_wallets(tx, desk)
    await _write_lots(tx, desk)
    await _write_moves(tx, desk)
    await _write_campaigns(tx, desk)
    await post(tx, desk)


async def post(tx: Tx, desk: Desk) -> None:
    """The books. What they refuse here was decided wrongly above, so nothing of the set may stand."""
    if not desk.transfers:
        return
    results = await ledger.post(tx, desk.transfers, now=desk.now)
    for transfer, result in zip(desk.transfers, results, strict=True):
        if not isinstance(result, Posted):
            raise RuntimeError(f"the books refuse {transfer.event} of {transfer.ref}: {result!r}")


async def _write_wallets(tx: Tx, desk: Desk) -> None:
    rows = [desk.wallets[key] for key in sorted(desk.changed_wallets)]
    if rows:
        await tx.send(
            f"""update programmes.members as m
                   set pending = n.pending, available = n.available, held = n.held, debt = n.debt, growth = n.growth
                  from {unnested(WalletRow)}
                 where m.member_id = n.member_id and m.programme_id = n.programme_id""",
            **columns(WalletRow, rows),
        )


async def _write_lots(tx: Tx, desk: Desk) -> None:
    if new := [desk.lots[lot_id] for lot_id in sorted(desk.new_lots)]:
        names = ", ".join(LotRow.__struct_fields__)
        await tx.send(
            f"insert into programmes.lots ({names}) select {names} from {unnested(LotRow)}", **columns(LotRow, new)
        )
    if changed := [desk.lots[lot_id] for lot_id in sorted(desk.changed_lots - desk.new_lots)]:
        await tx.send(
            """update programmes.lots as l set rest = n.rest, state = n.state
                 from unnest(%(members)s::uuid[], %(ids)s::uuid[], %(rests)s::bigint[], %(states)s::text[])
                   as n(member_id, lot_id, rest, state)
                where l.member_id = n.member_id and l.lot_id = n.lot_id""",
            members=[lot.member_id for lot in changed], ids=[lot.lot_id for lot in changed],
            rests=[lot.rest for lot in changed], states=[lot.state for lot in changed],
        )  # fmt: skip
    if draws := [desk.draws[key] for key in sorted(desk.changed_draws)]:
        names = ", ".join(DrawRow.__struct_fields__)
        await tx.send(
            f"""insert into programmes.draws as d ({names}) select {names} from {unnested(DrawRow)}
                on conflict (member_id, lot_id, movement_id)
                do update set points = excluded.points, back = excluded.back""",
            **columns(DrawRow, draws),
        )
    if debts := [desk.debts[key] for key in sorted(desk.changed_debts)]:
        names = ", ".join(DebtRow.__struct_fields__)
        await tx.send(
            f"""insert into programmes.debts as d ({names}) select {names} from {unnested(DebtRow)}
                on conflict (member_id, debt_id) do update set rest = excluded.rest""",
            **columns(DebtRow, debts),
        )


async def _write_moves(tx: Tx, desk: Desk) -> None:
    if new := list(desk.new_moves.values()):
        names = ", ".join(MoveRow.__struct_fields__)
        given = columns(MoveRow, new)
        given["how"] = [None if how is None else Jsonb(how) for how in given["how"]]
        await tx.send(
            f"insert into programmes.movements ({names}) select {names} from {unnested(MoveRow)}",
            rival="programmes.movements",
            **given,
        )
    if changed := [desk.changed_moves[key] for key in sorted(desk.changed_moves)]:
        await tx.send(
            """update programmes.movements as m
                  set state = n.state, undone = n.undone, worth_back = n.worth_back, base_back = n.base_back,
                      bonus_back = n.bonus_back, campaign_back = n.campaign_back, ended_at = n.ended_at
                 from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(states)s::text[], %(undone)s::bigint[],
                             %(worth)s::bigint[], %(base)s::bigint[], %(bonus)s::bigint[], %(campaign)s::bigint[],
                             %(ended)s::timestamptz[])
                   as n(programme_id, movement_id, state, undone, worth_back, base_back, bonus_back, campaign_back,
                        ended_at)
                where m.programme_id = n.programme_id and m.movement_id = n.movement_id""",
            programmes=[m.programme_id for m in changed], ids=[m.movement_id for m in changed],
            states=[m.state for m in changed], undone=[m.undone for m in changed],
            worth=[m.worth_back for m in changed],
            base=[m.base_back for m in changed], bonus=[m.bonus_back for m in changed],
            campaign=[m.campaign_back for m in changed], ended=[m.ended_at for m in changed],
        )  # fmt: skip


async def _write_campaigns(tx: Tx, desk: Desk) -> None:
    used = {key: points for key, points in desk.campaign_use.items() if points}
    if used:
        keys: Sequence[Key] = sorted(used)
        await tx.send(
            """update programmes.campaigns as c set used_points = c.used_points + n.points
                 from unnest(%(programmes)s::uuid[], %(ids)s::uuid[], %(points)s::bigint[])
                   as n(programme_id, campaign_id, points)
                where c.programme_id = n.programme_id and c.campaign_id = n.campaign_id""",
            programmes=[p for p, _ in keys], ids=[c for _, c in keys], points=[used[key] for key in keys],
        )  # fmt: skip
