"""What the provider took before its memory begins: handed over once in a file, as when a merchant moves from one of its
machines to another. It is money like any other afterwards: on the bills of its days, refundable, and in the balance."""

import secrets
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from hutong.cli.sandboxpay.payments import FEE_PER_MILLE, Number, Units
from hutong.cli.sandboxpay.store import Store, stamp
from hutong.kit.money import Amount


class PastRefund(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that went back."""

    refund_no: Number
    provider_no: str
    amount: Units
    reason: str
    at: datetime


class PastPayment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment that was captured, and what went back of it."""

    out_no: Number
    provider_no: str
    amount: Units
    asset: str
    description: str
    notify_url: str
    at: datetime
    refunds: tuple[PastRefund, ...] = ()


def remember(store: Store, path: Path) -> int:
    """Put the payments of a file (a JSON list) into the memory; how many were new. A number that is known stays."""
    found = msgspec.json.decode(path.read_bytes(), type=list[PastPayment])
    with store.writing():
        return sum(_remember(store, one) for one in found)


def _remember(store: Store, one: PastPayment) -> bool:
    back = sum(refund.amount for refund in one.refunds)
    new = store.run(
        """insert into payment (out_no, provider_no, token, amount, asset, description, notify_url, return_url,
                                expires_at, created_at, state, captured, refunding, settled_at)
           values (:out_no, :provider_no, :token, :amount, :asset, :description, :notify_url, :notify_url,
                   :at, :at, 'captured', :amount, :back, :at) on conflict (out_no) do nothing""",
        out_no=one.out_no, provider_no=one.provider_no, token=secrets.token_urlsafe(24), amount=one.amount,
        asset=one.asset, description=one.description, notify_url=one.notify_url, at=stamp(one.at), back=back,
    )  # fmt: skip
    if new:
        fee = Amount(one.amount, one.asset).part(FEE_PER_MILLE, 1000).units
        _log(store, one, "capture", one.out_no, one.provider_no, one.amount, fee, one.at)
    for refund in one.refunds if new else ():
        store.run(
            """insert into refund (refund_no, provider_no, out_no, amount, asset, reason, created_at, state, settle_at,
                                   settled_at)
               values (:refund_no, :provider_no, :out_no, :amount, :asset, :reason, :at, 'done', :at, :at)""",
            refund_no=refund.refund_no, provider_no=refund.provider_no, out_no=one.out_no, amount=refund.amount,
            asset=one.asset, reason=refund.reason, at=stamp(refund.at),
        )  # fmt: skip
        _log(store, one, "refund", refund.refund_no, refund.provider_no, refund.amount, 0, refund.at)
    return bool(new)


def _log(
    store: Store, one: PastPayment, kind: str, number: str, provider_no: str, units: int, fee: int, at: datetime
) -> None:
    store.run(
        """insert into effect (kind, number, out_no, provider_no, amount, asset, fee, at)
           values (:kind, :number, :out_no, :provider_no, :units, :asset, :fee, :at)""",
        kind=kind, number=number, out_no=one.out_no, provider_no=provider_no, units=units, asset=one.asset, fee=fee,
        at=stamp(at),
    )  # fmt: skip
