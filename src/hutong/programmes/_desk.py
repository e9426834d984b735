"""Wallets as they stand while a list of requests is decided in order: nothing here touches the database.

What is changed is kept; `operations._store.flush` writes it with one statement for each kind of row.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Account, Book, Transfer, across, chain, chart
from hutong.programmes._rows import DebtRow, DrawRow, LotRow, MoveRow, WalletRow, account_of, partner_of
from hutong.programmes.model import Programme

Key = tuple[UUID, UUID]  # member, programme


class Desk:
    """The wallets of a set under their locks, and what is to be written."""

    def __init__(self, programmes: dict[UUID, Programme], now: datetime) -> None:
        self.programmes, self.now = programmes, now
        self.wallets: dict[Key, WalletRow] = {}
        self.lots: dict[UUID, LotRow] = {}
        self.debts: dict[UUID, DebtRow] = {}
        self.draws: dict[tuple[UUID, UUID], DrawRow] = {}  # lot, movement
        self.moves: dict[Key, MoveRow] = {}  # programme, movement
        self._of: dict[Key, list[LotRow]] = {}
        self._owed: dict[Key, list[DebtRow]] = {}
        self.new_moves: dict[Key, MoveRow] = {}
        self.changed_moves: dict[Key, MoveRow] = {}
        self.changed_wallets: set[Key] = set()
        self.new_lots: set[UUID] = set()
        self.changed_lots: set[UUID] = set()  # among them those that are new
        self.changed_draws: set[tuple[UUID, UUID]] = set()
        self.changed_debts: set[UUID] = set()
        self.campaign_use: dict[Key, int] = {}  # programme, campaign -> points more (or less)
        self.transfers: list[Transfer] = []

    # What is known

    def know_lots(self, rows: Iterable[LotRow]) -> None:
        """Lots as they were read; one that is known already stays as it is."""
        for row in rows:
            if row.lot_id not in self.lots:
                self.lots[row.lot_id] = row
                self._of.setdefault((row.member_id, row.programme_id), []).append(row)

    def know_debts(self, rows: Iterable[DebtRow]) -> None:
        for row in rows:
            if row.debt_id not in self.debts:
                self.debts[row.debt_id] = row
                self._owed.setdefault((row.member_id, row.programme_id), []).append(row)

    def open_lots(self, key: Key, state: str) -> list[LotRow]:
        """The lots of a wallet with points in them, the first to end first."""
        mine = [lot for lot in self._of.get(key, ()) if lot.rest and lot.state == state]
        return sorted(mine, key=lambda lot: (lot.expires_at, lot.lot_id))

    def open_debts(self, key: Key) -> list[DebtRow]:
        return sorted((debt for debt in self._owed.get(key, ()) if debt.rest), key=lambda d: (d.at, d.debt_id))

    def wallet(self, member_id: UUID, programme_id: UUID) -> WalletRow:
        """The wallet, to be changed."""
        self.changed_wallets.add((member_id, programme_id))
        return self.wallets[member_id, programme_id]

    # Changes

    def add_lot(self, lot: LotRow) -> None:
        self.know_lots([lot])
        self.new_lots.add(lot.lot_id)
        self.changed_lots.add(lot.lot_id)
        wallet = self.wallet(lot.member_id, lot.programme_id)
        if lot.state == "pending":
            wallet.pending += lot.points
        else:
            wallet.available += lot.points

    def add_move(self, move: MoveRow) -> None:
        self.moves[move.programme_id, move.movement_id] = move
        self.new_moves[move.programme_id, move.movement_id] = move

    def change_move(self, move: MoveRow) -> None:
        key = move.programme_id, move.movement_id
        if key not in self.new_moves:
            self.changed_moves[key] = move

    def draw(self, lot: LotRow, movement_id: UUID, kind: str, points: int) -> None:
        """Take points out of a lot and its wallet."""
        lot.rest -= points
        self.changed_lots.add(lot.lot_id)
        wallet = self.wallet(lot.member_id, lot.programme_id)
        if lot.state == "pending":
            wallet.pending -= points
        else:
            wallet.available -= points
        key = lot.lot_id, movement_id
        if key in self.draws:
            self.draws[key].points += points
        else:
            self.draws[key] = DrawRow(
                member_id=lot.member_id, lot_id=lot.lot_id, movement_id=movement_id, programme_id=lot.programme_id,
                kind=kind, points=points, at=self.now,
            )  # fmt: skip
        self.changed_draws.add(key)

    def put_back(self, draw: DrawRow, points: int) -> None:
        """Points of a draw return to their lot."""
        draw.back += points
        self.changed_draws.add((draw.lot_id, draw.movement_id))
        lot = self.lots[draw.lot_id]
        lot.rest += points
        self.changed_lots.add(lot.lot_id)
        self.wallet(lot.member_id, lot.programme_id).available += points

    def draws_of(self, movement_id: UUID) -> list[DrawRow]:
        """The draws of a movement, the lot that ends first first."""
        mine = [draw for (_, movement), draw in self.draws.items() if movement == movement_id]
        return sorted(mine, key=lambda draw: (self.lots[draw.lot_id].expires_at, draw.lot_id))

    def mature(self, lot: LotRow) -> None:
        wallet = self.wallet(lot.member_id, lot.programme_id)
        wallet.pending -= lot.rest
        wallet.available += lot.rest
        lot.state = "available"
        self.changed_lots.add(lot.lot_id)

    def pay_debts(self, key: Key, rule: str = "") -> None:
        """What has become available pays what is owed, the oldest debt first: the money goes to who waited for it."""
        wallet = self.wallets[key]
        if not wallet.debt:
            return
        for lot in self.open_lots(key, "available"):
            for debt in self.open_debts(key):
                points = min(lot.rest, debt.rest)
                if points:
                    self._pay(wallet, lot, debt, points, rule)

    def _pay(self, wallet: WalletRow, lot: LotRow, debt: DebtRow, points: int, rule: str) -> None:
        programme = self.programmes[debt.programme_id]
        funder_id, mode = partner_of(debt)
        movement_id, money = derive(debt.debt_id, f"paid/{debt.points - debt.rest}"), points * programme.face_units
        move = MoveRow(
            programme_id=debt.programme_id, movement_id=movement_id, kind="debt_paid", member_id=debt.member_id,
            partner_id=debt.partner_id, funder_id=funder_id, mode=mode, source_kind=lot.source_kind,
            source_ref=lot.source_ref, parent_id=debt.movement_id, points=points, units=money, rule=rule or lot.rule,
            funded_units=money if funder_id is not None else 0, at=self.now,
        )  # fmt: skip
        self.add_move(move)
        self.draw(lot, movement_id, "debt_paid", points)
        debt.rest -= points
        wallet.debt -= points
        self.changed_debts.add(debt.debt_id)
        pid = debt.programme_id
        inside = Transfer(
            id=derive(movement_id, "points"), book=Book.member(debt.member_id), debit=chart.points_available(pid),
            credit=chart.points_debt(pid), amount=Amount(points, programme.asset), event="programmes.debt_paid",
            ref=movement_id, rule=move.rule,
        )  # fmt: skip
        self.post(inside, self.money(move, "money", chart.reserve(), self.fund(debt, back=points), money))

    def fund(self, row: LotRow | DebtRow, *, back: int = 0) -> Account:
        """The account behind points; `back`: points whose money returns to it (a campaign may give them again)."""
        if row.fund == "campaign" and back:
            assert row.campaign_id is not None
            self.use_campaign(row.programme_id, row.campaign_id, -back)
        return account_of(row.fund, row.partner_id, row.campaign_id)

    def use_campaign(self, programme_id: UUID, campaign_id: UUID, points: int) -> None:
        key = programme_id, campaign_id
        self.campaign_use[key] = self.campaign_use.get(key, 0) + points

    # Postings

    def post(self, *transfers: Transfer | None) -> None:
        """One chain; those without an amount are left out."""
        self.transfers.extend(chain([one for one in transfers if one is not None]))

    def money(self, move: MoveRow, label: str, debit: Account, credit: Account, units: int) -> Transfer | None:
        """Money in the programme's book."""
        if not units:
            return None
        return Transfer(
            id=derive(move.movement_id, label), book=Book.programme(move.programme_id), debit=debit, credit=credit,
            amount=Amount(units, self.programmes[move.programme_id].currency), event=f"programmes.{move.kind}",
            ref=move.movement_id, rule=move.rule,
        )  # fmt: skip

    def points(
        self, move: MoveRow, label: str, account: Account, contra: Account, units: int, *, to_member: bool = False,
        step: str = "post",
    ) -> list[Transfer]:  # fmt: skip
        """Points between a member's book and the programme's."""
        if not units:
            return []
        member, programme = Book.member(move.member_id), Book.programme(move.programme_id)
        source, target = (programme, member) if to_member else (member, programme)
        debit, credit = (contra, account) if to_member else (account, contra)
        resolves = step in ("post_pending", "void_pending")
        return across(
            id=derive(move.movement_id, step if resolves else label), source=source, debit=debit, target=target,
            credit=credit, amount=Amount(units, self.programmes[move.programme_id].asset),
            event=f"programmes.{move.kind}", ref=move.movement_id, rule=move.rule, step=step,  # type: ignore[arg-type]
            pending_id=derive(move.movement_id, label) if resolves else None,
        )  # fmt: skip
