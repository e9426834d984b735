"""What members settle about themselves: choices, another number, a copy of their data, leaving (reliability.md O5)."""

from datetime import timedelta
from uuid import UUID

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import BadInput, NotFound
from hutong.people import (
    DEFAULTS,
    AskExport,
    ChangePhone,
    Choose,
    CodeDead,
    CodeMade,
    CodeWrong,
    Departure,
    EndDeparture,
    Export,
    ExportOver,
    Leave,
    LeavingAlready,
    OldCodeWrong,
    PhoneChanged,
    PhoneTaken,
    RequestCode,
    Role,
    RolesFirst,
    SamePhone,
    TooManyExports,
    actor_of,
    ask_exports,
    ask_to_leave,
    change_phones,
    choices_of,
    choose,
    consents_of,
    departures_due,
    departures_of,
    end_departures,
    erase,
    exports_of,
    fetch_exports,
    members,
    phones_of,
    request_codes,
    session_of,
    sessions_of,
    touch_sessions,
)
from tests.conftest import audit_clean, fires
from tests.people_helpers import ANN, BO, OPEN, SECRET, signed_in, with_role

pytestmark = pytest.mark.anyio
NEW = "+8613800138099"
DAY = timedelta(days=1)


async def code(tx, phone, purpose, now) -> str:
    ask = RequestCode(phone=phone, address="192.0.2.1", purpose=purpose)
    (made,) = await request_codes(tx, [ask], secret=SECRET, now=now, limits=OPEN)
    assert isinstance(made, CodeMade)
    return made.code


def change(person, phone, old, new) -> ChangePhone:
    return ChangePhone(
        member_id=person.member_id, change_id=new_id(), phone=phone, old_code=old, new_code=new, address="192.0.2.1",
        keep=person.token,
    )  # fmt: skip


async def changed(db, asks, now):
    async with db.central() as tx:
        return await change_phones(tx, asks, secret=SECRET, now=now, limits=OPEN)


async def test_choices_are_history_and_the_newest_counts(db: Database, now):
    async with db.central() as tx:
        ann = (await signed_in(tx, ANN, now=now)).member_id
        assert (await choices_of(tx, [ann]))[ann] == DEFAULTS

    async def say(given: bool, at):
        async with db.central() as tx:
            ask = Choose(member_id=ann, consent_id=new_id(), purpose="reminders", channel="sms", given=given)
            await choose(tx, [ask], now=at)

    for n, given in enumerate((True, True, False, True)):
        await say(given, now + n * DAY)
    async with db.reading() as tx:
        assert (await choices_of(tx, [ann]))[ann]["reminders", "sms"] is True
        history = await consents_of(tx, ann)
    assert [(c.given, c.at) for c in history] == [(True, now), (False, now + 2 * DAY), (True, now + 3 * DAY)]
    assert all(c.text_version for c in history)
    assert await audit_clean(db)


async def test_ones_own_orders_are_always_told(db: Database, now):
    async with db.central() as tx:
        ann = (await signed_in(tx, ANN, now=now)).member_id
        ask = Choose(member_id=ann, consent_id=new_id(), purpose="orders", channel="inbox", given=False)
        assert isinstance((await choose(tx, [ask], now=now))[0], BadInput)
        assert await consents_of(tx, ann) == []


async def test_a_number_moves_with_two_codes_and_the_others_are_signed_out(db: Database, now):
    async with db.central() as tx:
        ann, laptop = await signed_in(tx, ANN, now=now - DAY), await signed_in(tx, ANN, now=now)
        old, new = await code(tx, ANN, "phone_old", now), await code(tx, NEW, "phone_new", now)
    (done,) = await changed(db, [change(ann, NEW, old, new)], now)
    assert done == PhoneChanged(member_id=ann.member_id, tail="8099", ended=1)
    async with db.central() as tx:
        assert await phones_of(tx, [ann.member_id]) == {ann.member_id: NEW}
        assert await actor_of(tx, ann.token, now=now) is not None
        assert await actor_of(tx, laptop.token, now=now) is None
        again = await signed_in(tx, ANN, now=now + DAY)
    assert again.is_new, "the old number is free: who gets it next is somebody else"
    assert await audit_clean(db)


