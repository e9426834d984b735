"""A house for tests of the API: one lane, the cast signed in with tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from litestar import Litestar
from msgspec import Struct

from hutong import people
from hutong.api import api_routes, openapi
from hutong.api.short import ShortWay
from hutong.desk.house import House
from hutong.desk.stopping import Stopping
from hutong.desk.watching import Watched
from hutong.infra.db import Database
from hutong.infra.files import MemoryFiles
from hutong.infra.ids import new_id
from hutong.infra.settings import Settings
from hutong.kit.access import Role
from hutong.kit.clock import Clock
from hutong.messages import ConsoleSms
from hutong.payments import PaymentProvider
from hutong.people import EditMember, GiveRole, RequestCode, SignIn
from hutong.web.routes import make_app
from tests.lane import CITY, SCHEMES, Lane

NAMES = ("ann", "bo", "mei", "tao", "lin", "pat")


class Cast(Struct, frozen=True):
    """Who is there: member ids and session tokens by name."""

    members: dict[str, UUID]
    tokens: dict[str, str]

    def bearer(self, name: str) -> dict[str, str]:
        """Headers with which the API knows this person."""
        return {"authorization": f"Bearer {self.tokens[name]}"}


def make_house(db: Database, clock: Clock, folder: Path, providers: dict[str, PaymentProvider], **given: Any) -> House:
    """A house on an open database; only its batches need closing."""
    settings = Settings(data=folder, database_url=db.url, secret="s" * 40, **given)  # type: ignore[arg-type]
    return House(
        settings=settings, db=db, clock=clock, schemes=SCHEMES, providers=providers, sms=ConsoleSms(demo=True),
        files=MemoryFiles(),
    )  # fmt: skip


def make_application(house: House, **options: Any) -> Litestar:
    """Pages and API over the house, as app.py joins them."""
    return make_app(house, more=api_routes(), middleware=[Watched], openapi_config=openapi(), **options)


@asynccontextmanager
async def web_client(app: Litestar | ShortWay | Stopping) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client in front of the application, through ASGI."""
    transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


async def a_cast(house: House, lane: Lane) -> Cast:
    """Ann buys, Bo is a stranger, Mei owns Noodle Bar, Tao works at its counter, Lin operates the city, Pat all."""
    members: dict[str, UUID] = {}
    tokens: dict[str, str] = {}
    secret, now = house.settings.key("codes"), house.clock.now()
    for number, name in enumerate(NAMES, 1):
        phone = f"+861990000000{number}"
        async with house.db.central() as tx:
            made = (await people.request_codes(tx, [RequestCode(phone=phone, address=name)], secret=secret, now=now))[0]
            assert isinstance(made, people.CodeMade), made
            ask = SignIn(phone=phone, code=made.code, address=name, member_id=new_id(), token=people.new_token())
            done = (await people.sign_in(tx, [ask], secret=secret, now=now))[0]
            assert isinstance(done, people.SignedIn), done
        members[name], tokens[name] = done.member_id, done.token
    places: dict[str, tuple[Role, dict[str, Any]]] = {
        "mei": (Role.MERCHANT_OWNER, {"merchant_id": lane.merchant}),
        "tao": (Role.STORE_CASHIER, {"city_id": CITY, "merchant_id": lane.merchant, "store_id": lane.store}),
        "lin": (Role.CITY_OPERATOR, {"city_id": CITY}),
        "pat": (Role.PLATFORM_ADMIN, {}),
    }
    async with house.db.central() as tx:
        asks = [
            GiveRole(grant_id=new_id(), member_id=members[name], role=role, by=None, **place)
            for name, (role, place) in places.items()
        ]
        results = await people.grant(tx, asks, now=now)
        await people.edit_members(tx, [EditMember(member_id=m, name=name.title()) for name, m in members.items()])
    assert all(isinstance(r, people.RoleGiven) for r in results), results
    return Cast(members, tokens)
