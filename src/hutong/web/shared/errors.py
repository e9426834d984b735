"""Refusals and faults as pages: what happened, what to do now, and a way on. Never a trace."""

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, PermissionDeniedException, ValidationException

from hutong.desk.passkeys import offered
from hutong.infra import metrics
from hutong.infra.faults import as_refusal, of_the_house, unwritable
from hutong.infra.logs import get_logger
from hutong.kit.refusals import NotSignedIn, Refusal
from hutong.kit.text import Text
from hutong.web.shared.paths import own_path, path_of
from hutong.web.shared.security import SAFE, WITHOUT_COOKIES
from hutong.web.shared.visit import Visit

log = get_logger("hutong.web")
AnyRequest = Request[Any, Any, Any]


def refused(request: AnyRequest, refusal: Refusal) -> Response[str]:
    """The page of a refusal; the sign-in page in its place when nobody is signed in."""
    metrics.refusals.labels(refusal.code).inc()
    visit = Visit.of(request)
    if isinstance(refusal, NotSignedIn):
        return visit.page(
            "shared/sign_in.html", status=401, next=way_back(request), phone="", wrong=None, keys=offered(visit.house)
        )
    answer = refusal_page(visit, refusal)
    wait = refusal.facts.get("retry_after") or refusal.facts.get("wait_seconds")
    if wait:
        answer.headers["retry-after"] = str(wait)
    return answer


def refusal_page(visit: Visit, refusal: Refusal, *, to: str | None = None) -> Response[str]:
    """The sentence and the next step in the reader's language. `to` is where the button leads."""
    return visit.page(
        "shared/refusal.html", status=refusal.status, code=refusal.code, sentence=visit_text(visit, refusal.sentence()),
        step=visit_text(visit, refusal.next_step()), to=to,
    )  # fmt: skip


def visit_text(visit: Visit, text: Text) -> str:
    return text.in_(visit.language)


def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What the framework refused: no such page, a form that does not fit, a stale CSRF token."""
    if request.scope["path"].startswith(WITHOUT_COOKIES):  # a machine mistyped an address; it reads no pages
        body = {"type": "about:blank", "title": error.detail, "status": error.status_code}
        return Response(body, status_code=error.status_code, media_type="application/problem+json")
    if isinstance(error, ValidationException):
        return _fault(request, 422, "form")
    if isinstance(error, PermissionDeniedException):
        return _fault(request, 403, "stale")
    known = {404: "not_found", 405: "not_found", 413: "form", 400: "form"}
    status = 404 if error.status_code == 405 and request.method in SAFE else error.status_code
    if status >= 500:
        return fault(request, error)
    return _fault(request, status, known.get(status, "form"))


def fault(request: AnyRequest, error: Exception) -> Response[str]:
    """Our own fault: logged with its trace, shown without. When only the database was away: try again soon."""
    path = request.scope["path"]
    try:
        if of_the_house(error):
            log.warning("database_away", path=path, error=type(error).__name__)
            return refused(request, as_refusal(error))
        if (bad := unwritable(error)) is not None:
            return refused(request, bad)
        metrics.faults.labels("web").inc()
        log.error("fault", path=path, exc_info=error)
        return _fault(request, 500, "fault")
    except Exception as worse:  # the page of the fault has a fault: say the least there is to say
        log.error("fault_of_fault", path=path, exc_info=worse)
        return Response("500", status_code=500, media_type="text/plain")


def _fault(request: AnyRequest, status: int, kind: str) -> Response[str]:
    visit = Visit.of(request)
    sentence, step = visit.t(f"fault.{kind}.say"), visit.t(f"fault.{kind}.step")
    return visit.page("shared/refusal.html", status=status, code=kind, sentence=sentence, step=step, to=None)


def way_back(request: AnyRequest) -> str:
    """Where to go after signing in: the page that was asked for, or the one on which the form stood."""
    visit = Visit.of(request)
    if request.method in SAFE:
        return own_path(visit.here) or "/"
    return path_of(request.headers.get("referer"), request.headers.get("host", "")) or "/"


HANDLERS: dict[int | type[Exception], Any] = {Refusal: refused, HTTPException: http_error, Exception: fault}
