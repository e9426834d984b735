"""Joining: whoever scanned an invitation sees what it is, signs in with the own phone, and takes it with one tap."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from hutong import merchants
from hutong.desk import selling
from hutong.kit.ids import STORE, BadId
from hutong.kit.refusals import Refusal
from hutong.merchants import Invitation, InvitationExpired
from hutong.web.shared.errors import refusal_page
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import public, signed_in
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED


async def invitation_of(visit: Visit, text: str) -> tuple[int, UUID, str, Invitation | None]:
    """What the text of the link says, and the invitation; None when it is unknown, taken back or not its secret."""
    try:
        city_id, invitation_id, secret = merchants.read_invitation(text)
    except BadId:
        return 0, UUID(int=0), "", None
    async with visit.house.db.reading(city_id) as tx:
        return city_id, invitation_id, secret, await merchants.invitation(tx, city_id, invitation_id, secret)


@get("/join/{text:str}", guards=[public])
async def join(visit: Visiting, text: FromPath[str]) -> Response[str]:
    """The invitation: which shop, which role. Signed in: one button. Not yet: the way to sign in, and back here."""
    visit.personal = True
    await visit.who()
    *_, found = await invitation_of(visit, text)
    now = visit.house.clock.now()
    if found is None or (found.accepted_at is None and found.expires_at <= now):
        return refusal_page(visit, InvitationExpired(), to="/")
    return visit.page("merchant/join.html", found=found, text=text, actor=visit.actor)


@post("/join/{text:str}", guards=[signed_in], status_code=303)
async def accept(
    visit: Visiting, text: FromPath[str], data: Annotated[KeyedForm, Body(media_type=Posted)]
) -> Response:  # fmt: skip
    """Take the invitation; the first page of the new role comes next."""
    del data
    city_id, invitation_id, secret, found = await invitation_of(visit, text)
    if found is None:
        return refusal_page(visit, InvitationExpired(), to="/")
    try:
        taken = await selling.accept(visit.house, city_id, visit.member, invitation_id, secret)
    except Refusal as refusal:
        return refusal_page(visit, refusal, to="/")
    there = f"/m/{STORE.show(taken.store_id, city_id)}/scan" if taken.store_id else "/m/counters"
    return Redirect(there, status_code=303)


ROUTES = (join, accept)
