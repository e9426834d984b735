"""Refunds of captured payments and payouts from the merchant's balance. Both may take a while, both may fail."""

import secrets
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hutong.cli.sandboxpay.callbacks import Postman
from hutong.cli.sandboxpay.payments import Number, Units
from hutong.cli.sandboxpay.script import Script
from hutong.cli.sandboxpay.store import Row, Store, stamp
from hutong.cli.sandboxpay.trouble import Trouble, number_reused, unknown_number

Kind = Literal["refund", "payout"]


class RefundAsk(Struct, frozen=True, kw_only=True):
    """POST /v1/refunds."""

    refund_no: Number
    out_no: Number
    amount: Units
    reason: Annotated[str, Meta(max_length=200)]


class PayoutAsk(Struct, frozen=True, kw_only=True):
    """POST /v1/payouts. `account` is the receiver's reference, e.g. bank:6222000011112222."""

    payout_no: Number
    account: Annotated[str, Meta(min_length=3, max_length=100)]
    amount: Units
    asset: str
    notify_url: Annotated[str, Meta(max_length=500, pattern="^(https?://|$)")] = ""


class MoneyOut:
    """Refunds and payouts; each operation is one transaction of the store."""

    def __init__(self, store: Store, script: Script, postman: Postman) -> None:
        self._store, self._script, self._postman = store, script, postman

    def refund(self, ask: RefundAsk) -> Row:
        """A new refund, or the one that this number already has. Never more than was captured."""
        with self._store.writing():
            known = self._find("refund", ask.refund_no)
            if known is None:
                self._insert_refund(ask)
            elif (known["out_no"], known["amount"]) != (ask.out_no, ask.amount):
                raise number_reused(ask.refund_no)
            self._settle("refund")
            return self._show("refund", self._need("refund", ask.refund_no))

    def pay_out(self, ask: PayoutAsk) -> Row:
        """A new payout, or the one that this number already has. Never more than the balance."""
        with self._store.writing():
            known = self._find("payout", ask.payout_no)
            if known is None:
                self._insert_payout(ask)
            elif (known["account"], known["amount"], known["asset"]) != (ask.account, ask.amount, ask.asset):
                raise number_reused(ask.payout_no)
            self._settle("payout")
            return self._show("payout", self._need("payout", ask.payout_no))

    def query(self, kind: Kind, number: str) -> Row:
        """What is true about a refund or payout number now."""
        with self._store.writing():
            self._settle(kind)
            return self._show(kind, self._need(kind, number))

    def sweep(self) -> None:
        """Finishes what was in processing."""
        with self._store.writing():
            self._settle("refund")
            self._settle("payout")

    def _insert_refund(self, ask: RefundAsk) -> None:
        payment = self._store.row("select * from payment where out_no = :out_no", out_no=ask.out_no)
        if payment is None:
            raise unknown_number(ask.out_no)
        if payment["state"] != "captured":
            raise Trouble(409, "not_captured", f"{ask.out_no} has not been paid")
        left = payment["captured"] - payment["refunding"]
        if ask.amount > left:
            raise Trouble(409, "refund_exceeds_captured", f"{left} of {ask.out_no} is left to refund")
        self._store.run(
            "update payment set refunding = refunding + :amount where out_no = :out_no",
            amount=ask.amount,
            out_no=ask.out_no,
        )
        numbers = [ask.refund_no, ask.out_no]
        self._store.run(
            """insert into refund (refund_no, provider_no, out_no, amount, asset, reason, created_at, state,
                                   failure, settle_at)
               values (:refund_no, :provider_no, :out_no, :amount, :asset, :reason, :now, 'processing',
                       :failure, :settle_at)""",
            refund_no=ask.refund_no,
            provider_no="SR" + secrets.token_hex(14),
            out_no=ask.out_no,
            amount=ask.amount,
            asset=payment["asset"],
            reason=ask.reason,
            now=self._store.now(),
            failure="account_closed" if self._script.take("refund_fails", numbers, "refund") else None,
            settle_at=self._settle_at(numbers, "refund"),
        )

    def _insert_payout(self, ask: PayoutAsk) -> None:
        left = self._balance(ask.asset)
        if ask.amount > left:
            raise Trouble(409, "insufficient_balance", f"the balance is {left} {ask.asset}")
        numbers = [ask.payout_no]
        self._store.run(
            """insert into payout (payout_no, provider_no, account, amount, asset, notify_url, created_at, state,
                                   failure, settle_at)
               values (:payout_no, :provider_no, :account, :amount, :asset, :notify_url, :now, 'processing',
                       :failure, :settle_at)""",
            payout_no=ask.payout_no,
            provider_no="SO" + secrets.token_hex(14),
            account=ask.account,
            amount=ask.amount,
            asset=ask.asset,
            notify_url=ask.notify_url,
            now=self._store.now(),
            failure="account_closed" if self._script.take("payout_fails", numbers, "payout") else None,
            settle_at=self._settle_at(numbers, "payout"),
        )

    def _balance(self, asset: str) -> int:
        """Captured less fees, less what went or is going out."""
        found = self._store.row(
            """select coalesce(sum(case kind when 'capture' then amount - fee else -amount end), 0)
                      - (select coalesce(sum(amount), 0) from payout where state = 'processing' and asset = :asset)
                      - (select coalesce(sum(amount), 0) from refund where state = 'processing' and asset = :asset)
                      as units
               from effect where asset = :asset""",
            asset=asset,
        )
        return int(found["units"]) if found else 0

    def _settle_at(self, numbers: list[str], action: Kind) -> str:
        slow = self._script.take("slow", numbers, action)
        return stamp(self._store.clock.now() + timedelta(seconds=slow.seconds if slow else 0))

    def _settle(self, kind: Kind) -> None:
        """Moves the money of everything whose time has come."""
        now = self._store.now()
        due = self._store.rows(f"select * from {kind} where state = 'processing' and settle_at <= :now", now=now)
        for row in due:
            number = row[f"{kind}_no"]
            state = "failed" if row["failure"] else "done"
            self._store.run(
                f"update {kind} set state = :state, settled_at = :now where {kind}_no = :number",
                state=state,
                now=now,
                number=number,
            )
            if state == "done":
                self._log(kind, row, now)
            elif kind == "refund":
                self._store.run(
                    "update payment set refunding = refunding - :amount where out_no = :out_no",
                    amount=row["amount"],
                    out_no=row["out_no"],
                )
            self._announce(kind, number)

    def _announce(self, kind: Kind, number: str) -> None:
        row = self._need(kind, number)
        if kind == "refund":
            payment = self._store.row("select notify_url from payment where out_no = :out_no", out_no=row["out_no"])
            address, numbers = (payment["notify_url"] if payment else ""), [number, row["out_no"]]
        else:
            address, numbers = row["notify_url"], [number]
        if address:
            self._postman.post(f"{kind}.{row['state']}", numbers, address, self._show(kind, row))

    def _log(self, kind: Kind, row: Row, now: str) -> None:
        self._store.run(
            """insert into effect (kind, number, out_no, provider_no, amount, asset, fee, at)
               values (:kind, :number, :out_no, :provider_no, :amount, :asset, 0, :now)""",
            kind=kind,
            number=row[f"{kind}_no"],
            out_no=row.get("out_no", ""),
            provider_no=row["provider_no"],
            amount=row["amount"],
            asset=row["asset"],
            now=now,
        )

    def _show(self, kind: Kind, row: Row) -> Row:
        names = [f"{kind}_no", "provider_no", "amount", "asset", "state", "failure", "settled_at"]
        shown = {name: row[name] for name in names}
        if row["state"] == "processing":
            shown["failure"] = None  # the provider itself does not know yet
        shown["out_no" if kind == "refund" else "account"] = row["out_no" if kind == "refund" else "account"]
        return shown

    def _find(self, kind: Kind, number: str) -> Row | None:
        return self._store.row(f"select * from {kind} where {kind}_no = :number", number=number)

    def _need(self, kind: Kind, number: str) -> Row:
        found = self._find(kind, number)
        if found is None:
            raise unknown_number(number)
        return found
