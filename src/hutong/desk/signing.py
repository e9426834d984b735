"""Signing in by phone and one-time code, and who is asking."""

from collections.abc import Sequence
from datetime import datetime

from hutong import messages, people
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.faults import of_the_house
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.messages import Delivered, Send
from hutong.people import Limits, RequestCode, SignedIn, SignIn

NOWHERE = 0  # the city of look-ups that belong to none


def limits(house: House) -> Limits:
    """The limits of codes, from the settings."""
    s = house.settings
    return Limits(
        pause_s=s.otp_gap_seconds, phone_per_hour=s.otp_phone_hour, phone_per_day=s.otp_phone_day,
        address_per_hour=s.otp_address_hour,
    )  # fmt: skip


async def request_code(
    house: House, phone: str, *, address: str, language: str, purpose: people.CodePurpose = "sign_in"
) -> None:
    """Send a one-time code. Known and unknown numbers get the same answer. Raises bad_phone, too_many_tries."""
    secret = house.settings.key("codes")
    async with house.db.central() as tx:
        asks = [RequestCode(phone=phone, address=address, purpose=purpose)]
        made = (await people.request_codes(tx, asks, now=house.clock.now(), secret=secret, limits=limits(house)))[0]
    made = sure(made)
    template = "sign_in_code" if purpose == "sign_in" else "confirm_code"
    ask = Send(
        message_id=new_id(), phone=made.phone, template=template, facts={"code": made.code}, language=language
    )  # fmt: skip
    await send(house, [ask])


async def send(house: House, asks: Sequence[Send]) -> list[Delivered]:
    """Queue messages, commit, hand them to the provider, and note what became of each."""
    secret = house.settings.key("messages")
    async with house.db.central() as tx:
        queued = await messages.queue(tx, asks, secret=secret, now=house.clock.now())
    done = await messages.deliver(house.sms, [sure(one) for one in queued])
    async with house.db.central() as tx:
        await messages.note(tx, done, now=house.clock.now())
    return done


async def sign_in(
    house: House, phone: str, code: str, *, address: str, agent: str, language: str, previous: str | None = None
) -> SignedIn:
    """A new session for whoever knows the code; the first time makes a member. Raises wrong_code and its kin."""
    ask = SignIn(
        phone=phone, code=code, address=address, agent=agent, member_id=new_id(), token=people.new_token(),
        language=language, previous=previous,
    )  # fmt: skip
    secret = house.settings.key("codes")
    async with house.db.central() as tx:
        results = await people.sign_in(tx, [ask], now=house.clock.now(), secret=secret, limits=limits(house))
    return sure(results[0])


async def actor(house: House, token: str | None) -> Actor | None:
    """Who holds the session token; None without a valid one."""
    if not token:
        return None
    found, unseen = await house.batches.submit("people.sessions_with", NOWHERE, token)
    if found is not None and unseen:
        await _touch(house, token, now=house.clock.now())
    return found


async def _touch(house: House, token: str, *, now: datetime) -> None:
    """Note when the session was last seen. Nobody waits or fails for it: the database may be busy with real work."""
    try:
        async with house.db.central() as tx:
            await people.touch_sessions(tx, [token], now=now)
    except Exception as error:
        if not of_the_house(error):
            raise


async def unread(house: House, actor: Actor) -> int:
    """How many messages wait for the member: the dot on his tab."""
    async with house.db.reading() as tx:
        return await messages.unread(tx, actor.member_id)


async def key_actor(house: House, key: str) -> Actor | None:
    """The till that holds the API key; None without a valid one."""
    return await house.batches.submit("people.actors_of_keys", NOWHERE, key)


async def sign_out(house: House, token: str) -> None:
    """End the session."""
    async with house.db.central() as tx:
        await people.sign_out(tx, [token], now=house.clock.now())
