"""What costs time and is always the same: the small town in a database, and the routes joined to an application.

Each is made once and lent to one test after the other: a test gets a copy of the database of its own, and an
application in which nothing but the house is kept.
"""

import asyncio
import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from uuid import uuid4

import psycopg
from litestar import Litestar

from hutong.api import api_routes
from hutong.desk.house import House
from hutong.infra.db import Database
from hutong.kit.clock import Clock, ManualClock, local_day
from hutong.web.routes import make_app
from hutong.web.shared.security import csrf_config
from tests.house import SOME, Town, fill
from tests.schema import create_copy, with_database

ZONE = "Asia/Shanghai"
_FREE: dict[tuple[bool, str, bool], list[Litestar]] = {}


class Towns:
    """Databases with the town in them, one for each moment at which a town begins, and copies of them."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server, self._template = server_url, template
        self._made: dict[tuple[tuple[str, ...] | None, datetime | date], tuple[str, Town]] = {}

    @contextmanager
    def copy(self, clock: Clock, slugs: Sequence[str] | None = SOME) -> Iterator[tuple[str, Town]]:
        """The address of a database with these merchants, for one test, and what is in it. Ids are those of all
        copies. The town began now by a clock that stands, and some time today by one that runs."""
        moment = clock.now() if isinstance(clock, ManualClock) else local_day(clock.now(), ZONE)
        key = (None if slugs is None else tuple(slugs), moment)
        if key not in self._made:
            self._made[key] = self._make(clock.now(), slugs)
        name, town = self._made[key]
        with another(self._server, name) as url:
            yield url, copy.deepcopy(town)

    def _make(self, now: datetime, slugs: Sequence[str] | None) -> tuple[str, Town]:
        name = f"hutong_town_{uuid4().hex[:10]}"
        create(self._server, name, self._template)

        async def work() -> Town:
            db = await Database(with_database(self._server, name), writers=1, readers=1).open()
            try:
                return await fill(db, now, slugs)
            finally:
                await db.close()

        with ThreadPoolExecutor(1) as thread:  # the loop of the tests is not ours
            return name, thread.submit(lambda: asyncio.run(work())).result()

    def close(self) -> None:
        for name, _ in self._made.values():
            drop(self._server, name)


def create(server_url: str, name: str, template: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as conn:
        create_copy(conn, name, template)


def drop(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)'.encode())


@contextmanager
def another(server_url: str, template: str) -> Iterator[str]:
    """The address of a copy of that database, for as long as the block lasts."""
    name = f"hutong_{uuid4().hex[:12]}"
    create(server_url, name, template)
    yield with_database(server_url, name)
    drop(server_url, name)


@contextmanager
def application(house: House, *, api: bool = False) -> Iterator[Litestar]:
    """The pages (and the API) over that house, for as long as the block lasts. All that an application knows of its
    house is its state, and what its guard of forms took from it when it was made."""
    forms = csrf_config(house)
    free = _FREE.setdefault((api, forms.secret, forms.cookie_secure), [])
    app = free.pop() if free else make_app(house, more=api_routes() if api else ())
    app.state.house = house
    yield app
    app.state.house = None
    free.append(app)
