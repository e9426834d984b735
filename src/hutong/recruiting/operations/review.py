"""The reviewer's side: a word about each document, a round back, a no, and the yes that opens a shop."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.access import EVERYTHING, Role
from hutong.kit.ids import derive
from hutong.kit.refusals import BadInput, Refusal
from hutong.merchants import AddMerchant, AddStore, Hours, add_merchants, add_stores
from hutong.people import GiveRole, grant
from hutong.recruiting.model import LONGEST_REASON, Application, Move, Reach, State, Verdict
from hutong.recruiting.operations import _evidence, _rows
from hutong.recruiting.operations._rows import Taken
from hutong.recruiting.refusals import (
    ApplicationChanged,
    ApplicationNotOpen,
    ApplicationUnknown,
    DocumentExpired,
    DocumentsMissing,
    NoSuchDemand,
)

CLOSED_ALL_DAY = Hours.of([[]] * 7)  # until its owner says when it is open
_FROM = {"accepted": ("submitted", "rejected"), "rejected": ("submitted", "accepted"),
         "waived": ("open", "submitted", "rejected")}  # fmt: skip


def _seen(locked: dict[UUID, Application], application_id: UUID, reach: Reach) -> Application | Refusal:
    """The application, if it is decided about by who has this reach; else it is as unknown as one that is not there."""
    one = locked.get(application_id)
    if one is None or one.state == "draft" or not reach.admits(one.words.district_id):
        return ApplicationUnknown()
    return one


def _bad_reason(reason: str) -> Refusal | None:
    return None if 1 <= len(reason.strip()) <= LONGEST_REASON else BadInput(field="reason", why=f"1-{LONGEST_REASON}")


async def judge(
    tx: Tx, asks: Sequence[Verdict], *, city_id: int, reach: Reach, now: datetime
) -> list[Application | Refusal]:
    """Accept a document, reject it with a reason, or waive what the trade asks for with a reason; a verdict may change
    while the application waits. After the approval, documents that were brought anew are judged in the same way.

    Refusals in this order: application_not_found (outside the reach, too), application_not_open, requirement_not_open,
    bad_input (reason).
    """
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    asked = await _rows.demands(tx, list(locked), city_id=city_id)
    results: list[Application | Refusal] = []
    verdicts: list[tuple[UUID, str, int, str, str, UUID]] = []
    for ask in asks:
        one, row = _seen(locked, ask.application_id, reach), asked.get((ask.application_id, ask.kind))
        if not isinstance(one, Refusal):
            one = _no_verdict(one, row, ask) or one
        if isinstance(one, Application) and row is not None and row["state"] != ask.state:
            row["verdicts"] += 1
            row["state"] = ask.state
            verdicts.append((ask.application_id, ask.kind, row["verdicts"], ask.state, ask.reason.strip(), ask.by))
        results.append(one)
    await _rows.judge(tx, verdicts, city_id=city_id, now=now)
    return results


def _no_verdict(one: Application, row: dict[str, Any] | None, ask: Verdict) -> Refusal | None:
    if one.state not in ("submitted", "approved"):
        return ApplicationNotOpen()
    if row is None or row["state"] not in (*_FROM[ask.state], ask.state):
        return NoSuchDemand()
    return None if ask.state == "accepted" else _bad_reason(ask.reason)


async def _decide(
    tx: Tx, asks: Sequence[Move], state: State, *, city_id: int, reach: Reach, now: datetime
) -> list[Application | Refusal]:
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    results: list[Application | Refusal] = []
    taken: dict[UUID, Taken] = {}
    for ask in asks:
        one = _seen(locked, ask.application_id, reach)
        if isinstance(one, Refusal):
            results.append(one)
        elif one.state != "submitted" or ask.application_id in taken:
            results.append(ApplicationNotOpen())
        elif one.version != ask.version:
            results.append(ApplicationChanged())
        elif wrong := _bad_reason(ask.reason):
            results.append(wrong)
        else:
            taken[one.application_id] = Taken(
                was=one, state=state, round=one.round, by=ask.by, reason=ask.reason.strip()
            )
            results.append(one)
    await _rows.move(tx, list(taken.values()), city_id=city_id, now=now)
    after = await _rows.lock(tx, list(taken), city_id=city_id)
    return [after.get(one.application_id, one) if isinstance(one, Application) else one for one in results]


async def send_back(
    tx: Tx, asks: Sequence[Move], *, city_id: int, reach: Reach, now: datetime
) -> list[Application | Refusal]:
    """Ask the applicant for another round, with a reason.

    Refusals in this order: application_not_found, application_not_open, application_changed, bad_input (reason).
    """
    return await _decide(tx, asks, "returned", city_id=city_id, reach=reach, now=now)


async def reject(
    tx: Tx, asks: Sequence[Move], *, city_id: int, reach: Reach, now: datetime
) -> list[Application | Refusal]:
    """Say no, with a reason; it is not opened again. Refusals as of send_back."""
    return await _decide(tx, asks, "rejected", city_id=city_id, reach=reach, now=now)


async def approve(
    tx: Tx, asks: Sequence[Move], *, city_id: int, reach: Reach, today: date, now: datetime
) -> list[Application | Refusal]:
    """Let merchants in: documents that were sent in are accepted, the merchant, his store and the owner's role are
    there, and who recruited him follows by rule or becomes a case - all in this transaction.

    The same reviewer again gets the same answer. Refusals in this order: application_not_found, application_not_open
    (decided by another), application_changed, documents_missing, document_expired, and those of merchants.add_*.
    """
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    asked = await _rows.demands(tx, list(locked), city_id=city_id)
    deciders = await _deciders(tx, list(locked), city_id=city_id)
    results: list[Application | Refusal] = []
    taken: dict[UUID, Taken] = {}
    for ask in asks:
        one = _seen(locked, ask.application_id, reach)
        if isinstance(one, Application) and not (
            one.state == "approved" and deciders.get(one.application_id) == ask.by
        ):
            rows = [row for key, row in asked.items() if key[0] == one.application_id]
            why = _why_not_in(ask, one, rows, today)
            if why is None and one.application_id not in taken:
                taken[one.application_id] = Taken(was=one, state="approved", round=one.round, by=ask.by)
            one = why or one
        results.append(one)
    await _accept_rest(tx, list(taken.values()), asked, city_id=city_id, now=now)
    await _rows.move(tx, list(taken.values()), city_id=city_id, now=now)
    await _let_in(tx, [t.was for t in taken.values()], city_id=city_id, now=now)
    await _evidence.weigh(tx, {t.was.merchant_id: now for t in taken.values()}, city_id=city_id, now=now)
    after = await _rows.lock(tx, list(taken), city_id=city_id)
    return [after.get(one.application_id, one) if isinstance(one, Application) else one for one in results]


async def _deciders(tx: Tx, ids: Sequence[UUID], *, city_id: int) -> dict[UUID, UUID]:
    rows = await tx.rows(
        """select application_id, by from recruiting.steps where city_id = %(city)s and state = 'approved'
           and application_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=list(ids),
    )
    return {row["application_id"]: row["by"] for row in rows}


