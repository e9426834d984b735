"""Signing people in without a phone: what tests of several packages need."""

from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.infra.ids import new_id
from hutong.people import (
    CodeMade,
    GiveRole,
    Limits,
    RequestCode,
    Role,
    RoleGiven,
    SignedIn,
    SignIn,
    grant,
    new_token,
    request_codes,
    sign_in,
)

SECRET = b"a secret of the tests, thirty-two"
OPEN = Limits(pause_s=0, phone_per_hour=None, phone_per_day=None, address_per_hour=None, guesses_per_address_hour=None)
ANN, BO, MEI, TAO = "+8613800138001", "+8613800138002", "+8613800138003", "+8613800138004"
LIN, PAT = "+8613800138005", "+8613800138006"


async def code_for(tx: Tx, phone: str, *, now: datetime) -> str:
    """A code for a number, past all limits."""
    (made,) = await request_codes(
        tx, [RequestCode(phone=phone, address="127.0.0.1")], secret=SECRET, now=now, limits=OPEN
    )
    assert isinstance(made, CodeMade), made
    return made.code


async def signed_in(tx: Tx, phone: str, *, now: datetime, agent: str = "") -> SignedIn:
    """Somebody who signed in just now."""
    code = await code_for(tx, phone, now=now)
    request = SignIn(
        phone=phone, code=code, address="127.0.0.1", agent=agent, member_id=new_id(), token=new_token()
    )  # fmt: skip
    (result,) = await sign_in(tx, [request], secret=SECRET, now=now, limits=OPEN)
    assert isinstance(result, SignedIn), result
    return result


async def with_role(
    tx: Tx, phone: str, role: Role, *, now: datetime, city_id: int | None = None, merchant_id: UUID | None = None,
    store_id: UUID | None = None,
) -> SignedIn:  # fmt: skip
    """Somebody who signed in and holds a role given by the house."""
    person = await signed_in(tx, phone, now=now)
    (given,) = await grant(
        tx,
        [
            GiveRole(
                grant_id=new_id(), member_id=person.member_id, role=role, city_id=city_id, merchant_id=merchant_id,
                store_id=store_id, by=None,
            )
        ],
        now=now,
    )  # fmt: skip
    assert isinstance(given, RoleGiven), given
    return person
