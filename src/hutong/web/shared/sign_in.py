"""Signing in: a number and the code that was sent to it, or a passkey. Whoever signs in returns to where he was."""

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import people
from hutong.desk import passkeys, signing
from hutong.kit.refusals import Refusal
from hutong.people import SignedIn
from hutong.web.shared.forms import Form
from hutong.web.shared.guards import public
from hutong.web.shared.paths import own_path
from hutong.web.shared.visit import SESSION, Visit, Visiting

BROWSER = "hutong_browser"  # binds a challenge to the browser that asked for it, before anybody is signed in
BROWSER_SECONDS = 600


class PhoneForm(Form, frozen=True, kw_only=True):
    phone: str
    next: str = "/"
    again: str = ""


class CodeForm(Form, frozen=True, kw_only=True):
    phone: str
    code: str
    next: str = "/"


class PasskeyForm(Form, frozen=True, kw_only=True):
    """What the browser's authenticator answered, as JSON."""

    answer: str = ""
    next: str = "/"


class OutForm(Form, frozen=True, kw_only=True):
    next: str = "/"


def _phone_page(visit: Visit, there: str, phone: str = "", wrong: Refusal | None = None) -> Response[str]:
    return visit.page(
        "shared/sign_in.html", status=wrong.status if wrong else 200, next=there, phone=phone, wrong=wrong,
        keys=passkeys.offered(visit.house),
    )  # fmt: skip


def _code_page(visit: Visit, there: str, phone: str, wrong: Refusal | None = None) -> Response[str]:
    wait = wrong.facts.get("wait_seconds") if wrong else visit.house.settings.otp_gap_seconds
    return visit.page(
        "shared/sign_in_code.html", status=wrong.status if wrong else 200, next=there, phone=phone, wrong=wrong,
        wait=wait or 0,
    )  # fmt: skip


@get("/sign-in", guards=[public], include_in_schema=False)
async def sign_in_page(visit: Visiting, next: FromQuery[str] = "/") -> Response[str]:
    """Asks for the number, or for a passkey where browsers make them."""
    return _phone_page(visit, own_path(next) or "/")


@post("/sign-in/codes", guards=[public], status_code=200, include_in_schema=False)
async def send_code(visit: Visiting, data: URLEncodedBody[PhoneForm]) -> Response[str]:
    """Sends a code and asks for it. Known and unknown numbers are answered alike."""
    there = own_path(data.next) or "/"
    phone = data.phone.strip()[:40]
    try:
        await signing.request_code(visit.house, phone, address=visit.address, language=visit.language)
    except Refusal as refusal:
        return (_code_page if data.again else _phone_page)(visit, there, phone, refusal)
    return _code_page(visit, there, phone)


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
        return _code_page(visit, there, phone, refusal)
    return _welcome(visit, there, signed)


def _welcome(visit: Visit, there: str, signed: SignedIn) -> Response:
    """Back to where he came from, with the cookie of the new session."""
    seconds = int((signed.expires_at - visit.house.clock.now()).total_seconds())
    answer = go(visit, there)
    answer.set_cookie(visit.cookie(SESSION, signed.token, seconds=max(1, seconds)))
    return answer


def go(visit: Visit, there: str) -> Response:
    """To another page: a redirect for browsers; htmx must be told, or it would put that page into this one."""
    if visit.partial:
        return Response("", status_code=200, media_type=MediaType.HTML, headers={"hx-redirect": there})
    return Redirect(there, status_code=303)


@post("/sign-in/passkey/options", guards=[public], status_code=200, include_in_schema=False)
async def passkey_options(visit: Visiting, data: URLEncodedBody[PasskeyForm]) -> Response[str]:
    """JSON of what to sign, for this browser alone. Refuses no_passkeys_here, too_many_tries."""
    del data
    token = visit.connection.cookies.get(BROWSER) or people.new_token()
    wish = await passkeys.wish_to_sign_in(visit.house, binding=token, address=visit.address)
    answer = Response(wish, media_type=MediaType.JSON, headers={"cache-control": "no-store"})
    answer.set_cookie(visit.cookie(BROWSER, token, seconds=BROWSER_SECONDS))
    return answer


@post("/sign-in/passkey", guards=[public], status_code=200, include_in_schema=False)
async def sign_in_by_passkey(visit: Visiting, data: URLEncodedBody[PasskeyForm]) -> Response:
    """Checks what the authenticator signed; beside the form when it does not hold."""
    there = own_path(data.next) or "/"
    try:
        signed = await passkeys.sign_in(
            visit.house, data.answer, binding=visit.connection.cookies.get(BROWSER) or "", address=visit.address,
            agent=visit.agent, previous=visit.token,
        )  # fmt: skip
    except Refusal as refusal:
        return _phone_page(visit, there, wrong=refusal)
    answer = _welcome(visit, there, signed)
    answer.set_cookie(visit.cookie(BROWSER, "", seconds=0))
    return answer


@post("/sign-out", guards=[public], status_code=303, include_in_schema=False)
async def sign_out(visit: Visiting, data: URLEncodedBody[OutForm]) -> Redirect:
    """Ends the session here and in the database."""
    if visit.token:
        await signing.sign_out(visit.house, visit.token)
    answer = Redirect(own_path(data.next) or "/", status_code=303)
    answer.set_cookie(visit.cookie(SESSION, "", seconds=0))
    return answer


SIGN_IN = (sign_in_page, send_code, sign_in, passkey_options, sign_in_by_passkey, sign_out)