async def test_what_is_wrong_with_another_number(db: Database, now):
    async with db.central() as tx:
        ann, bo = await signed_in(tx, ANN, now=now), await signed_in(tx, BO, now=now)
        old, new = await code(tx, ANN, "phone_old", now), await code(tx, NEW, "phone_new", now)
        bos = await code(tx, BO, "phone_new", now)
        sign_in = await code(tx, "+8613800138098", "sign_in", now)
    off = "000000" if old != "000000" else "111111"
    assert isinstance((await changed(db, [change(ann, ANN, old, new)], now))[0], SamePhone)
    assert isinstance((await changed(db, [change(ann, NEW, old, off)], now))[0], CodeWrong | CodeDead)
    ask = change(ann, "+8613800138098", old, sign_in)
    assert isinstance((await changed(db, [ask], now))[0], CodeDead), "a code for signing in moves no number"
    off = "000000" if old != "000000" else "111111"
    assert isinstance((await changed(db, [change(ann, NEW, off, new)], now))[0], OldCodeWrong)
    assert isinstance((await changed(db, [change(ann, BO, old, bos)], now))[0], PhoneTaken)
    stranger = change(ann, NEW, old, new)
    unknown = ChangePhone(**{f: getattr(stranger, f) for f in stranger.__struct_fields__} | {"member_id": new_id()})
    assert isinstance((await changed(db, [unknown], now))[0], NotFound)
    async with db.reading() as tx:
        assert await phones_of(tx, [ann.member_id, bo.member_id]) == {ann.member_id: ANN, bo.member_id: BO}
    assert await audit_clean(db)


async def test_a_session_is_seen_now_and_then(db: Database, now):
    later = now + timedelta(minutes=11)
    async with db.central() as tx:
        ann = await signed_in(tx, ANN, now=now)
        assert (await session_of(tx, ann.token, now=now))[1] is False
        assert (await session_of(tx, ann.token, now=later))[1] is True
        assert await touch_sessions(tx, [ann.token], now=later) == 1
        assert await touch_sessions(tx, [ann.token], now=later + timedelta(minutes=1)) == 0
        (shown,) = await sessions_of(tx, ann.member_id, now=later, token=ann.token)
    assert (shown.here, shown.seen_at) == (True, later)


async def leaving(db: Database, member: UUID, now):
    async with db.central() as tx:
        return (await ask_to_leave(tx, [Leave(member_id=member, departure_id=new_id(), proof="code")], now=now))[0]


async def test_leaving_takes_seven_days_and_can_be_called_off(db: Database, now):
    async with db.central() as tx:
        ann = await signed_in(tx, ANN, now=now)
    asked = await leaving(db, ann.member_id, now)
    assert isinstance(asked, Departure)
    assert asked.due_at == now + 7 * DAY
    assert isinstance(await leaving(db, ann.member_id, now + DAY), LeavingAlready)
    async with db.central() as tx:
        assert await erase(tx, [ann.member_id], now=now + 6 * DAY) == [False], "too early"
        off = EndDeparture(member_id=ann.member_id, outcome="cancelled")
        assert await end_departures(tx, [off, off], now=now + 6 * DAY) == [True, True]
        assert await end_departures(tx, [off], now=now + 6 * DAY) == [False]
        assert await departures_due(tx, now=now + 9 * DAY) == []
    assert isinstance(await leaving(db, ann.member_id, now + 8 * DAY), Departure)
    assert await audit_clean(db)


