"""Signing in over the API."""

from typing import Any

from litestar import Request, Router, delete, get, post
from litestar.params import JSONBody

from hutong.api.glue import Home, Token, Who, language_of, open_to_all, with_token
from hutong.api.shapes import CodeIn, MeOut, SessionIn, SessionOut
from hutong.desk import signing
from hutong.desk.house import House
from hutong.kit.ids import MEMBER, MERCHANT, STORE


def address_of(request: Request[Any, Any, Any], house: House) -> str:
    """The caller's network address; a proxy's word counts only when the settings trust the proxy."""
    peer = request.client.host if request.client else ""
    forwarded = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    while forwarded and house.settings.trusts(peer):
        peer = forwarded.pop()
    return peer


@post("/auth/codes", guards=[open_to_all], status_code=202, summary="Ask for a one-time code")
async def ask_code(request: Request[Any, Any, Any], data: JSONBody[CodeIn], house: Home) -> dict[str, str]:
    """The answer is the same for known and unknown numbers. Refusals: bad_phone, too_many_tries."""
    await signing.request_code(house, data.phone, address=address_of(request, house), language=language_of(request))
    return {"sent": "yes"}


@post("/auth/sessions", guards=[open_to_all], summary="Sign in with the code")
async def sign_in(request: Request[Any, Any, Any], data: JSONBody[SessionIn], house: Home) -> SessionOut:
    """A bearer token. The first time makes a member. Refusals: code_wrong, code_dead, too_many_tries."""
    done = await signing.sign_in(
        house, data.phone, data.code, address=address_of(request, house),
        agent=request.headers.get("user-agent", "")[:300], language=language_of(request),
    )  # fmt: skip
    return SessionOut(done.token, MEMBER.show(done.member_id), done.is_new, done.expires_at)


@get("/auth/sessions/current", guards=[with_token], summary="Who am I?")
async def me(actor: Who) -> MeOut:
    """The member or till behind the token, with the roles of this moment."""
    roles = [
        {
            "role": grant.role.value,
            "city": grant.city_id,
            "merchant": MERCHANT.show(grant.merchant_id) if grant.merchant_id else None,
            "store": STORE.show(grant.store_id, grant.city_id) if grant.store_id and grant.city_id else None,
        }
        for grant in actor.grants
    ]
    member = MEMBER.show(actor.member_id) if actor.is_member else None
    return MeOut(member, actor.name, actor.phone_tail, roles)


@delete("/auth/sessions/current", guards=[with_token], summary="Sign out")
async def sign_out(token: Token, house: Home) -> None:
    """The token is dead at once."""
    await signing.sign_out(house, token)


router = Router("/", route_handlers=[ask_code, sign_in, me, sign_out], tags=["auth"])
