"""Payments: opened by the merchant, captured by the payer on the pay page, closed by the merchant or by time."""

import secrets
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from hutong.cli.sandboxpay.callbacks import Postman
from hutong.cli.sandboxpay.script import Script
from hutong.cli.sandboxpay.store import Row, Store, stamp
from hutong.cli.sandboxpay.trouble import Trouble, number_reused, unknown_number
from hutong.kit.money import SCALES, Amount

FEE_PER_MILLE = 6

Number = Annotated[str, Meta(min_length=6, max_length=64, pattern="^[A-Za-z0-9_-]+$")]
Units = Annotated[int, Meta(gt=0, le=10**12)]
Address = Annotated[str, Meta(max_length=500, pattern="^https?://")]


class PaymentAsk(Struct, frozen=True, kw_only=True):
    """POST /v1/payments."""

    out_no: Number
    amount: Units
    asset: str
    description: Annotated[str, Meta(max_length=200)]
    notify_url: Address
    return_url: Address
    expires_at: datetime


class Payments:
    """All operations on payments; each is one transaction of the store."""

    def __init__(self, store: Store, script: Script, postman: Postman, base_url: str) -> None:
        self._store, self._script, self._postman, self._base = store, script, postman, base_url

    def open(self, ask: PaymentAsk) -> Row:
        """A new payment, or the one that this number already has."""
        if ask.asset not in SCALES:
            raise Trouble(422, "unknown_asset", f"{ask.asset} is not accepted")
        if ask.expires_at.tzinfo is None:
            raise Trouble(422, "bad_input", "expires_at needs a time zone")
        with self._store.writing():
            known = self._find(ask.out_no)
            if known is None:
                known = self._insert(ask)
            elif (known["amount"], known["asset"]) != (ask.amount, ask.asset):
                raise number_reused(ask.out_no)
        return self.show(known)

    def _insert(self, ask: PaymentAsk) -> Row:
        now = self._store.clock.now()
        if ask.expires_at <= now:
            raise Trouble(409, "expired", "expires_at is in the past")
        self._store.run(
            """insert into payment (out_no, provider_no, token, amount, asset, description, notify_url, return_url,
                                    expires_at, created_at, state)
               values (:out_no, :provider_no, :token, :amount, :asset, :description, :notify_url, :return_url,
                       :expires_at, :now, 'unpaid')""",
            out_no=ask.out_no,
            provider_no="SP" + now.strftime("%Y%m%d") + secrets.token_hex(10),
            token=secrets.token_urlsafe(24),
            amount=ask.amount,
            asset=ask.asset,
            description=ask.description,
            notify_url=ask.notify_url,
            return_url=ask.return_url,
            expires_at=stamp(ask.expires_at),
            now=stamp(now),
        )
        return self._need(ask.out_no)

    def query(self, out_no: str) -> Row:
        """What is true about a number now."""
        with self._store.writing():
            self._expire("and out_no = :out_no", out_no=out_no)
            return self.show(self._need(out_no))

    def close(self, out_no: str) -> Row:
        """No payer can pay it any more. Refused when it is captured."""
        with self._store.writing():
            payment = self._need(out_no)
            if payment["state"] == "captured":
                raise Trouble(409, "already_captured", f"{out_no} has been paid")
            if payment["state"] == "unpaid":
                self._close(payment)
            return self.show(self._need(out_no))

    def of_token(self, token: str) -> Row:
        """The payment behind a pay page."""
        with self._store.writing():
            self._expire("and token = :token", token=token)
            found = self._store.row("select * from payment where token = :token", token=token)
        if found is None:
            raise unknown_number("this payment")
        return found

    def capture(self, token: str) -> Row:
        """The payer pays. However often the button is pressed, the money moves once."""
        payment = self.of_token(token)
        with self._store.writing():
            wrong = self._script.take("wrong_amount", [payment["out_no"]], "capture")
            units = max(1, payment["amount"] + (wrong.delta if wrong else 0))
            now = self._store.now()
            changed = self._store.run(
                """update payment set state = 'captured', captured = :units, settled_at = :now
                   where token = :token and state = 'unpaid' and expires_at > :now""",
                units=units,
                now=now,
                token=token,
            )
            if changed:
                self._log(payment, units, now)
                self._announce("payment.captured", payment["out_no"])
        return self.of_token(token)

    def sweep(self) -> None:
        """Closes what ran out of time."""
        with self._store.writing():
            self._expire("")

    def show(self, payment: Row) -> Row:
        """A payment as the API and the callbacks tell it."""
        return {
            "out_no": payment["out_no"],
            "provider_no": payment["provider_no"],
            "state": payment["state"],
            "amount": payment["captured"] if payment["state"] == "captured" else payment["amount"],
            "asset": payment["asset"],
            "pay_url": f"{self._base}/pay/{payment['token']}",
            "settled_at": payment["settled_at"],
        }

    def _find(self, out_no: str) -> Row | None:
        return self._store.row("select * from payment where out_no = :out_no", out_no=out_no)

    def _need(self, out_no: str) -> Row:
        found = self._find(out_no)
        if found is None:
            raise unknown_number(out_no)
        return found

    def _expire(self, which: str, **params: str) -> None:
        late = self._store.rows(
            f"select * from payment where state = 'unpaid' and expires_at <= :now {which}",
            now=self._store.now(),
            **params,
        )
        for payment in late:
            self._close(payment)

    def _close(self, payment: Row) -> None:
        self._store.run(
            "update payment set state = 'closed', settled_at = :now where out_no = :out_no and state = 'unpaid'",
            now=self._store.now(),
            out_no=payment["out_no"],
        )
        self._announce("payment.closed", payment["out_no"])

    def _announce(self, kind: str, out_no: str) -> None:
        payment = self._need(out_no)
        self._postman.post(kind, [out_no], payment["notify_url"], self.show(payment))

    def _log(self, payment: Row, units: int, now: str) -> None:
        self._store.run(
            """insert into effect (kind, number, out_no, provider_no, amount, asset, fee, at)
               values ('capture', :out_no, :out_no, :provider_no, :units, :asset, :fee, :now)""",
            out_no=payment["out_no"],
            provider_no=payment["provider_no"],
            units=units,
            asset=payment["asset"],
            fee=Amount(units, payment["asset"]).part(FEE_PER_MILLE, 1000).units,
            now=now,
        )