async def test_who_left_is_nobody_and_the_number_is_free(db: Database, now):
    async with db.central() as tx:
        ann, bo = await signed_in(tx, ANN, now=now), await signed_in(tx, BO, now=now)
        old, new = await code(tx, ANN, "phone_old", now), await code(tx, NEW, "phone_new", now)
    assert isinstance((await changed(db, [change(ann, NEW, old, new)], now))[0], PhoneChanged)
    await leaving(db, ann.member_id, now)
    after = now + 7 * DAY
    async with db.central() as tx:
        assert [d.member_id for d in await departures_due(tx, now=after)] == [ann.member_id]
        assert await erase(tx, [bo.member_id, ann.member_id], now=after) == [False, True]
        assert await erase(tx, [ann.member_id], now=after) == [False], "once"
        (gone,) = (await members(tx, [ann.member_id])).values()
        assert (gone.name, gone.phone_tail, gone.status) == ("", "", "erased")
        assert await actor_of(tx, ann.token, now=after) is None
        assert await actor_of(tx, bo.token, now=after) is not None
        assert await departures_of(tx, [ann.member_id]) == {}
        again = await signed_in(tx, NEW, now=after)
    assert again.is_new
    assert again.member_id != ann.member_id
    assert await audit_clean(db)


async def test_who_works_here_hands_over_first(db: Database, now):
    async with db.central() as tx:
        lin = await with_role(tx, ANN, Role.CITY_OPERATOR, now=now, city_id=1)
    assert isinstance(await leaving(db, lin.member_id, now), RolesFirst)
    assert isinstance(await leaving(db, new_id(), now), NotFound)


async def test_a_copy_is_its_owners_for_a_day_and_five_downloads(db: Database, now):
    async with db.central() as tx:
        ann, bo = await signed_in(tx, ANN, now=now), await signed_in(tx, BO, now=now)
        asks = [AskExport(member_id=ann.member_id, export_id=new_id()) for _ in range(4)]
        made = await ask_exports(tx, asks, now=now)
        assert [type(m) for m in made] == [Export, Export, Export, TooManyExports]
        first = asks[0]
        assert isinstance(
            (await fetch_exports(tx, [AskExport(member_id=bo.member_id, export_id=first.export_id)], now=now))[0],
            NotFound,
        )
        for n in range(5):
            (fetched,) = await fetch_exports(tx, [first], now=now)
            assert isinstance(fetched, Export)
            assert fetched.fetched == n + 1
        assert isinstance((await fetch_exports(tx, [first], now=now))[0], ExportOver)
        assert isinstance((await fetch_exports(tx, [asks[1]], now=now + DAY))[0], ExportOver)
        assert len(await exports_of(tx, ann.member_id, now=now)) == 2
        assert isinstance((await ask_exports(tx, asks[:1], now=now + DAY))[0], Export)
    assert await audit_clean(db)


SOMEBODY = "'00000000-0000-7000-8000-000000000001'"
KEY = (
    """insert into people.credentials values ('\\x{n:02x}', {id}, {member}, 'k', 0, 'x', '{{}}', false, '2026-11-20')"""
)
LEFT = f"""insert into people.departures values ({SOMEBODY}, {SOMEBODY}, 'code', '2026-11-01', '2026-11-08',
           '2026-11-09', 'done')"""
MEMBER = f"""insert into people.members values ({SOMEBODY}, 'Ann', 'zh', null, '', '{{}}', '2026-11-01')"""
VIOLATIONS = {
    "PPL08": [KEY.format(n=1, id=SOMEBODY, member=SOMEBODY)],
    "PPL09": [KEY.format(n=n, id=SOMEBODY, member=SOMEBODY) for n in (1, 2)],
    "PPL10": [
        MEMBER.format("active"),
        f"insert into people.phone_changes values ({SOMEBODY}, {SOMEBODY}, '1111', '2222', '2026-11-20')",
    ],
    "PPL11": [MEMBER.format("erased")],
    "PPL12": [MEMBER.format("active"), LEFT],
    "PPL13": [
        f"""insert into people.challenges values (sha256('a'), 'register', sha256('b'), {SOMEBODY}, '2026-11-20 10:00Z',
            '2026-11-20 10:05Z')"""
    ],
    "PPL14": [f"insert into people.consents values ({SOMEBODY}, {SOMEBODY}, 'offers', 'sms', true, 'v', '2026-11-20')"],
}


@pytest.mark.parametrize("invariant", VIOLATIONS)
async def test_it_fires(db: Database, invariant: str):
    assert not await fires(db, invariant)
    async with db.central() as tx:
        for sql in VIOLATIONS[invariant]:
            await tx.run(sql)
    assert await fires(db, invariant)
