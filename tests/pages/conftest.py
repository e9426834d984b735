"""Pages are tested through the whole application on a real database; the cast signs in as people do."""

from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from litestar import Litestar

from hutong.infra.db import Database
from hutong.kit.clock import ManualClock
from tests.house import SOME, TestHouse, Town, make_house
from tests.pages.reader import Reader
from tests.towns import Towns, application

pytestmark = pytest.mark.anyio


@pytest.fixture
def slugs() -> Sequence[str] | None:
    """Noodle Bar and Four Joys; a test may ask for others."""
    return SOME


@pytest.fixture
def copied(towns: Towns, clock: ManualClock, slugs: Sequence[str] | None) -> Iterator[tuple[str, Town]]:
    """A database of its own for each test, in which those merchants of Qinghe are, and the cast."""
    with towns.copy(clock, slugs) as made:
        yield made


@pytest.fixture
def database_url(copied: tuple[str, Town]) -> str:
    return copied[0]


@pytest.fixture
async def house(db: Database, clock: ManualClock, copied: tuple[str, Town]) -> AsyncIterator[TestHouse]:
    """The house of those merchants, and the cast."""
    made = await make_house(db, clock, town=copied[1])
    yield made
    await made.batches.close()


@pytest.fixture
def app(house: TestHouse) -> Iterator[Litestar]:
    with application(house) as made:
        yield made


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