def _why_not_in(ask: Move, one: Application, rows: Sequence[dict[str, Any]], today: date) -> Refusal | None:
    if one.state != "submitted":
        return ApplicationNotOpen()
    if one.version != ask.version:
        return ApplicationChanged()
    missing = sum(row["state"] in ("open", "rejected") for row in rows)
    if missing:
        return DocumentsMissing(count=missing)
    proofs = [row["expires_on"] for row in rows if row["state"] in ("submitted", "accepted")]
    return DocumentExpired() if any(day is not None and day < today for day in proofs) else None


async def _accept_rest(
    tx: Tx, taken: Sequence[Taken], asked: dict[tuple[UUID, str], dict[str, Any]], *, city_id: int, now: datetime
) -> None:
    bys = {t.was.application_id: t.by for t in taken}
    verdicts = [
        (key[0], key[1], row["verdicts"] + 1, "accepted", "", bys[key[0]])
        for key, row in asked.items() if key[0] in bys and row["state"] == "submitted"
    ]  # fmt: skip
    await _rows.judge(tx, verdicts, city_id=city_id, now=now)


async def _let_in(tx: Tx, approved: Sequence[Application], *, city_id: int, now: datetime) -> None:
    """The existing operations of merchants and people; a refusal there undoes the approval with everything.

    The role is given by the house: that the reviewer may decide here is known, and he need not hold a city's role.
    """
    for one in await add_merchants(
        tx,
        [
            AddMerchant(merchant_id=a.merchant_id, city_id=city_id, name=a.words.name, trade=a.words.trade,
                        operator_id=a.operator_id)
            for a in approved
        ],
        now=now,
    ):  # fmt: skip
        _sure(one)
    stores = [
        AddStore(
            store_id=a.store_id, merchant_id=a.merchant_id, name=a.words.name, place=a.words.place,
            address=a.words.address, category=a.words.category, hours=CLOSED_ALL_DAY,
            district_id=a.words.district_id, phone=a.words.phone,
        )
        for a in approved
    ]  # fmt: skip
    for one in await add_stores(tx, stores, city_id=city_id, scope=EVERYTHING, now=now):
        _sure(one)
    owners = [
        GiveRole(
            grant_id=derive(a.application_id, "owner"), member_id=a.member_id, role=Role.MERCHANT_OWNER,
            city_id=city_id, merchant_id=a.merchant_id, by=None,
        )
        for a in approved
    ]  # fmt: skip
    for one in await grant(tx, owners, now=now):
        _sure(one)


def _sure(result: object) -> None:
    if isinstance(result, Refusal):
        raise result
