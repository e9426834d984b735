"""The log of messages: intent first, result after, no number and no secret in it."""

import io
from datetime import timedelta

import pytest

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.messages import (
    BadFacts,
    ConsoleSms,
    Delivered,
    OutgoingSms,
    Rejected,
    Send,
    Unknown,
    UnknownTemplate,
    deliver,
    note,
    queue,
    sent_to,
)
from tests.conftest import audit_clean, fires

pytestmark = pytest.mark.anyio

SECRET = b"the server's secret"
ANN, BO = "+8613800138001", "+8613800138002"


def a_code(phone=ANN, **more):
    given = {"message_id": new_id(), "phone": phone, "template": "sign_in_code", "facts": {"code": "042137"}}
    return Send(**{**given, **more})


async def queued(db, sends, now):
    async with db.central() as tx:
        return await queue(tx, sends, secret=SECRET, now=now)


async def log(db, phone=ANN, **more):
    async with db.reading() as tx:
        return await sent_to(tx, phone, secret=SECRET, **more)


async def test_intent_then_call_then_result(db: Database, now):
    sms = ConsoleSms(out=io.StringIO())
    outgoing = await queued(db, [a_code()], now)
    (line,) = await log(db, since=now)
    assert (line.status, line.provider, line.settled_at) == ("queued", None, None)
    results = await deliver(sms, outgoing)
    async with db.central() as tx:
        assert await note(tx, results, now=now + timedelta(seconds=1)) == 1
        assert await note(tx, results, now=now + timedelta(seconds=9)) == 0, "settled once"
    (line,) = await log(db, since=now)
    assert (line.status, line.provider, line.settled_at) == ("accepted", "console", now + timedelta(seconds=1))
    assert sms.last_code(ANN) == "042137"
    assert await audit_clean(db)


async def test_the_log_knows_neither_number_nor_secret(db: Database, now):
    invitation = a_code(
        template="staff_invitation",
        facts={"merchant": "Noodle Bar", "role": "cashier", "link": "https://x/join/y"},
        language="en-GB",
    )
    outgoing = await queued(db, [a_code(), invitation], now)
    async with db.reading() as tx:
        stored = repr(await tx.rows("select * from messages.sent"))
    for secret in ("042137", "https://x", "13800138001"):
        assert secret not in stored
    code, line = sorted(await log(db, since=now), key=lambda m: m.template)
    assert (code.tail, code.facts) == ("8001", {})
    assert line.facts == {"merchant": "Noodle Bar", "role": "cashier"}
    assert isinstance(outgoing[1], OutgoingSms)
    assert outgoing[1].text == "[Hutong] Noodle Bar invites you to join as cashier. Open https://x/join/y to accept."
    assert await log(db, BO, since=now) == []
    assert await log(db, since=now + timedelta(seconds=1)) == []
    assert len(await log(db, since=now, templates=["sign_in_code"])) == 1


async def test_what_cannot_be_said_is_refused_and_the_others_go_on(db: Database, now):
    results = await queued(db, [a_code(template="nonsense"), a_code(facts={}), a_code()], now)
    assert results[0] == UnknownTemplate(template="nonsense")
    assert results[1] == BadFacts(template="sign_in_code", missing=["code"])
    assert isinstance(results[2], OutgoingSms)
    assert len(await log(db, since=now)) == 1


async def test_the_same_message_twice_is_one_line(db: Database, now):
    send = a_code()
    first = await queued(db, [send, send], now)
    again = await queued(db, [send], now + timedelta(minutes=1))
    assert first == [again[0]] * 2
    assert len(await log(db, since=now)) == 1


async def test_unknown_may_become_known_and_refused_stays_refused(db: Database, now):
    (one, two) = await queued(db, [a_code(), a_code()], now)
    async with db.central() as tx:
        unknown = Delivered(message=one, provider="x", outcome=Unknown("silence"))
        refused = Delivered(message=two, provider="x", outcome=Rejected("blocked"))
        assert await note(tx, [unknown, refused], now=now) == 2
        known = Delivered(message=one, provider="x", outcome=Rejected("blocked"))
        twice = Delivered(message=two, provider="x", outcome=Unknown("silence"))
        assert await note(tx, [known, twice], now=now) == 1
    assert [(m.status, m.reason) for m in await log(db, since=now)] == [("rejected", "blocked")] * 2


@pytest.mark.parametrize(
    ("code", "damage"),
    [
        ("MSG01", """update messages.sent set facts = '{"code": "042137"}'"""),
        ("MSG01", """update messages.sent set facts = '{"note": "call +8613800138001"}'"""),
        ("MSG02", "update messages.sent set status = 'accepted', provider = 'x', reference = '7', settled_at = now()"),
        ("MSG03", "update messages.sent set message_id = '00000000-0000-7000-8000-000000000001'"),
    ],
)
async def test_the_audit_sees(db: Database, now, code: str, damage: str):
    await queued(db, [a_code(ANN), a_code(BO)], now - timedelta(days=3650))
    assert await audit_clean(db)
    async with db.central() as tx:
        await tx.run(damage)
    assert await fires(db, code)
