"""Passkeys: made after signing in, used once per challenge, ended when they seem copied (reliability.md A4, A7)."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from webauthn.helpers import bytes_to_base64url

from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.refusals import BadInput, NotFound, TooManyTries
from hutong.people import (
    AddPasskey,
    AskChallenge,
    EditPasskey,
    Limits,
    PasskeyCopied,
    PasskeyInfo,
    PasskeyNotRight,
    PasskeySignIn,
    PasskeyStale,
    PasskeyTaken,
    PasskeyUnknown,
    PasskeyUsed,
    SignedIn,
    Site,
    TooManyPasskeys,
    UsePasskey,
    actor_of,
    add_passkeys,
    ask_challenges,
    credentials_of,
    edit_passkeys,
    forget,
    new_challenge,
    new_token,
    passkeys_of,
    sign_in_by_passkey,
    site_of,
    use_passkeys,
    wish_to_register,
    wish_to_sign,
)
from tests.authenticator import PRESENT, Authenticator
from tests.conftest import audit_clean
from tests.people_helpers import ANN, BO, OPEN, SECRET, signed_in

pytestmark = pytest.mark.anyio
SITE = Site(rp_id="hutong.example", origin="https://hutong.example")
BROWSER = "a secret of this browser"


def device(name: bytes = b"c" * 32, **more) -> Authenticator:
    return Authenticator(origin=SITE.origin, rp_id=SITE.rp_id, name=name, **more)


async def challenge(db: Database, purpose, now, *, member: UUID | None = None, binding: str = BROWSER) -> bytes:
    ask = AskChallenge(
        challenge=new_challenge(), purpose=purpose, binding=binding, address="192.0.2.1", member_id=member
    )
    async with db.central() as tx:
        (made,) = await ask_challenges(tx, [ask], secret=SECRET, now=now, limits=OPEN)
    assert isinstance(made, AskChallenge)
    return made.challenge


async def added(db: Database, member: UUID, chip: Authenticator, now, *, binding: str = BROWSER, **wrong):
    asked = await challenge(db, "register", now, member=member)
    wish = wish_to_register(SITE, asked, member_id=member, shown="Ann", known=[])
    request = AddPasskey(
        member_id=member, passkey_id=new_id(), answer=chip.make(wish, **wrong), binding=binding, label="Phone"
    )
    async with db.central() as tx:
        return (await add_passkeys(tx, [request], site=SITE, now=now))[0]


async def used(db: Database, chip: Authenticator, now, *, wish_at=None, binding: str = BROWSER, **wrong):
    wish = wish_to_sign(SITE, await challenge(db, "sign_in", wish_at or now))
    return await answered(db, [chip.sign(wish, **wrong)], now, binding=binding)


async def answered(db: Database, answers: list[str], now, *, binding: str = BROWSER):
    requests = [UsePasskey(answer=a, binding=binding, address="192.0.2.1", purpose="sign_in") for a in answers]
    async with db.central() as tx:
        return (await use_passkeys(tx, requests, site=SITE, now=now))[0]


@pytest.fixture
async def ann(db: Database, now) -> UUID:
    async with db.central() as tx:
        return (await signed_in(tx, ANN, now=now)).member_id


async def test_a_passkey_is_made_and_opens_a_session(db: Database, ann: UUID, now):
    chip = device()
    info = await added(db, ann, chip, now)
    assert isinstance(info, PasskeyInfo)
    wish = wish_to_sign(SITE, await challenge(db, "sign_in", now))
    ask = PasskeySignIn(
        answer=chip.sign(wish), binding=BROWSER, address="192.0.2.1", session_id=new_id(), token=new_token(),
        agent="Mozilla/5.0 (iPhone) Safari/604",
    )  # fmt: skip
    async with db.central() as tx:
        (done,) = await sign_in_by_passkey(tx, [ask], site=SITE, now=now)
        assert isinstance(done, SignedIn)
        actor = await actor_of(tx, done.token, now=now)
        assert actor is not None
        assert actor.member_id == ann
        (shown,) = (await passkeys_of(tx, [ann]))[ann]
        assert await credentials_of(tx, ann) == [chip.name]
    assert (shown.label, shown.last_used_at, shown.synced) == ("Phone", now, False)
    assert await audit_clean(db)


async def test_an_answer_is_good_once_in_time_in_the_browser_that_asked(db: Database, ann: UUID, now):
    chip = device()
    await added(db, ann, chip, now)
    wish = wish_to_sign(SITE, await challenge(db, "sign_in", now))
    answer = chip.sign(wish)
    assert isinstance(await answered(db, [answer], now, binding="another browser"), PasskeyStale)
    assert isinstance(await answered(db, [answer], now), PasskeyUsed)
    assert isinstance(await answered(db, [answer], now), PasskeyStale), "once"
    late = now + timedelta(minutes=5)
    assert isinstance(await used(db, chip, late, wish_at=now), PasskeyStale), "five minutes"
    registered = wish_to_sign(SITE, await challenge(db, "register", now, member=ann))
    assert isinstance(await answered(db, [chip.sign(registered)], now), PasskeyStale), "for another purpose"
    assert isinstance(await answered(db, ["", "{}", "x" * 30_000][:1], now), PasskeyStale)
    assert await audit_clean(db)


async def test_two_at_the_same_moment_share_no_challenge(db: Database, ann: UUID, now):
    chip = device(synced=True)
    await added(db, ann, chip, now)
    answer = chip.sign(wish_to_sign(SITE, await challenge(db, "sign_in", now)))
    results = await asyncio.gather(*(answered(db, [answer], now) for _ in range(8)))
    assert sorted(type(r).__name__ for r in results) == ["PasskeyStale"] * 7 + ["PasskeyUsed"]
    request = UsePasskey(answer=answer, binding=BROWSER, address="a", purpose="sign_in")
    async with db.central() as tx:
        assert [type(r) for r in await use_passkeys(tx, [request] * 2, site=SITE, now=now)] == [PasskeyStale] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"flags": PRESENT}, {"signature": True},
    ],
    ids=["origin", "site", "not verified", "signature"],
)  # fmt: skip
async def test_what_is_not_signed_here_by_a_person_is_refused(db: Database, ann: UUID, now, wrong):
    """A phishing site, another site, a touch without finger or PIN, another key."""
    chip = device()
    await added(db, ann, chip, now)
    assert isinstance(await used(db, chip, now, **wrong), PasskeyNotRight)
    assert isinstance(await used(db, chip, now), PasskeyUsed), "and the passkey lives on"


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"rp_id": "x.example"}, {"flags": PRESENT}])
async def test_what_was_not_made_for_this_site_is_not_kept(db: Database, ann: UUID, now, wrong):
    assert isinstance(await added(db, ann, device(), now, **wrong), PasskeyNotRight)
    assert isinstance(await added(db, ann, device(), now, binding="another session"), PasskeyStale)


async def test_a_copy_is_noticed_and_the_passkey_ends(db: Database, ann: UUID, now):
    """Whoever of the two comes second is found by the counter; the owner hears what to do."""
    chip = device()
    await added(db, ann, chip, now)
    assert isinstance(await used(db, chip, now), PasskeyUsed)
    thief = chip.copy()
    assert isinstance(await used(db, thief, now), PasskeyUsed)
    assert isinstance(await used(db, chip, now), PasskeyCopied)
    assert isinstance(await used(db, chip, now), PasskeyUnknown)
    assert isinstance(await used(db, thief, now), PasskeyUnknown)
    assert isinstance(await added(db, ann, chip, now), PasskeyTaken), "it never comes back"
    assert await audit_clean(db)


async def test_nobody_ends_another_ones_passkey_with_an_old_counter_and_no_key(db: Database, ann: UUID, now):
    chip = device()
    await added(db, ann, chip, now)
    assert isinstance(await used(db, chip, now), PasskeyUsed)
    stranger = device()
    assert isinstance(await used(db, stranger, now), PasskeyNotRight)
    assert isinstance(await used(db, chip, now), PasskeyUsed)


async def test_synced_passkeys_never_count(db: Database, ann: UUID, now):
    chip = device(synced=True)
    await added(db, ann, chip, now)
    for _ in range(3):
        assert isinstance(await used(db, chip, now), PasskeyUsed)


async def test_one_confirms_only_with_ones_own(db: Database, ann: UUID, now):
    async with db.central() as tx:
        bo = (await signed_in(tx, BO, now=now)).member_id
    chip = device()
    await added(db, bo, chip, now)
    wish = wish_to_sign(SITE, await challenge(db, "confirm", now, member=ann))
    ask = UsePasskey(answer=chip.sign(wish), binding=BROWSER, address="a", purpose="confirm", member_id=ann)
    async with db.central() as tx:
        assert isinstance((await use_passkeys(tx, [ask], site=SITE, now=now))[0], PasskeyUnknown)


async def test_a_member_names_and_removes_his_own(db: Database, ann: UUID, now):
    info = await added(db, ann, device(), now)
    assert isinstance(info, PasskeyInfo)
    asks = [
        EditPasskey(member_id=new_id(), passkey_id=info.passkey_id),
        EditPasskey(member_id=ann, passkey_id=info.passkey_id, label="  "),
        EditPasskey(member_id=ann, passkey_id=info.passkey_id, label=" Work  phone " + "x" * 60),
    ]
    async with db.central() as tx:
        assert [type(r) for r in await edit_passkeys(tx, asks, now=now)] == [NotFound, BadInput, EditPasskey]
        assert (await passkeys_of(tx, [ann]))[ann][0].label == ("Work phone " + "x" * 60)[:40]
        gone = EditPasskey(member_id=ann, passkey_id=info.passkey_id)
        assert await edit_passkeys(tx, [gone], now=now) == [gone]
        assert isinstance((await edit_passkeys(tx, [gone], now=now))[0], NotFound)
    assert isinstance(await used(db, device(), now), PasskeyUnknown)
    assert await audit_clean(db)


async def test_ten_are_enough(db: Database, ann: UUID, now):
    for n in range(10):
        assert isinstance(await added(db, ann, device(bytes([n]) * 32), now), PasskeyInfo)
    assert isinstance(await added(db, ann, device(b"z" * 32), now), TooManyPasskeys)
    assert await audit_clean(db)


async def test_challenges_are_limited_and_forgotten(db: Database, now):
    asks = [AskChallenge(challenge=new_challenge(), purpose="sign_in", binding="b", address="192.0.2.9") for _ in "abc"]
    async with db.central() as tx:
        made = await ask_challenges(
            tx, asks, secret=SECRET, now=now, limits=Limits(guesses_per_address_hour=2)
        )  # fmt: skip
        assert [type(m) for m in made] == [AskChallenge, AskChallenge, TooManyTries]
        assert (await forget(tx, now=now + timedelta(days=2)))["challenges"] == 2


@pytest.mark.parametrize(
    ("address", "rp_id"),
    [
        ("https://hutong.example", "hutong.example"), ("http://localhost:8100", "localhost"),
        ("http://127.0.0.1:8100", None), ("https://192.0.2.1", None), ("http://hutong.example", None),
        ("http://[::1]:8100", None),
    ],
)  # fmt: skip
def test_where_browsers_make_passkeys(address: str, rp_id: str | None):
    site = site_of(address)
    assert (site and site.rp_id) == rp_id
    assert site is None or site.origin == address


def test_the_wish_asks_for_a_person_and_a_name_free_sign_in():
    wish = wish_to_register(SITE, b"x" * 32, member_id=new_id(), shown="Ann", known=[b"k" * 16])
    assert '"residentKey": "required"' in wish
    assert '"userVerification": "required"' in wish
    assert bytes_to_base64url(b"k" * 16) in wish
    assert '"allowCredentials": []' in wish_to_sign(SITE, b"x" * 32)
