"""Points that leave a wallet by the member's own wish: to a friend, or to a charity of the alliance."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, structs

from hutong import programmes
from hutong.desk import pointing
from hutong.desk.pointing import Friend, Purse, purse_of
from hutong.infra.db import Tx
from hutong.kit.ids import PROGRAMME, BadId
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.web.consumer.alliances import asked
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting

_Short = Annotated[str, Meta(max_length=32)]


class SendForm(KeyedForm, frozen=True, kw_only=True):
    """To whom, how many, and of which alliance. `sure`: he has seen the friend's name and says yes."""

    programme: Annotated[str, Meta(max_length=60)] = ""
    phone: _Short = ""
    name: _Short = ""
    points: _Short = ""
    sure: Annotated[str, Meta(max_length=3)] = ""


class GiveForm(KeyedForm, frozen=True, kw_only=True):
    """To which charity, how many, and of which alliance."""

    programme: Annotated[str, Meta(max_length=60)] = ""
    partner: Annotated[str, Meta(max_length=40)] = ""
    points: _Short = ""


async def _purse(visit: Visit, here: Here, form: SendForm | GiveForm) -> Purse:
    async with visit.house.db.reading(here.city_id) as tx:
        return sure_found(await _chosen(tx, visit, here, _named(form.programme)))


async def _chosen(tx: Tx, visit: Visit, here: Here, named: UUID | None) -> Purse | None:
    """The purse that the form was shown for, else the one that the page is about: which one holds most points changes
    with the first click, and the second must mean the same."""
    return await purse_of(
        tx, here.city_id, visit.member.member_id, visit.house.clock.now(), asked=named or asked(visit)
    )


def _named(text: str) -> UUID | None:
    try:
        return PROGRAMME.read(text)
    except BadId:
        return None


def _of(form: SendForm | GiveForm, purse: Purse) -> str:
    """The form's alliance, to be sent along."""
    return form.programme or PROGRAMME.show(purse.programme.programme_id)


def _count(visit: Visit, typed: str) -> int:
    """The points that were typed. Raises bad_input."""
    digits = typed.strip().replace(",", "")
    if not digits.isdecimal() or not 1 <= len(digits) <= 9 or int(digits) < 1:
        raise BadInput(field=visit.t("points.how_many"), why=visit.t("points.whole"))
    return int(digits)


@get("/c/{city:str}/points/send", guards=[signed_in])
async def send_page(visit: Visiting, here: InCity) -> Response[str]:
    """To a friend: his number, how his name begins, how many."""
    return await _send_page(visit, here, SendForm(key=visit.new_key()))


async def _send_page(
    visit: Visit, here: Here, form: SendForm, *, wrong: Refusal | None = None, friend: Friend | None = None,
    points: int = 0,
) -> Response[str]:  # fmt: skip
    purse = await _purse(visit, here, form)
    visit.frame["tab"] = "me"
    caps = purse.programme.policy.caps if purse.programme.policy else None
    return visit.page(
        "consumer/points_send.html", status=wrong.status if wrong else 200, purse=purse, form=form, wrong=wrong,
        programme=_of(form, purse),
        friend=friend, points=points, most=caps.send_points_a_day if caps else None,
        times=caps.sends_a_day if caps else None,
    )  # fmt: skip


@post("/c/{city:str}/points/send", guards=[signed_in], status_code=303)
async def send(visit: Visiting, here: InCity, data: URLEncodedBody[SendForm]) -> Response:
    """First who it is, masked; then, when the member says so, the points go."""
    try:
        points = _count(visit, data.points)
        purse = await _purse(visit, here, data)
        if data.sure != "yes" and points > purse.wallet.available:  # later `send` says so, which knows its own answer
            raise programmes.PointsShort(available=purse.wallet.available, wanted=points)
        friend = await pointing.find_friend(visit.house, visit.member, data.phone, data.name)
        if data.sure != "yes":
            page = await _send_page(visit, here, data, friend=friend, points=points)
            page.status_code = 200
            return page
        await pointing.send(
            visit.house, here.city_id, visit.member, purse.programme.programme_id, friend.member_id, points,
            key=data.key,
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        if refusal.status == 503:
            raise
        return await _send_page(visit, here, structs.replace(data, key=visit.new_key(), sure=""), wrong=refusal)
    return Redirect(here.to("/points", done="sent"), status_code=303)


@get("/c/{city:str}/points/give", guards=[signed_in])
async def give_page(visit: Visiting, here: InCity) -> Response[str]:
    """To a charity of the alliance."""
    return await _give_page(visit, here, GiveForm(key=visit.new_key()))


async def _give_page(visit: Visit, here: Here, form: GiveForm, *, wrong: Refusal | None = None) -> Response[str]:
    purse = await _purse(visit, here, form)
    visit.frame["tab"] = "me"
    async with visit.house.db.reading() as tx:
        found = await pointing.charities(tx, purse.programme.programme_id)
    return visit.page(
        "consumer/points_give.html", status=wrong.status if wrong else 200, purse=purse, form=form, wrong=wrong,
        charities=found, programme=_of(form, purse),
    )  # fmt: skip


@post("/c/{city:str}/points/give", guards=[signed_in], status_code=303)
async def give(visit: Visiting, here: InCity, data: URLEncodedBody[GiveForm]) -> Response:
    """Give points away. What they are worth goes to the charity."""
    purse = await _purse(visit, here, data)
    try:
        points = _count(visit, data.points)
        async with visit.house.db.reading() as tx:
            known = {one.partner_id for one in await pointing.charities(tx, purse.programme.programme_id)}
        partner = _partner(data.partner)
        if partner is None or partner not in known:
            raise programmes.NotAPartner()
        await pointing.donate(
            visit.house, here.city_id, visit.member, purse.programme.programme_id, partner, points, key=data.key
        )
    except Refusal as refusal:
        if refusal.status == 503:
            raise
        return await _give_page(visit, here, structs.replace(data, key=visit.new_key()), wrong=refusal)
    return Redirect(here.to("/points", done="given"), status_code=303)


def _partner(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES = (send_page, send, give_page, give)
