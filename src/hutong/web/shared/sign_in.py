"""Signing in: a phone number, then the code that was sent to it. Whoever signs in returns to where he came from."""

from litestar import Response, get, post
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong.desk import signing
from hutong.kit.refusals import Refusal
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import public
from hutong.web.shared.paths import own_path
from hutong.web.shared.visit import SESSION, Visiting


class PhoneForm(Form, frozen=True, kw_only=True):
    phone: str
    next: str = "/"


class CodeForm(Form, frozen=True, kw_only=True):
    phone: str
    code: str
    next: str = "/"


class OutForm(Form, frozen=True, kw_only=True):
    next: str = "/"


@get("/sign-in", guards=[public], include_in_schema=False)
async def sign_in_page(visit: Visiting, next: FromQuery[str] = "/") -> Response[str]:
    """Asks for the number."""
    return visit.page("shared/sign_in.html", next=own_path(next) or "/", phone="", wrong=None)


@post("/sign-in/codes", guards=[public], status_code=200, include_in_schema=False)
async def send_code(visit: Visiting, data: URLEncodedBody[PhoneForm]) -> Response[str]:
    """Sends a code and asks for it. Known and unknown numbers are answered alike."""
    there = own_path(data.next) or "/"
    phone = data.phone.strip()[:40]
    try:
        await signing.request_code(visit.house, phone, address=visit.address, language=visit.language)
    except Refusal as refusal:
        return visit.page("shared/sign_in.html", status=refusal.status, next=there, phone=phone, wrong=refusal)
    return visit.page("shared/sign_in_code.html", next=there, phone=phone, wrong=None)


@post("/sign-in", guards=[public], status_code=200, include_in_schema=False)
async def sign_in(visit: Visiting, data: URLEncodedBody[CodeForm]) -> Response:
    """Checks the code. The session is new whatever the browser had before."""
    there = own_path(data.next) or "/"
    phone, code = data.phone.strip()[:40], "".join(data.code.split())[:12]
    try:
        signed = await signing.sign_in(
            visit.house, phone, code, address=visit.address, agent=visit.agent, language=visit.language,
            previous=visit.token,
        )  # fmt: skip
    except Refusal as refusal:
        return visit.page("shared/sign_in_code.html", status=refusal.status, next=there, phone=phone, wrong=refusal)
    answer = Redirect(there, status_code=303)
    seconds = int((signed.expires_at - visit.house.clock.now()).total_seconds())
    answer.set_cookie(visit.cookie(SESSION, signed.token, seconds=max(1, seconds)))
    return answer


@post("/sign-out", guards=[public], status_code=303, include_in_schema=False)
async def sign_out(visit: Visiting, data: URLEncodedBody[OutForm]) -> Redirect:
    """Ends the session here and in the database."""
    if visit.token:
        await signing.sign_out(visit.house, visit.token)
    answer = Redirect(own_path(data.next) or "/", status_code=303)
    answer.set_cookie(visit.cookie(SESSION, "", seconds=0))
    return answer


SIGN_IN = (sign_in_page, send_code, sign_in, sign_out)
