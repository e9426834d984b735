"""Passkeys at the edge: what to sign, making one, signing in with one, confirming something with one."""

from uuid import UUID

from hutong import messages, people
from hutong.desk import signing
from hutong.desk.house import House
from hutong.desk.keyed import sure
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.ids import derive
from hutong.messages import Tell
from hutong.people import AddPasskey, AskChallenge, EditPasskey, PasskeyInfo, PasskeySignIn, SignedIn, Site, UsePasskey
from hutong.people.model import device_label
from hutong.people.passkeys import CeremonyPurpose, label_of


def offered(house: House) -> bool:
    """Whether browsers make passkeys for the address of this house (a name, by https; or localhost)."""
    return people.site_of(house.settings.address) is not None


def site(house: House) -> Site:
    """The site of the house. Raises no_passkeys_here."""
    found = people.site_of(house.settings.address)
    if found is None:
        raise people.NoPasskeysHere()
    return found


async def _challenge(
    house: House, purpose: CeremonyPurpose, *, binding: str, address: str, member_id: UUID | None = None
) -> bytes:
    ask = AskChallenge(
        challenge=people.new_challenge(), purpose=purpose, binding=binding, address=address, member_id=member_id
    )
    secret = house.settings.key("codes")
    async with house.db.central() as tx:
        made = await people.ask_challenges(
            tx, [ask], secret=secret, now=house.clock.now(), limits=signing.limits(house)
        )
    return sure(made[0]).challenge


async def wish_to_register(house: House, actor: Actor, *, token: str, address: str) -> str:
    """JSON for the browser to make a passkey for this member. Raises no_passkeys_here, too_many_tries."""
    here = site(house)
    challenge = await _challenge(house, "register", binding=token, address=address, member_id=actor.member_id)
    async with house.db.reading() as tx:
        known = await people.credentials_of(tx, actor.member_id)
    return people.wish_to_register(here, challenge, member_id=actor.member_id, shown=actor.name, known=known)


async def register(house: House, actor: Actor, answer: str, *, token: str, agent: str, label: str = "") -> PasskeyInfo:
    """Keep the passkey that the browser made. Raises passkey_stale, passkey_not_right, too_many_passkeys and kin."""
    named = label_of(label, device_label(agent))
    ask = AddPasskey(member_id=actor.member_id, passkey_id=new_id(), answer=answer, binding=token, label=named)
    async with house.db.central() as tx:
        made = await people.add_passkeys(tx, [ask], site=site(house), now=house.clock.now())
    info = sure(made[0])
    await _tell(house, actor, "passkey_added", info.passkey_id, info.label)
    return info


async def wish_to_sign_in(house: House, *, binding: str, address: str) -> str:
    """JSON for the browser to sign in with any passkey of this site. Raises no_passkeys_here, too_many_tries."""
    here = site(house)
    return people.wish_to_sign(here, await _challenge(house, "sign_in", binding=binding, address=address))


async def sign_in(
    house: House, answer: str, *, binding: str, address: str, agent: str, previous: str | None = None
) -> SignedIn:
    """A new session for whoever holds the passkey. Raises passkey_stale and its kin, member_frozen."""
    ask = PasskeySignIn(
        answer=answer, binding=binding, address=address, agent=agent, session_id=new_id(), token=people.new_token(),
        previous=previous,
    )  # fmt: skip
    async with house.db.central() as tx:
        results = await people.sign_in_by_passkey(tx, [ask], site=site(house), now=house.clock.now())
    return sure(results[0])


async def wish_to_confirm(house: House, actor: Actor, *, token: str, address: str) -> str:
    """JSON for the browser to confirm something with a passkey of this member."""
    here = site(house)
    challenge = await _challenge(house, "confirm", binding=token, address=address, member_id=actor.member_id)
    async with house.db.reading() as tx:
        known = await people.credentials_of(tx, actor.member_id)
    return people.wish_to_sign(here, challenge, allowed=known)


async def confirm(house: House, actor: Actor, answer: str, *, token: str, address: str) -> None:
    """The member himself is here, with one of his passkeys. Raises passkey_stale and its kin."""
    ask = UsePasskey(answer=answer, binding=token, address=address, purpose="confirm", member_id=actor.member_id)
    async with house.db.central() as tx:
        results = await people.use_passkeys(tx, [ask], site=site(house), now=house.clock.now())
    sure(results[0])


async def rename(house: House, actor: Actor, passkey_id: UUID, label: str) -> None:
    """Another name for one of the member's passkeys. Raises not_found, bad_input."""
    async with house.db.central() as tx:
        asks = [EditPasskey(member_id=actor.member_id, passkey_id=passkey_id, label=label)]
        results = await people.edit_passkeys(tx, asks, now=house.clock.now())
    sure(results[0])


async def remove(house: House, actor: Actor, passkey_id: UUID) -> None:
    """Take one of the member's passkeys away, for ever. Raises not_found."""
    async with house.db.central() as tx:
        held = (await people.passkeys_of(tx, [actor.member_id])).get(actor.member_id, [])
        asks = [EditPasskey(member_id=actor.member_id, passkey_id=passkey_id)]
        results = await people.edit_passkeys(tx, asks, now=house.clock.now())
    sure(results[0])
    label = next((one.label for one in held if one.passkey_id == passkey_id), "")
    await _tell(house, actor, "passkey_removed", passkey_id, label)


async def _tell(house: House, actor: Actor, kind: str, passkey_id: UUID, label: str) -> None:
    """A change of how one signs in is told: who did not make it himself finds it."""
    told = Tell(
        member_id=actor.member_id, message_id=derive(passkey_id, kind), kind=kind, facts={"label": label}
    )  # fmt: skip
    async with house.db.member(actor.member_id) as tx:
        await messages.tell(tx, [told], now=house.clock.now())
