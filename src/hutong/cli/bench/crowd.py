"""Members who are signed in, thousands in some seconds: codes and sessions like everybody's, in sets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import people
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.infra.settings import Settings
from hutong.people import CodeMade, Limits, RequestCode, SignedIn, SignIn, new_token

FIRST_PHONE = 19_100_000_000  # +86; a new crowd takes the numbers after the last one's
UNLIMITED = Limits(
    pause_s=0, phone_per_hour=None, phone_per_day=None, address_per_hour=None, guesses_per_address_hour=None
)
PIECE = 5_000


class Guest(Struct, frozen=True, kw_only=True):
    """A member and the token of his session."""

    member_id: UUID
    token: str


async def gather(db: Database, settings: Settings, count: int, *, now: datetime, first: int = 0) -> list[Guest]:
    """So many members with a session each. Numbered from `first` on: the same numbers are the same members."""
    guests: list[Guest] = []
    for start in range(first, first + count, PIECE):
        phones = [f"+86{FIRST_PHONE + n}" for n in range(start, min(start + PIECE, first + count))]
        guests += await _enter(db, settings.key("codes"), phones, now)
    return guests


async def _enter(db: Database, secret: bytes, phones: Sequence[str], now: datetime) -> list[Guest]:
    async with db.central() as tx:
        asks = [RequestCode(phone=phone, address="127.0.0.1") for phone in phones]
        made = await people.request_codes(tx, asks, secret=secret, now=now, limits=UNLIMITED)
        codes = [one for one in made if isinstance(one, CodeMade)]
        tries = [
            SignIn(phone=one.phone, code=one.code, address="127.0.0.1", agent="bench", member_id=new_id(),
                   token=new_token())
            for one in codes
        ]  # fmt: skip
        entered = await people.sign_in(tx, tries, secret=secret, now=now, limits=UNLIMITED)
    guests = [Guest(member_id=one.member_id, token=one.token) for one in entered if isinstance(one, SignedIn)]
    if len(guests) < len(phones):
        raise RuntimeError(f"{len(phones) - len(guests)} of {len(phones)} could not sign in")
    return guests
