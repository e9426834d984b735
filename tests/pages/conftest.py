"""Pages are tested through the whole application on a real database; the cast signs in as people do."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from hutong.infra.db import Database
from hutong.kit.clock import ManualClock
from hutong.web.routes import make_app
from tests.house import TestHouse, make_house
from tests.pages.reader import Reader

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(db: Database, clock: ManualClock) -> AsyncIterator[TestHouse]:
    """Noodle Bar and Four Joys in Qinghe, and the cast."""
    made = await make_house(db, clock)
    yield made
    await made.batches.close()


@pytest.fixture
def app(house: TestHouse) -> Litestar:
    return make_app(house)


@pytest.fixture
def anybody(app: Litestar, house: TestHouse) -> Reader:
    """Nobody in particular, reading Chinese."""
    return Reader(app, house)


@pytest.fixture
async def ann(app: Litestar, house: TestHouse) -> Reader:
    """Ann, who buys."""
    return await Reader(app, house).sign_in("ann")


@pytest.fixture
async def bo(app: Litestar, house: TestHouse) -> Reader:
    """Bo, a stranger, who reads English."""
    return await Reader(app, house, language="en").sign_in("bo")
