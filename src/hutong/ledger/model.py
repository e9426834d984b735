"""What a list of transfers does to the books: decided here, in order, without touching anything."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from hutong.kit.refusals import Refusal
from hutong.ledger import refusals as no
from hutong.ledger.values import (
    POSTING,
    RESOLUTIONS,
    UNITS_MAX,
    Account,
    Book,
    Posted,
    Side,
    Step,
    Transfer,
    clearing,
)

AccountKey = tuple[Book, str, str]  # book, path, asset
TransferKey = tuple[Book, UUID]
Result = Posted | Refusal


class Standing(Struct, frozen=True, kw_only=True):
    """What is known of an account: its declaration, its running totals, and its last transfer on each side."""

    side: Side
    may_overdraw: bool
    version: int = 0  # legs so far, on either side
    debits_posted: int = 0
    debits_pending: int = 0
    last_debit: UUID | None = None  # the transfer that stated its debits
    credits_posted: int = 0
    credits_pending: int = 0
    last_credit: UUID | None = None

    def available(self) -> int:
        """Units that may still leave the account, what is reserved being gone already."""
        if self.side == "credit":
            return self.credits_posted - self.debits_posted - self.debits_pending
        return self.debits_posted - self.credits_posted - self.credits_pending

    def balance(self) -> int:
        """Posted units on its normal side; below zero when it is overdrawn."""
        net = self.credits_posted - self.debits_posted
        return net if self.side == "credit" else -net


class Known(Struct, frozen=True, kw_only=True):
    """A transfer that stands in the books. Times are not content: a retry comes later and is the same."""

    asset: str
    units: int
    debit_path: str
    credit_path: str
    step: Step
    pending_id: UUID | None
    event: str
    ref: UUID
    rule: str
    twin: Book | None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, t: Transfer) -> "Known":
        return cls(
            asset=t.amount.asset, units=t.amount.units, debit_path=t.debit.path, credit_path=t.credit.path, step=t.step,
            pending_id=t.pending_id, event=t.event, ref=t.ref, rule=t.rule, twin=t.twin, expires_at=t.expires_at,
        )  # fmt: skip

    def same(self, t: Transfer) -> bool:
        return replace(self, expires_at=None) == replace(Known.of(t), expires_at=None)


class State(Struct):
    """What must be known to decide: every account and every transfer and reserve that the list names."""

    accounts: dict[AccountKey, Standing] = field(default_factory=dict)
    known: dict[TransferKey, Known] = field(default_factory=dict)
    resolved: dict[TransferKey, Step] = field(default_factory=dict)  # reserve -> how it was resolved


class Entry(Struct, frozen=True):
    """A transfer that will stand in the books, with both accounts before and after it."""

    transfer: Transfer
    released: int  # units of the reserve that it resolves
    chain_id: UUID | None
    debit_before: Standing
    debit: Standing
    credit_before: Standing
    credit: Standing


class Decision(Struct, frozen=True):
    """One result for each transfer of the list, and what is to be written."""

    results: list[Result]
    entries: list[Entry]


def decide(state: State, transfers: Sequence[Transfer], *, now: datetime) -> Decision:
    """Each transfer in order, seeing the effect of those before it; a chain stands or falls as one."""
    desk = _Desk(state, now)
    results: list[Result] = []
    for members in chains(transfers):
        results.extend(desk.settle(members))
    return Decision(results, desk.entries)


def chains(transfers: Sequence[Transfer]) -> Iterator[list[Transfer]]:
    """The list cut into chains; a transfer that is not linked is a chain of one."""
    members: list[Transfer] = []
    for transfer in transfers:
        members.append(transfer)
        if not transfer.linked:
            yield members
            members = []
    if members:
        yield members


def key_of(transfer: Transfer, account: Account) -> AccountKey:
    """Where the running totals of one side of a transfer stand."""
    return transfer.book, account.path, transfer.amount.asset


def malformed(t: Transfer) -> Refusal | None:
    """What is wrong with the transfer whatever the books say."""
    if t.debit.path == t.credit.path:
        return no.AccountsSame(path=t.debit.path)
    if t.amount.units <= 0:
        return no.AmountNotPositive()
    if t.amount.units > UNITS_MAX:
        return no.AmountTooLarge()
    for account in (t.debit, t.credit):
        if account.asset not in (None, t.amount.asset):
            return no.AssetOfAccount(path=account.path, asset=t.amount.asset)
    return None


def untwinned(t: Transfer, members: Sequence[Transfer]) -> Refusal | None:
    """A clearing account moves only together with its counterpart in the other book."""
    debits, credits = t.debit.path.startswith("clearing/"), t.credit.path.startswith("clearing/")
    if t.twin is None:
        return no.TwinMissing() if debits or credits else None
    here, there = clearing(t.twin).path, clearing(t.book).path
    for other in members:
        paths = (t.debit.path, other.credit.path) if debits else (t.credit.path, other.debit.path)
        if (
            debits != credits
            and (other.id, other.book, other.twin) == (t.id, t.twin, t.book)
            and (other.step, other.amount) == (t.step, t.amount)
            and paths == (here, there)
        ):
            return None
    return no.TwinMissing()


class _Desk:
    """The books as they stand after the transfers decided so far."""

    def __init__(self, state: State, now: datetime) -> None:
        self.accounts, self.known, self.resolved = dict(state.accounts), dict(state.known), dict(state.resolved)
        self.now = now
        self.entries: list[Entry] = []
        self._trail: list[tuple[dict[Any, Any], Any, Any]] = []  # how to take back the chain at hand

    def settle(self, members: list[Transfer]) -> list[Result]:
        """One result for each member of a chain."""
        if members[-1].linked:
            return [*(no.LinkedFailed(cause=no.ChainOpen.code) for _ in members[:-1]), no.ChainOpen()]
        self._trail, mark = [], len(self.entries)
        results: list[Result] = []
        for i, transfer in enumerate(members):
            result = self._one(transfer, members)
            if isinstance(result, Refusal):
                self._take_back(mark)
                others = [self._with_failed(other, result) for other in members]
                return [*others[:i], result, *others[i + 1 :]]
            results.append(result)
        return results

    def _with_failed(self, t: Transfer, cause: Refusal) -> Result:
        """What stood in the books before the chain still does; the rest of the chain does not happen."""
        standing = self.known.get((t.book, t.id))
        if standing is not None and standing.same(t):
            return Posted(t.id, replayed=True)
        return no.LinkedFailed(cause=cause.code)

    def _one(self, t: Transfer, members: Sequence[Transfer]) -> Result:
        standing = self.known.get((t.book, t.id))
        if standing is not None:
            return Posted(t.id, replayed=True) if standing.same(t) else no.IdTaken(transfer=str(t.id))
        refusal = malformed(t) or untwinned(t, members) or self._conflict(t) or self._pending(t) or self._short(t)
        if refusal is not None:
            return refusal
        self._enter(t, members[0].id if len(members) > 1 else None)
        return Posted(t.id)

    def _conflict(self, t: Transfer) -> Refusal | None:
        for account in (t.debit, t.credit):
            found = self.accounts.get(key_of(t, account))
            if found is None or (found.side, found.may_overdraw) != (account.side, account.may_overdraw):
                return no.AccountConflict(path=account.path)
        return None

    def _pending(self, t: Transfer) -> Refusal | None:
        if t.pending_id is None:
            return None
        reserve = self.known.get((t.book, t.pending_id))
        if reserve is None or reserve.step != "reserve":
            return no.PendingNotFound()
        if (reserve.asset, reserve.debit_path, reserve.credit_path) != (t.amount.asset, t.debit.path, t.credit.path):
            return no.PendingOtherAccounts()
        return self._resolved(t, t.pending_id) or self._lapsed(t, reserve) or self._beyond(t, reserve)

    def _resolved(self, t: Transfer, pending_id: UUID) -> Refusal | None:
        match self.resolved.get((t.book, pending_id)):
            case None:
                return None
            case "post_pending":
                return no.AlreadyPosted()
            case "void_pending":
                return no.AlreadyVoided()
            case _:
                return no.PendingExpired()

    def _lapsed(self, t: Transfer, reserve: Known) -> Refusal | None:
        over = reserve.expires_at is not None and reserve.expires_at <= self.now
        if t.step == "expire_pending":
            return None if over else no.PendingNotDue()
        return no.PendingExpired() if over else None

    def _beyond(self, t: Transfer, reserve: Known) -> Refusal | None:
        if t.amount.units > reserve.units:
            return no.ExceedsPending(reserved=reserve.units)
        if t.step != "post_pending" and t.amount.units != reserve.units:
            return no.PendingOtherAmount(reserved=reserve.units)
        return None

    def _short(self, t: Transfer) -> Refusal | None:
        """A resolution moves what its reserve has set aside, so only the other steps can run short."""
        if t.step in RESOLUTIONS:
            return None
        for account, giving in ((t.debit, "credit"), (t.credit, "debit")):
            available = self.accounts[key_of(t, account)].available()
            if account.side == giving and not account.may_overdraw and available < t.amount.units:
                return no.InsufficientFunds(path=account.path, available=available, wanted=t.amount.units)
        return None

    def _enter(self, t: Transfer, chain_id: UUID | None) -> None:
        released = self.known[(t.book, t.pending_id)].units if t.pending_id is not None else 0
        posted = t.amount.units if t.step in POSTING else 0
        held = t.amount.units if t.step == "reserve" else -released
        debit_key, credit_key = key_of(t, t.debit), key_of(t, t.credit)
        debit, credit = self.accounts[debit_key], self.accounts[credit_key]
        debit_after = replace(
            debit, version=debit.version + 1, last_debit=t.id,
            debits_posted=debit.debits_posted + posted, debits_pending=debit.debits_pending + held,
        )  # fmt: skip
        credit_after = replace(
            credit, version=credit.version + 1, last_credit=t.id,
            credits_posted=credit.credits_posted + posted, credits_pending=credit.credits_pending + held,
        )  # fmt: skip
        self._set(self.accounts, debit_key, debit_after)
        self._set(self.accounts, credit_key, credit_after)
        self._set(self.known, (t.book, t.id), Known.of(t))
        if t.pending_id is not None:
            self._set(self.resolved, (t.book, t.pending_id), t.step)
        self.entries.append(Entry(t, released, chain_id, debit, debit_after, credit, credit_after))

    def _set(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        self._trail.append((mapping, key, mapping.get(key)))
        mapping[key] = value

    def _take_back(self, entries: int) -> None:
        for mapping, key, old in reversed(self._trail):
            if old is None:
                del mapping[key]
            else:
                mapping[key] = old
        del self.entries[entries:]
