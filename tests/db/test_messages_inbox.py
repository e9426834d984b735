"""The inbox: told once, read page by page, seen, emptied; and what its audit finds."""

from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.messages import Tell, empty, inbox_of, mark, mark_read, set_mark, tell, unread
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio


async def test_what_happened_is_told_once_and_seen(db: Database, now):
    ann, bo = new_id(), new_id()
    asks = [Tell(member_id=who, message_id=new_id(), kind="stays") for who in (ann, ann, ann, bo)]
    async with db.central() as tx:
        assert await tell(tx, asks[:2], now=now) == [True, True]
        assert await tell(tx, asks, now=now + timedelta(minutes=1)) == [False, False, True, True]
        assert await unread(tx, ann) == 3
        first = await inbox_of(tx, ann, limit=2)
        rest = await inbox_of(tx, ann, after=first[-1].message_id, limit=2)
        assert first[0].message_id == asks[2].message_id, "newest first"
        assert {one.message_id for one in first + rest} == {ask.message_id for ask in asks[:3]}
        assert await mark_read(tx, [ann], now=now) == 3
        assert (await unread(tx, ann), await unread(tx, bo)) == (0, 1)
        assert await empty(tx, [ann]) == 3
        assert await inbox_of(tx, ann) == []
    assert await audit_clean(db)


async def test_nothing_is_told_without_words(db: Database, now):
    async with db.central() as tx:
        with pytest.raises(ValueError, match="nobody wrote words"):
            await tell(tx, [Tell(member_id=new_id(), message_id=new_id(), kind="hello")], now=now)


async def test_a_mark_never_goes_back(db: Database, now):
    async with db.central() as tx:
        assert await mark(tx, "expiring", city_id=1) is None
        for at in (now, now - timedelta(days=1)):
            await set_mark(tx, "expiring", at, city_id=1)
        assert await mark(tx, "expiring", city_id=1) == now
        assert await mark(tx, "expiring", city_id=2) is None


@pytest.mark.parametrize(
    ("code", "facts", "subject"),
    [
        ("MSG01", '{"code": "123456"}', "null"),
        ("MSG01", '{"to": "+8613800138000"}', "null"),
        ("MSG04", "{}", "member_id"),
    ],
)
async def test_it_fires(db: Database, code: str, facts: str, subject: str):
    async with db.central() as tx:
        await tx.run(
            f"""insert into messages.inbox (member_id, message_id, kind, facts, subject, at)
                select member_id, member_id, 'stays', %(facts)s::jsonb, {subject}, '2026-11-20'
                from (select '00000000-0000-7000-8000-000000000001'::uuid as member_id) m""",
            facts=facts,
        )
    assert await fires(db, code)
