"""Settings: how pages look (for everybody), and what a member is called, is told, and where he is signed in."""

from typing import get_args

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import people
from hutong.desk import account, passkeys
from hutong.kit.ids import PASSKEY, SESSION
from hutong.kit.refusals import Refusal
from hutong.kit.text import LANGUAGES
from hutong.people import DEFAULTS, Channel, Purpose
from hutong.web.consumer.here import Here, InCity
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import LANGUAGE, TEXT, TEXTS, THEME, THEMES, Visit, Visiting

_YEAR = 365 * 24 * 3600
PURPOSES: tuple[Purpose, ...] = ("orders", "reminders", "reviews", "offers")
CHANNELS: tuple[Channel, ...] = get_args(Channel)


class DisplayForm(Form, frozen=True, kw_only=True):
    theme: str = THEMES[0]
    text: str = TEXTS[0]
    lang: str = ""


class NameForm(Form, frozen=True, kw_only=True):
    name: str = ""


class NoticeForm(Form, frozen=True, kw_only=True):
    """The switches that are on; those that are off are not sent by browsers."""

    orders_sms: str = ""
    reminders_inbox: str = ""
    reminders_sms: str = ""
    reviews_inbox: str = ""
    offers_inbox: str = ""


class PasskeyForm(Form, frozen=True, kw_only=True):
    answer: str = ""
    label: str = ""


class LabelForm(Form, frozen=True, kw_only=True):
    label: str


class PhoneForm(Form, frozen=True, kw_only=True):
    phone: str


class PhoneCodesForm(Form, frozen=True, kw_only=True):
    phone: str
    new_code: str
    old_code: str


@get("/c/{city:str}/me/settings", guards=[public])
async def settings(visit: Visiting, here: InCity, saved: FromQuery[bool] = False) -> Response[str]:
    """How pages look, in which language; and the name, for members."""
    del here
    return await _settings(visit, saved=saved)


async def _settings(
    visit: Visit, *, saved: bool = False, name: str | None = None, wrong: Refusal | None = None
) -> Response[str]:
    visit.frame["tab"] = "me"
    visit.personal = visit.actor is not None
    if name is None and visit.actor is not None:
        async with visit.house.db.reading() as tx:
            name = (await people.members(tx, [visit.actor.member_id]))[visit.actor.member_id].name
    return visit.page(
        "consumer/settings.html", status=wrong.status if wrong else 200, saved=saved, name=name or "", wrong=wrong,
        actor=visit.actor, themes=THEMES, texts=TEXTS,
    )  # fmt: skip


@post("/c/{city:str}/me/display", guards=[public], status_code=303)
async def display(visit: Visiting, here: InCity, data: URLEncodedBody[DisplayForm]) -> Redirect:
    """Keep the look and the language on this device; a member's language is his own wherever he signs in."""
    answer = Redirect(here.to("/me/settings", saved="true"), status_code=303)
    chosen = ((THEME, data.theme, THEMES), (TEXT, data.text, TEXTS), (LANGUAGE, data.lang, LANGUAGES))
    for cookie, said, known in chosen:
        if said in known:
            answer.set_cookie(visit.cookie(cookie, said, seconds=_YEAR))
    if visit.actor is not None and data.lang in LANGUAGES:
        await account.edit(visit.house, visit.actor, language=data.lang)
    return answer


@post("/c/{city:str}/me/name", guards=[signed_in], status_code=303)
async def rename(visit: Visiting, here: InCity, data: URLEncodedBody[NameForm]) -> Response:
    """The name by which shops and other guests see the member."""
    try:
        await account.edit(visit.house, visit.member, name=data.name[:200])
    except Refusal as refusal:
        return await _settings(visit, name=data.name[:200], wrong=refusal)
    return Redirect(here.to("/me/settings", saved="true"), status_code=303)


@get("/c/{city:str}/me/notifications", guards=[signed_in])
async def notices(visit: Visiting, here: InCity, saved: FromQuery[bool] = False) -> Response[str]:
    """What the member wants to be told, and where."""
    del here
    member = visit.member.member_id
    async with visit.house.db.reading() as tx:
        wishes = (await people.choices_of(tx, [member]))[member]
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/notices.html", saved=saved, wishes=wishes, purposes=PURPOSES, channels=CHANNELS, known=DEFAULTS
    )


@post("/c/{city:str}/me/notifications", guards=[signed_in], status_code=303)
async def choose(visit: Visiting, here: InCity, data: URLEncodedBody[NoticeForm]) -> Redirect:
    """Keep the choices; each change is a line of history with the version of the words."""
    wanted = {name: getattr(data, "_".join(name)) == "yes" for name in DEFAULTS}
    await account.choose(visit.house, visit.member, wanted)
    return Redirect(here.to("/me/notifications", saved="true"), status_code=303)


@get("/c/{city:str}/me/security", guards=[signed_in])
async def security(visit: Visiting, here: InCity) -> Response[str]:
    """How the member signs in, and where he is signed in."""
    del here
    return await _security(visit)


