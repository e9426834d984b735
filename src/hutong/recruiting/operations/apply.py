"""The applicant's side: apply, change it, bring documents, send it in, take it back."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.infra.turns import in_turn
from hutong.kit.refusals import BadInput, Refusal
from hutong.merchants.model import SLUG
from hutong.places import City, UnknownCity, city, districts_by_number
from hutong.recruiting.model import (
    OPEN,
    Application,
    Apply,
    Bring,
    Document,
    Move,
    Rework,
    State,
    Words,
    merchant_of,
    store_of,
)
from hutong.recruiting.operations import _evidence, _rows
from hutong.recruiting.operations._rows import Taken
from hutong.recruiting.operations.people import alive
from hutong.recruiting.queries.applications import as_application
from hutong.recruiting.queries.tree import operators
from hutong.recruiting.refusals import (
    ApplicationChanged,
    ApplicationNotOpen,
    ApplicationUnknown,
    CallingOver,
    DocumentExpired,
    DocumentsMissing,
    NoSuchDemand,
    OperatorUnknown,
    TooManyApplications,
)

MOST_OPEN = 5  # applications of one member that have not ended


async def apply(tx: Tx, asks: Sequence[Apply], *, city_id: int, now: datetime) -> list[Application | Refusal]:
    """Begin applications, as drafts; the same id again is the application that is there.

    Who came by an operator's invitation, or names him, is his to look at, and that is evidence; so is a visit to a
    shop with this number that was logged before. Refusals in this order: unknown_city, bad_input (name, address,
    trade, category, district_id, place), recruiting_invitation_over, operator_not_found, too_many_applications.
    """
    home = await city(tx, city_id)
    parts = await districts_by_number(tx, [city_id], [a.words.district_id for a in asks])
    known = {one.district_id for one in parts}
    calls = await _calls(tx, asks, city_id=city_id)
    await in_turn(tx, f"applications/{city_id}", [a.member_id for a in asks])  # nobody adds to what is counted now
    had = await _had(tx, asks, city_id=city_id)
    there = await operators(tx, [a.operator_id for a in asks if a.operator_id], at=now)
    named = {key for key, one in there.items() if one.ended_at is None}
    results: list[Refusal | None] = []
    good: list[Apply] = []
    for ask in asks:
        why = _why_not_words(ask.words, home, known)
        if why is None and ask.invitation_id and not _called(ask, calls, now):
            why = CallingOver()
        if why is None and ask.operator_id is not None and ask.operator_id not in named:
            why = OperatorUnknown()
        if why is None and ask.application_id not in had["ids"]:
            had["open"][ask.member_id] = had["open"].get(ask.member_id, 0) + 1
            why = TooManyApplications(most=MOST_OPEN) if had["open"][ask.member_id] > MOST_OPEN else None
        results.append(why)
        good += [ask] if why is None else []
    new = await _insert(tx, good, calls, city_id=city_id, now=now)
    await _demand(tx, [a for a in good if a.application_id in new], city_id=city_id)
    await _prove(tx, [a for a in good if a.application_id in new], calls, city_id=city_id, now=now)
    rows = await tx.rows(
        "select * from recruiting.applications where city_id = %(city)s and application_id = any(%(ids)s::uuid[])",
        city=city_id, ids=[a.application_id for a in good],
    )  # fmt: skip
    made = {row["application_id"]: as_application(row) for row in rows}
    own = [made[a.application_id] if why is None else why for a, why in zip(asks, results, strict=True)]
    return [
        one if isinstance(one, Refusal) or one.member_id == ask.member_id else ApplicationUnknown()
        for ask, one in zip(asks, own, strict=True)
    ]


async def _calls(tx: Tx, asks: Sequence[Apply], *, city_id: int) -> dict[UUID, dict[str, Any]]:
    ids = sorted({a.invitation_id for a in asks if a.invitation_id})
    if not ids:
        return {}
    rows = await tx.rows(
        """select * from recruiting.invitations
           where city_id = %(city)s and invitation_id = any(%(ids)s::uuid[]) and part = 'merchant'""",
        city=city_id, ids=ids,
    )  # fmt: skip
    return {row["invitation_id"]: row for row in rows}


def _called(ask: Apply, calls: dict[UUID, dict[str, Any]], now: datetime) -> bool:
    return ask.invitation_id is not None and alive(calls.get(ask.invitation_id), ask.secret, now)


async def _had(tx: Tx, asks: Sequence[Apply], *, city_id: int) -> dict[str, Any]:
    """Which of these applications are there, and how many open ones their members have."""
    rows = await tx.rows(
        """select application_id, member_id, state from recruiting.applications
           where city_id = %(city)s and member_id = any(%(members)s::uuid[])""",
        city=city_id, members=sorted({a.member_id for a in asks}),
    )  # fmt: skip
    still: dict[UUID, int] = {}
    for row in rows:
        if row["state"] in ("draft", "submitted", "returned"):
            still[row["member_id"]] = still.get(row["member_id"], 0) + 1
    return {"ids": {row["application_id"] for row in rows}, "open": still}


def _why_not_words(words: Words, home: City | None, districts: set[int]) -> Refusal | None:
    if home is None:
        return UnknownCity()
    for field, text, most in (("name", words.name, 60), ("address", words.address, 120)):
        if not (text.zh.strip() and text.en.strip()) or max(len(text.zh), len(text.en)) > most:
            return BadInput(field=field, why=f"1-{most}")
    for field, slug in (("trade", words.trade), ("category", words.category)):
        if not SLUG.match(slug):
            return BadInput(field=field, why="a-z 0-9 - _")
    if words.district_id not in districts:
        return BadInput(field="district_id", why=str(words.district_id))
    return None if home.contains(words.place) else BadInput(field="place", why=home.slug)


def _columns(words: Sequence[Words]) -> dict[str, list[Any]]:
    return {
        "names": [Jsonb({"zh": w.name.zh, "en": w.name.en}) for w in words], "trades": [w.trade for w in words],
        "categories": [w.category for w in words], "districts": [w.district_id for w in words],
        "addresses": [Jsonb({"zh": w.address.zh, "en": w.address.en}) for w in words],
        "lats": [w.place.lat for w in words], "lons": [w.place.lon for w in words], "phones": [w.phone for w in words],
    }  # fmt: skip


async def _insert(
    tx: Tx, good: Sequence[Apply], calls: dict[UUID, dict[str, Any]], *, city_id: int, now: datetime
) -> set[UUID]:
    rows = await tx.rows(
        """insert into recruiting.applications
             (city_id, application_id, member_id, name, trade, category, district_id, address, lat, lon, phone,
              invitation_id, operator_id, merchant_id, store_id, state, round, version, made_at, changed_at)
           select %(city)s, a.id, a.member, a.name, a.trade, a.category, a.district, a.address, a.lat, a.lon, a.phone,
                  a.invitation, a.operator, a.merchant, a.store, 'draft', 0, 1, %(now)s, %(now)s
           from unnest(%(ids)s::uuid[], %(members)s::uuid[], %(names)s::jsonb[], %(trades)s::text[],
                       %(categories)s::text[], %(districts)s::int[], %(addresses)s::jsonb[], %(lats)s::float8[],
                       %(lons)s::float8[], %(phones)s::text[], %(invitations)s::uuid[], %(operators)s::uuid[],
                       %(merchants)s::uuid[], %(stores)s::uuid[])
                as a(id, member, name, trade, category, district, address, lat, lon, phone, invitation, operator,
                     merchant, store)
           on conflict (city_id, application_id) do nothing returning application_id""",
        city=city_id, now=now, ids=[a.application_id for a in good], members=[a.member_id for a in good],
        invitations=[a.invitation_id for a in good],
        operators=[calls[a.invitation_id]["operator_id"] if a.invitation_id else a.operator_id for a in good],
        merchants=[merchant_of(a.application_id) for a in good], stores=[store_of(a.application_id) for a in good],
        **_columns([a.words for a in good]),
    )  # fmt: skip
    new = {row["application_id"] for row in rows}
    await tx.run(
        """insert into recruiting.steps (city_id, application_id, version, state, round, by, at, reason)
           select %(city)s, s.id, 1, 'draft', 0, s.by, %(now)s, ''
           from unnest(%(ids)s::uuid[], %(bys)s::uuid[]) as s(id, by)""",
        city=city_id, now=now, ids=[a.application_id for a in good if a.application_id in new],
        bys=[a.member_id for a in good if a.application_id in new],
    )  # fmt: skip
    return new


async def _demand(tx: Tx, new: Sequence[Apply], *, city_id: int) -> None:
    rows = [(a.application_id, kind, place) for a in new for place, kind in enumerate(dict.fromkeys(a.demands))]
    await tx.run(
        """insert into recruiting.requirements (city_id, application_id, kind, position, state, verdicts)
           select %(city)s, r.id, r.kind, r.place, 'open', 0
           from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(places)s::int[]) as r(id, kind, place)""",
        city=city_id, ids=[r[0] for r in rows], kinds=[r[1] for r in rows], places=[r[2] for r in rows],
    )  # fmt: skip


async def _prove(
    tx: Tx, new: Sequence[Apply], calls: dict[UUID, dict[str, Any]], *, city_id: int, now: datetime
) -> None:
    found = []
    for ask in new:
        if ask.invitation_id:
            by = calls[ask.invitation_id]
            found.append(
                _evidence.Found(
                    merchant_id=merchant_of(ask.application_id), operator_id=by["operator_id"], kind="invitation",
                    ref=ask.invitation_id, by=by["made_by"], at=now,
                )
            )  # fmt: skip
        elif ask.operator_id:
            found.append(
                _evidence.Found(
                    merchant_id=merchant_of(ask.application_id), operator_id=ask.operator_id, kind="application",
                    ref=ask.application_id, by=ask.member_id, at=now,
                )
            )  # fmt: skip
    found += await _evidence.visited(
        tx, {a.words.phone: merchant_of(a.application_id) for a in new}, city_id=city_id
    )  # fmt: skip
    await _evidence.add(tx, found, city_id=city_id, now=now)


async def rework(tx: Tx, asks: Sequence[Rework], *, city_id: int, now: datetime) -> list[Application | Refusal]:
    """Change what an application says while it is with the applicant. Its trade stays: the documents hang on it.

    Refusals in this order: application_not_found, application_not_open, application_changed, bad_input.
    """
    del now
    home = await city(tx, city_id)
    parts = await districts_by_number(tx, [city_id], [a.words.district_id for a in asks])
    known = {one.district_id for one in parts}
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    results: list[Application | Refusal] = []
    good: list[Rework] = []
    for ask in asks:
        one = _own(locked, ask.application_id, ask.member_id, OPEN)
        if not isinstance(one, Refusal):
            wrong = ApplicationChanged() if one.version != ask.version else _why_not_words(ask.words, home, known)
            if wrong is None and one.words.trade != ask.words.trade:
                wrong = BadInput(field="trade", why=one.words.trade)
            if wrong is None:
                good.append(ask)
            one = wrong or one
        results.append(one)
    await tx.run(
        """update recruiting.applications as a
           set name = w.name, category = w.category, district_id = w.district, address = w.address, lat = w.lat,
               lon = w.lon, phone = w.phone
           from unnest(%(ids)s::uuid[], %(names)s::jsonb[], %(trades)s::text[], %(categories)s::text[],
                       %(districts)s::int[], %(addresses)s::jsonb[], %(lats)s::float8[], %(lons)s::float8[],
                       %(phones)s::text[]) as w(id, name, trade, category, district, address, lat, lon, phone)
           where a.city_id = %(city)s and a.application_id = w.id""",
        city=city_id, ids=[a.application_id for a in good], **_columns([a.words for a in good]),
    )  # fmt: skip
    after = await _rows.lock(tx, [a.application_id for a in good], city_id=city_id)
    return [after.get(one.application_id, one) if isinstance(one, Application) else one for one in results]


def _own(
    locked: dict[UUID, Application], application_id: UUID, member_id: UUID, states: Sequence[State]
) -> Application | Refusal:
    one = locked.get(application_id)
    if one is None or one.member_id != member_id:
        return ApplicationUnknown()
    return one if one.state in states else ApplicationNotOpen()


async def bring(tx: Tx, asks: Sequence[Bring], *, city_id: int, today: date, now: datetime) -> list[Document | Refusal]:
    """Bring documents: by the applicant, or by an operator's people for him, which is evidence that they were there.

    The edge has checked who asks. After the approval a document may be brought in the place of an accepted one.
    Refusals in this order: application_not_found, application_not_open, requirement_not_open, document_expired.
    """
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    asked = await _rows.demands(tx, list(locked), city_id=city_id)
    results: list[Document | Refusal] = []
    verdicts: list[tuple[UUID, str, int, str, str, UUID]] = []
    for ask in asks:
        one, row = locked.get(ask.application_id), asked.get((ask.application_id, ask.kind))
        if one is None:
            results.append(ApplicationUnknown())
        elif one.state not in (*OPEN, "approved"):
            results.append(ApplicationNotOpen())
        elif row is None or (row["state"] in ("accepted", "waived") and one.state != "approved"):
            results.append(NoSuchDemand())
        elif ask.expires_on is not None and ask.expires_on < today:
            results.append(DocumentExpired())
        else:
            row["verdicts"] += 1
            row["state"] = "submitted"
            verdicts.append((ask.application_id, ask.kind, row["verdicts"], "submitted", "", ask.by))
            results.append(
                Document(
                    document_id=ask.document_id, application_id=ask.application_id, kind=ask.kind, file=ask.file,
                    round=one.round, by=ask.by, operator_id=ask.operator_id, expires_on=ask.expires_on, at=now,
                )
            )  # fmt: skip
    made = [one for one in results if isinstance(one, Document)]
    await _keep(tx, made, city_id=city_id)
    await _rows.judge(tx, verdicts, city_id=city_id, now=now)
    proofs = [
        _evidence.Found(merchant_id=locked[d.application_id].merchant_id, operator_id=d.operator_id, kind="upload",
                        ref=d.document_id, by=d.by, at=now)
        for d in made if d.operator_id is not None and locked[d.application_id].state != "approved"
    ]  # fmt: skip
    await _evidence.add(tx, proofs, city_id=city_id, now=now)
    return results


async def _keep(tx: Tx, made: Sequence[Document], *, city_id: int) -> None:
    columns = {
        "ids": [d.document_id for d in made], "applications": [d.application_id for d in made],
        "kinds": [d.kind for d in made], "ends": [d.expires_on for d in made], "city": city_id,
    }  # fmt: skip
    await tx.run(
        """insert into recruiting.documents
             (city_id, document_id, application_id, kind, file, round, by, operator_id, expires_on, at)
           select %(city)s, d.* from unnest(%(ids)s::uuid[], %(applications)s::uuid[], %(kinds)s::text[],
             %(files)s::text[], %(rounds)s::int[], %(bys)s::uuid[], %(operators)s::uuid[], %(ends)s::date[],
             %(ats)s::timestamptz[]) as d(id, application, kind, file, round, by, operator, ends, at)""",
        files=[d.file for d in made], rounds=[d.round for d in made], bys=[d.by for d in made],
        operators=[d.operator_id for d in made], ats=[d.at for d in made], **columns,
    )  # fmt: skip
    await tx.run(
        """update recruiting.requirements as r set document_id = d.id, expires_on = d.ends
           from unnest(%(ids)s::uuid[], %(applications)s::uuid[], %(kinds)s::text[], %(ends)s::date[])
                as d(id, application, kind, ends)
           where r.city_id = %(city)s and r.application_id = d.application and r.kind = d.kind""",
        **columns,
    )


async def submit(tx: Tx, asks: Sequence[Move], *, city_id: int, now: datetime) -> list[Application | Refusal]:
    """Send applications in: a new round, with what they say kept for comparison. Sent twice is once.

    Refusals in this order: application_not_found, application_not_open, application_changed, documents_missing.
    """
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    asked = await _rows.demands(tx, list(locked), city_id=city_id)
    results: list[Application | Refusal] = []
    taken: dict[UUID, Taken] = {}
    for ask in asks:
        one = _own(locked, ask.application_id, ask.by, (*OPEN, "submitted"))
        if isinstance(one, Refusal) or one.state == "submitted" or ask.application_id in taken:
            results.append(one)
            continue
        missing = sum(r["state"] in ("open", "rejected") for key, r in asked.items() if key[0] == ask.application_id)
        if one.version != ask.version:
            results.append(ApplicationChanged())
        elif missing:
            results.append(DocumentsMissing(count=missing))
        else:
            taken[ask.application_id] = Taken(
                was=one, state="submitted", round=one.round + 1, by=ask.by, words=one.words
            )
            results.append(one)
    await _rows.move(tx, list(taken.values()), city_id=city_id, now=now)
    after = await _rows.lock(tx, list(taken), city_id=city_id)
    return [after.get(one.application_id, one) if isinstance(one, Application) else one for one in results]


async def withdraw(tx: Tx, asks: Sequence[Move], *, city_id: int, now: datetime) -> list[Application | Refusal]:
    """Take applications back before they are decided; twice is once.

    Refusals in this order: application_not_found, application_not_open.
    """
    locked = await _rows.lock(tx, [a.application_id for a in asks], city_id=city_id)
    results: list[Application | Refusal] = []
    taken: dict[UUID, Taken] = {}
    for ask in asks:
        one = _own(locked, ask.application_id, ask.by, (*OPEN, "submitted", "withdrawn"))
        if isinstance(one, Application) and one.state != "withdrawn":
            taken[one.application_id] = Taken(was=one, state="withdrawn", round=one.round, by=ask.by, reason=ask.reason)
        results.append(one)
    await _rows.move(tx, list(taken.values()), city_id=city_id, now=now)
    after = await _rows.lock(tx, list(taken), city_id=city_id)
    return [after.get(one.application_id, one) if isinstance(one, Application) else one for one in results]
