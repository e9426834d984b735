"""Tests that share what is costly, or what they have seen, run in one process."""

import os
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")


@pytest.fixture(scope="session")
def visitors(testrun_uid: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    folder = tmp_path_factory.getbasetemp()
    if WORKER != "alone":
        folder = folder.parent
    place = folder / f"groups-{testrun_uid}"
    place.mkdir(exist_ok=True)
    return place


@pytest.mark.parametrize("number", range(6))
@pytest.mark.xdist_group("groups-stay-together")
def test_a_group_stays_together(visitors: Path, number: int, request: pytest.FixtureRequest):
    """Whoever comes writes down where he is: there is never another worker among them."""
    (visitors / f"{number}-{WORKER}").touch()
    if WORKER == "alone" or request.config.getoption("loadgroup", False):
        assert {one.name.partition("-")[2] for one in visitors.iterdir()} == {WORKER}
    if request.config.getoption("loadgroup", False):
        assert request.node.nodeid.endswith("@groups-stay-together")