async def _security(visit: Visit, wrong: Refusal | None = None) -> Response[str]:
    member, now = visit.member.member_id, visit.house.clock.now()
    async with visit.house.db.reading() as tx:
        keys = (await people.passkeys_of(tx, [member])).get(member, [])
        places = await people.sessions_of(tx, member, now=now, token=visit.token)
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/security.html", status=wrong.status if wrong else 200, keys=keys, places=places, wrong=wrong,
        offered=passkeys.offered(visit.house), PASSKEY=PASSKEY, SESSION=SESSION, actor=visit.member,
    )  # fmt: skip


@post("/c/{city:str}/me/passkeys/options", guards=[signed_in], status_code=200)
async def passkey_options(visit: Visiting, here: InCity, data: URLEncodedBody[PasskeyForm]) -> Response[str]:
    """JSON for the browser to make a passkey."""
    del here, data
    wish = await passkeys.wish_to_register(
        visit.house, visit.member, token=visit.token or "", address=visit.address
    )  # fmt: skip
    return Response(wish, media_type=MediaType.JSON, headers={"cache-control": "no-store"})


@post("/c/{city:str}/me/passkeys", guards=[signed_in], status_code=303)
async def add_passkey(visit: Visiting, here: InCity, data: URLEncodedBody[PasskeyForm]) -> Response:
    """Keep the passkey that the browser made."""
    try:
        await passkeys.register(
            visit.house, visit.member, data.answer, token=visit.token or "", agent=visit.agent, label=data.label
        )
    except Refusal as refusal:
        return await _security(visit, refusal)
    return Redirect(here.to("/me/security"), status_code=303)


@post("/c/{city:str}/me/passkeys/{passkey:str}", guards=[signed_in], status_code=303)
async def name_passkey(
    visit: Visiting, here: InCity, passkey: FromPath[str], data: URLEncodedBody[LabelForm]
) -> Response:
    """Another name for a passkey."""
    try:
        await passkeys.rename(visit.house, visit.member, PASSKEY.read(passkey), data.label)
    except Refusal as refusal:
        return await _security(visit, refusal)
    return Redirect(here.to("/me/security"), status_code=303)


@post("/c/{city:str}/me/passkeys/{passkey:str}/removal", guards=[signed_in], status_code=303)
async def remove_passkey(
    visit: Visiting, here: InCity, passkey: FromPath[str], data: URLEncodedBody[Form]
) -> Redirect:  # fmt: skip
    """Take a passkey away."""
    del data
    await passkeys.remove(visit.house, visit.member, PASSKEY.read(passkey))
    return Redirect(here.to("/me/security"), status_code=303)


@post("/c/{city:str}/me/devices/others", guards=[signed_in], status_code=303)
async def end_others(visit: Visiting, here: InCity, data: URLEncodedBody[Form]) -> Redirect:
    """Sign out everywhere but here."""
    del data
    await account.end_others(visit.house, visit.member, visit.token or "")
    return Redirect(here.to("/me/security"), status_code=303)


@post("/c/{city:str}/me/devices/{session:str}", guards=[signed_in], status_code=303)
async def end_session(visit: Visiting, here: InCity, session: FromPath[str], data: URLEncodedBody[Form]) -> Redirect:
    """Sign out one other place."""
    del data
    await account.end_session(visit.house, visit.member, SESSION.read(session))
    return Redirect(here.to("/me/security"), status_code=303)


@get("/c/{city:str}/me/phone", guards=[signed_in])
async def phone(visit: Visiting, here: InCity) -> Response[str]:
    """Asks for the new number."""
    return _phone(visit, here)


def _phone(
    visit: Visit, here: Here, *, typed: str = "", asked: bool = False, wrong: Refusal | None = None
) -> Response[str]:
    del here
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/phone.html", status=wrong.status if wrong else 200, typed=typed, asked=asked, wrong=wrong,
        actor=visit.member,
    )  # fmt: skip


@post("/c/{city:str}/me/phone/codes", guards=[signed_in], status_code=200)
async def phone_codes(visit: Visiting, here: InCity, data: URLEncodedBody[PhoneForm]) -> Response[str]:
    """Sends a code to each of the two numbers and asks for both."""
    typed = data.phone.strip()[:40]
    try:
        await account.ask_phone_codes(
            visit.house, visit.member, typed, address=visit.address, language=visit.language
        )  # fmt: skip
    except Refusal as refusal:
        return _phone(visit, here, typed=typed, wrong=refusal)
    return _phone(visit, here, typed=typed, asked=True)


@post("/c/{city:str}/me/phone", guards=[signed_in], status_code=303)
async def change_phone(visit: Visiting, here: InCity, data: URLEncodedBody[PhoneCodesForm]) -> Response:
    """Moves to the new number; all other places are signed out."""
    typed = data.phone.strip()[:40]
    try:
        await account.change_phone(
            visit.house, visit.member, typed, old_code=data.old_code[:20], new_code=data.new_code[:20],
            address=visit.address, token=visit.token or "",
        )  # fmt: skip
    except Refusal as refusal:
        return _phone(visit, here, typed=typed, asked=True, wrong=refusal)
    return Redirect(here.to("/me/security"), status_code=303)


ROUTES = (
    settings, display, rename, notices, choose, security, passkey_options, add_passkey, name_passkey, remove_passkey,
    end_others, end_session, phone, phone_codes, change_phone,
)  # fmt: skip
