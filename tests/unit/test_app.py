"""The wiring: a house can be built where no payment provider has ever run, and then refuses to sell."""

from pathlib import Path

from hutong import app
from hutong.cli.sandboxpay.keys import Keys
from hutong.infra.settings import Settings
from hutong.kit.clock import SystemClock


def settings(folder: Path) -> Settings:
    return Settings(data=folder, database_url="postgresql://nobody@127.0.0.1:1/none")


def test_a_server_starts_without_a_provider(tmp_path: Path):
    house = app.build(settings(tmp_path))
    assert house.providers == {}


def test_a_provider_that_has_left_its_keys_is_used(tmp_path: Path):
    Keys(settings(tmp_path).data_folder() / "sandboxpay" / "keys")
    assert list(app.providers(settings(tmp_path), SystemClock())) == ["sandbox"]
