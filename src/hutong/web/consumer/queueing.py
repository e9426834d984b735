"""The queue page: when more people pay than the house can serve, nobody is sent away with an error.

The page tries again by itself, also without a script: it tells the browser to come back after a while, longer each
time. What it tries is the very form that was sent, with its key, so whoever waits never buys twice; the address carries
the form sealed with the reader's own session, so nobody else can make him order anything.
"""

import base64
import hashlib
import hmac
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import QueryParameter
from msgspec import Struct

from hutong.kit.ids import to_crockford
from hutong.kit.money import Amount
from hutong.kit.refusals import Busy, NotFound
from hutong.web.consumer.here import Here
from hutong.web.shared.forms import Form
from hutong.web.shared.visit import Visit

Sealed = Annotated[str, QueryParameter(max_length=6_000)]
Seal = Annotated[str, QueryParameter(max_length=64)]
Round = Annotated[int, QueryParameter(ge=0, le=1_000)]
LONGEST = 20  # seconds between two tries
MANY = 30  # tries after which the reader has to ask himself


class Wish(Struct, frozen=True):
    """What somebody waits to order, as his own form says it: a house that is busy is not asked for more."""

    offer: str
    quantity: int
    total: Amount


def wait(visit: Visit, here: Here, form: Form, wish: Wish, busy: Busy, tries: int) -> Response[str]:
    """The page that waits its turn: 503, when to come back, and the same form again."""
    after = pause(busy, tries)
    bare = msgspec.structs.replace(form, csrf="")  # the seal stands in its place, and no token belongs into an address
    data = base64.urlsafe_b64encode(msgspec.json.encode(bare)).decode().rstrip("=")
    again = here.to("/checkout/queue", sent=data, seal=_seal(visit, data), n=tries + 1)
    visit.personal = True
    answer = visit.page(
        "consumer/queue.html", status=503, after=after, again=again, tries=tries, goes_on=tries < MANY,
        back=here.to(f"/deals/{wish.offer}"), wish=wish,
    )  # fmt: skip
    answer.headers["retry-after"] = str(after)
    if tries < MANY:
        answer.headers["refresh"] = f"{after}; url={again}"
    return answer


def pause(busy: Busy, tries: int) -> int:
    """Seconds until the next try: what the house says, longer each time, never more than LONGEST."""
    said = busy.facts.get("retry_after")
    return min(LONGEST, max(2, said if isinstance(said, int) else 2) + tries)


def unseal(visit: Visit, data: str, seal: str) -> bytes:
    """The form as it was sent. Raises not_found for one that this session has not sealed."""
    if not hmac.compare_digest(_seal(visit, data).encode(), seal.encode()):
        raise NotFound()
    return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))


def _seal(visit: Visit, data: str) -> str:
    """Follows from the session's token, which no page and no other site can read."""
    token = (visit.token or "").encode()
    return to_crockford(hmac.digest(token, b"queue" + data.encode(), hashlib.sha256)[:20])
