"""Visits, contracts and claims as values, and the rule by which a claim is decided without anybody."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.text import Text

Proof = Literal["invitation", "visit", "upload", "application"]
Outcome = Literal["granted", "refused", "no_evidence"]
NO_EVIDENCE, ONLY_EVIDENCE, CONFLICT, HOLDER = "no_evidence", "only_evidence", "conflict", "holder"


class LogVisit(Struct, frozen=True, kw_only=True):
    """Somebody of an operator was at a shop. `merchant_id` is null while the shop is not with us."""

    visit_id: UUID
    operator_id: UUID
    by: UUID
    merchant_id: UUID | None = None
    business: str
    phone: str | None = None
    address: str = ""
    note: str
    next_step: str = ""
    next_on: date | None = None
    photo: str | None = None
    photo_small: str | None = None
    at: datetime


class Visit(LogVisit, frozen=True, kw_only=True):
    """A visit as it was logged."""

    logged_at: datetime


class Offer(Struct, frozen=True, kw_only=True):
    """A contract for a merchant. The plan is settlement's: `plan_words` says it in words, as it was offered.

    `months`: how long the operator earns, from the day of signing; None: for life. `version`: of the contract that was
    read, 0 for the first.
    """

    contract_id: UUID
    version: int
    merchant_id: UUID
    operator_id: UUID
    plan_id: UUID | None = None
    plan_version: int | None = None
    plan_words: Text
    months: int | None = None
    note: str = ""
    by: UUID


class Contract(Struct, frozen=True, kw_only=True):
    """A version of a contract: offered, then signed by the merchant's owner, then ended by the next one."""

    contract_id: UUID
    version: int
    merchant_id: UUID
    operator_id: UUID
    plan_id: UUID | None
    plan_version: int | None
    plan_words: Text
    months: int | None
    note: str
    offered_by: UUID
    offered_at: datetime
    signed_by: UUID | None
    signed_at: datetime | None
    share_ends_at: datetime | None
    ended_at: datetime | None

    @property
    def state(self) -> Literal["offered", "in_force", "ended"]:
        if self.ended_at is not None:
            return "ended"
        return "in_force" if self.signed_at is not None else "offered"


class Sign(Struct, frozen=True, kw_only=True):
    """The owner signs the version that he read."""

    contract_id: UUID
    version: int
    merchant_id: UUID
    by: UUID


class ClaimIt(Struct, frozen=True, kw_only=True):
    """An operator says that he recruited a merchant."""

    claim_id: UUID
    merchant_id: UUID
    operator_id: UUID
    by: UUID
    words: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """Something in our books by which it can be seen that an operator was there, and when."""

    operator_id: UUID
    kind: Proof
    ref: UUID
    by: UUID
    at: datetime


class Claim(Struct, frozen=True, kw_only=True):
    """A claim with its evidence, oldest first."""

    claim_id: UUID
    merchant_id: UUID
    operator_id: UUID
    by: UUID | None
    words: str
    at: datetime
    outcome: Outcome | None
    ended_at: datetime | None
    evidence: tuple[Evidence, ...] = ()


class Case(Struct, frozen=True, kw_only=True):
    """Claims that conflict: open until the platform decides, with a reason. `for_house`: nobody's."""

    case_id: UUID
    merchant_id: UUID
    number: int
    opened_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None
    operator_id: UUID | None
    for_house: bool
    reason: str


class Decide(Struct, frozen=True, kw_only=True):
    """The platform's word about a case: an operator who claims it, or the house (None)."""

    case_id: UUID
    operator_id: UUID | None
    reason: str
    by: UUID


class Transfer(Struct, frozen=True, kw_only=True):
    """From now on another operator earns by a merchant; what was earned stays."""

    attribution_id: UUID
    merchant_id: UUID
    operator_id: UUID | None
    reason: str
    by: UUID


class Attribution(Struct, frozen=True, kw_only=True):
    """A row of who recruited a merchant, from when to when."""

    attribution_id: UUID
    merchant_id: UUID
    city_id: int
    operator_id: UUID | None
    since: datetime
    until: datetime | None
    ends_at: datetime | None
    why: Literal["rule", "case", "transfer", "contract"]
    about: UUID | None
    reason: str
    by: UUID | None


def judge(claims: Sequence[Claim], holder: UUID | None) -> tuple[str, UUID | None]:
    """(what follows, whose the merchant is): the rule that decides without anybody.

    Nobody has evidence: `no_evidence`. One operator has: his (`only_evidence`), or it was already (`holder`). Several
    have, or another than the holder has: `conflict`, and the platform decides. Source: features.md N7.
    """
    proven = {one.operator_id for one in claims if one.evidence}
    if not proven or proven == {holder}:
        return (HOLDER, holder) if proven else (NO_EVIDENCE, None)
    if len(proven) == 1 and holder is None:
        return ONLY_EVIDENCE, next(iter(proven))
    return CONFLICT, None
