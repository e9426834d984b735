"""What a member settles about himself: name and language, where he is signed in, what he is told, his number."""

from uuid import UUID

from hutong import messages, people
from hutong.desk import signing
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.ids import derive
from hutong.kit.refusals import NotFound
from hutong.messages import Tell
from hutong.people import ChangePhone, Channel, Choose, EditMember, Member, PhoneChanged, Purpose


async def edit(house: House, actor: Actor, *, name: str | None = None, language: str | None = None) -> Member:
    """The member's own name and language. Raises bad_input for a name that is too long."""
    async with house.db.member(actor.member_id) as tx:
        results = await people.edit_members(
            tx, [EditMember(member_id=actor.member_id, name=name, language=language)]
        )  # fmt: skip
    return sure(results[0])


async def choose(house: House, actor: Actor, wanted: dict[tuple[Purpose, Channel], bool]) -> None:
    """Note what the member wants to be told; what has not changed is not noted again."""
    asks = [
        Choose(member_id=actor.member_id, consent_id=new_id(), purpose=purpose, channel=channel, given=given)
        for (purpose, channel), given in wanted.items()
    ]
    async with house.db.member(actor.member_id) as tx:
        for result in await people.choose(tx, asks, now=house.clock.now()):
            sure(result)


async def end_session(house: House, actor: Actor, session_id: UUID) -> None:
    """Sign out one other place. Raises not_found for a session that is over or not the member's."""
    async with house.db.central() as tx:
        ended = await people.sign_out_everywhere(
            tx, [actor.member_id], now=house.clock.now(), session_id=session_id
        )  # fmt: skip
    if not ended:
        raise NotFound()


async def end_others(house: House, actor: Actor, token: str) -> int:
    """Sign out everywhere but here; how many places."""
    async with house.db.central() as tx:
        return await people.sign_out_everywhere(tx, [actor.member_id], now=house.clock.now(), keep=token)


async def ask_phone_codes(house: House, actor: Actor, phone: str, *, address: str, language: str) -> None:
    """Send a code to the member's number and one to the new number. Raises bad_phone, same_phone, too_many_tries.

    Whether the new number is somebody's is not told: only its holder, who gets the code, will hear.
    """
    async with house.db.reading() as tx:
        old = (await people.phones_of(tx, [actor.member_id])).get(actor.member_id)
    if old is None:
        raise NotFound()
    if people.normalise(phone) == old:
        raise people.SamePhone()
    await signing.request_code(house, phone, address=address, language=language, purpose="phone_new")
    await signing.request_code(house, old, address=address, language=language, purpose="phone_old")


async def change_phone(
    house: House, actor: Actor, phone: str, *, old_code: str, new_code: str, address: str, token: str
) -> PhoneChanged:
    """Move to the other number; everywhere else the member is signed out. Raises what `change_phones` refuses."""
    ask = ChangePhone(
        member_id=actor.member_id, change_id=new_id(), phone=phone, old_code=old_code, new_code=new_code,
        address=address, keep=token,
    )  # fmt: skip
    secret = house.settings.key("codes")
    async with house.db.central() as tx:
        results = await people.change_phones(
            tx, [ask], secret=secret, now=house.clock.now(), limits=signing.limits(house)
        )
    done = sure(results[0])
    told = Tell(
        member_id=actor.member_id, message_id=derive(ask.change_id, "told"), kind="phone_changed",
        facts={"tail": done.tail},
    )  # fmt: skip
    async with house.db.member(actor.member_id) as tx:
        await messages.tell(tx, [told], now=house.clock.now())
    return done


async def mark_read(house: House, actor: Actor) -> int:
    """The member has seen his messages; how many were new."""
    async with house.db.member(actor.member_id) as tx:
        return await messages.mark_read(tx, [actor.member_id], now=house.clock.now())
