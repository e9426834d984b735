"""Privacy: a copy of one's own data, and leaving. And who to ask for help."""

from typing import Any

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect

from hutong import people, programmes
from hutong.desk import copying, leaving, passkeys
from hutong.kit.clock import local_day
from hutong.kit.ids import EXPORT
from hutong.kit.refusals import Refusal
from hutong.people import EXPORTS_PER_DAY, FETCHES_MAX
from hutong.web.consumer.here import InCity
from hutong.web.shared.forms import Form, KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting


class LeaveForm(Form, frozen=True, kw_only=True):
    """Proof of who asks: the code that was sent, or what the authenticator signed."""

    code: str = ""
    answer: str = ""


@get("/c/{city:str}/me/privacy", guards=[signed_in])
async def privacy(visit: Visiting, here: InCity) -> Response[str]:
    """Copies that can be fetched, and the way out."""
    del here
    return await _privacy(visit)


async def _privacy(visit: Visit, *, wrong: Refusal | None = None, about: str = "") -> Response[str]:
    member, now = visit.member.member_id, visit.house.clock.now()
    async with visit.house.db.reading() as tx:
        copies = await people.exports_of(tx, member, now=now)
        there = (await people.departures_of(tx, [member])).get(member)
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/privacy.html", status=wrong.status if wrong else 200, copies=copies, leaving=there, wrong=wrong,
        about=about, EXPORT=EXPORT, fetches=FETCHES_MAX, a_day=EXPORTS_PER_DAY,
    )  # fmt: skip


@post("/c/{city:str}/me/exports", guards=[signed_in], status_code=303)
async def ask_export(visit: Visiting, here: InCity, data: URLEncodedBody[KeyedForm]) -> Response:
    """Opens a copy of the member's own data for a day."""
    try:
        await leaving.ask_export(visit.house, visit.member, key=data.key)
    except Refusal as refusal:
        return await _privacy(visit, wrong=refusal, about="copy")
    return Redirect(here.to("/me/privacy"), status_code=303)


@post("/c/{city:str}/me/exports/{export:str}", guards=[signed_in], status_code=200)
async def fetch_export(
    visit: Visiting, here: InCity, export: FromPath[str], data: URLEncodedBody[Form]
) -> Response[bytes]:
    """The copy itself, for its owner alone: it is made now and kept nowhere. Refuses not_found, export_over."""
    del data
    await leaving.fetch_export(visit.house, visit.member, EXPORT.read(export))
    packed = await copying.copy_of(visit.house, visit.member)
    name = f"hutong-{local_day(visit.house.clock.now(), here.city.zone)}.zip"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(packed, media_type="application/zip", headers=headers)


@get("/c/{city:str}/me/leave", guards=[signed_in])
async def leave_page(visit: Visiting, here: InCity) -> Response[str]:
    """What goes and what stays, what is still open, and how to prove who asks."""
    del here
    return await _leave(visit)


async def _leave(visit: Visit, *, asked: bool = False, wrong: Refusal | None = None) -> Response[str]:
    member = visit.member.member_id
    blocked = (await leaving.open_business(visit.house.db, [member])).get(member)
    async with visit.house.db.reading() as tx:
        keys = passkeys.offered(visit.house) and bool(await people.passkeys_of(tx, [member]))
        there = (await people.departures_of(tx, [member])).get(member)
        wallets = await programmes.wallets(tx, member, now=visit.house.clock.now())
    visit.frame["tab"] = "me"
    return visit.page(
        "consumer/leave.html", status=wrong.status if wrong else 200, asked=asked, wrong=wrong or blocked,
        blocked=blocked is not None, works=bool(visit.member.grants), keys=keys, leaving=there, actor=visit.member,
        points=sum(wallet.available + wallet.pending for wallet in wallets),
    )  # fmt: skip


@post("/c/{city:str}/me/leave/codes", guards=[signed_in], status_code=200)
async def leave_code(visit: Visiting, here: InCity, data: URLEncodedBody[Form]) -> Response[str]:
    """Sends the code that proves who asks."""
    del here, data
    try:
        await leaving.ask_code(visit.house, visit.member, address=visit.address, language=visit.language)
    except Refusal as refusal:
        return await _leave(visit, wrong=refusal)
    return await _leave(visit, asked=True)


@post("/c/{city:str}/me/leave/options", guards=[signed_in], status_code=200)
async def leave_options(visit: Visiting, here: InCity, data: URLEncodedBody[Form]) -> Response[str]:
    """JSON of what one of the member's passkeys signs to confirm it."""
    del here, data
    wish = await passkeys.wish_to_confirm(
        visit.house, visit.member, token=visit.token or "", address=visit.address
    )  # fmt: skip
    return Response(wish, media_type=MediaType.JSON, headers={"cache-control": "no-store"})


@post("/c/{city:str}/me/leave", guards=[signed_in], status_code=303)
async def leave(visit: Visiting, here: InCity, data: URLEncodedBody[LeaveForm]) -> Response:
    """Begins the seven days."""
    proof: Any = "passkey" if data.answer else "code"
    try:
        if data.answer:
            await passkeys.confirm(
                visit.house, visit.member, data.answer, token=visit.token or "", address=visit.address
            )
        else:
            await leaving.prove(visit.house, visit.member, data.code[:20], address=visit.address)
        await leaving.ask(visit.house, visit.member, proof=proof)
    except Refusal as refusal:
        return await _leave(visit, asked=bool(data.code), wrong=refusal)
    return Redirect(here.to("/me"), status_code=303)


@post("/c/{city:str}/me/stay", guards=[signed_in], status_code=303)
async def stay(visit: Visiting, here: InCity, data: URLEncodedBody[Form]) -> Redirect:
    """Calls it off."""
    del data
    await leaving.stay(visit.house, visit.member)
    return Redirect(here.to("/me"), status_code=303)


@get("/c/{city:str}/me/help", guards=[public])
async def help_page(visit: Visiting, here: InCity) -> Response[str]:
    """Questions that people have, and who to ask."""
    del here
    visit.frame["tab"] = "me"
    return visit.page("consumer/help.html")


ROUTES = (privacy, ask_export, fetch_export, leave_page, leave_code, leave_options, leave, stay, help_page)
