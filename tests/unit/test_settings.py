"""Settings: read from the environment, checked, documented; the master key is made once and kept to ourselves."""

import os
import re
import stat
import threading
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from hutong.infra import settings as module
from hutong.infra.settings import Settings, SettingsError, env_name, load, misspelt, page_memory_mb

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `(HUTONG_[A-Z_0-9]+)` \| (.*?) \| (.*) \|$", re.MULTILINE)


def make(**given) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[call-arg]


@pytest.fixture
def environment():
    """The process's environment, as it was before."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("HUTONG_"):
            del os.environ[name]
    yield os.environ
    os.environ.clear()
    os.environ.update(before)


def default_words(field) -> str:
    if field.default_factory is not None or field.default is PydanticUndefined:
        return "the platform's user-data folder"
    if field.default in (None, ()):
        return "-"
    shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"`{shown}`"


def test_the_page_and_the_code_tell_the_same():
    """Both ways: a setting without its row, or a row without its setting, is found here."""
    written = [found.groups() for found in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    meant = [(env_name(n), default_words(f), f.description) for n, f in Settings.model_fields.items()]
    assert sorted(written) == sorted(meant)


def test_every_setting_says_what_it_means():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_environment_and_the_command_line(environment):
    environment["HUTONG_PORT"] = "9000"
    environment["HUTONG_WORKERS"] = ""  # set to nothing is not set
    assert load().port == 9000
    assert load().workers == 1
    assert load(port=9001, host=None).port == 9001
    assert load(host=None).host == "127.0.0.1"


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        make().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "eighty", "valid integer"),
        ("WRITERS", "9", "less than or equal to 8"),
        ("LANGUAGE", "de", "'zh' or 'en'"),
        ("DATABASE_URL", "mysql://u:canary@h/d", "must begin with postgresql://"),
        ("SECRET", "canary-short", "at least 32"),
        ("PUBLIC_URL", "hutong.example", "must be like https://"),
        ("PUBLIC_URL", "https://hutong.example/path", "without a path"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "trusted"),
        ("PROVIDER_PORT", "8000", "must differ"),
        ("BATCH_SIZE", "0", "greater than"),
    ],
)
def test_a_wrong_value_is_told_with_its_name_and_without_its_value(environment, name, value, words):
    environment[f"HUTONG_{name}"] = value
    with pytest.raises(SettingsError) as told:
        load()
    message = str(told.value)
    assert words.lower() in message.lower() or name.lower() in message.lower()
    assert "canary" not in message
    assert f"HUTONG_{name}" in message or "must differ" in message


def test_all_wrong_values_are_told_at_once(environment):
    environment["HUTONG_PORT"] = "x"
    environment["HUTONG_LANGUAGE"] = "x"
    with pytest.raises(SettingsError) as told:
        load()
    assert len(str(told.value).splitlines()) == 2


def test_a_misspelt_name_is_found():
    found = misspelt(["HUTONG_PRT", "HUTONG_PORT", "hutong_port", "HUTONG_NOTHING_LIKE_IT", "HUTONG_TEST_X", "PATH"])
    assert found["HUTONG_PRT"] == "HUTONG_PORT"
    assert set(found) == {"HUTONG_PRT", "HUTONG_NOTHING_LIKE_IT"}


def test_an_env_file_is_read_when_there_is_one(tmp_path, environment):
    (tmp_path / ".env").write_text("HUTONG_PORT=9002\nOTHER=1\n")
    assert Settings(_env_file=tmp_path / ".env").port == 9002  # type: ignore[call-arg]


def test_the_address_people_reach():
    assert make().address == "http://127.0.0.1:8000"
    assert make(host="0.0.0.0", port=80).address == "http://127.0.0.1:80"
    assert make(host="::1").address == "http://[::1]:8000"
    assert make(public_url="https://hutong.example/").address == "https://hutong.example"


def test_no_proxy_is_trusted_unless_named():
    assert not make().trusts("127.0.0.1")
    named = make(trusted_proxies="10.0.0.0/8, 192.168.1.7,2001:db8::/32")
    assert [named.trusts(a) for a in ("10.1.2.3", "192.168.1.7", "192.168.1.8", "2001:db8::1", "nonsense", "")] == [
        True, True, False, True, False, False,
    ]  # fmt: skip


def test_the_data_folder_is_private_and_whole(tmp_path):
    settings = make(data=tmp_path / "a" / ".." / "new" / "data")
    assert settings.data == tmp_path / "new" / "data"
    folder = settings.data_folder()
    assert settings.data_folder() == folder
    mode = stat.S_IMODE(folder.stat().st_mode)
    assert mode == (0o711 if os.geteuid() == 0 else 0o700)
    assert settings.postgres_folder == folder / "postgres"
    assert make(data="~/x").data == Path.home() / "x"


def test_an_existing_data_folder_keeps_its_rights(tmp_path):
    (tmp_path / "data").mkdir(mode=0o750)
    make(data=tmp_path / "data").data_folder()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o750


def test_the_master_key_is_made_once_and_only_ours(tmp_path):
    first = make(data=tmp_path / "data").master_key()
    assert len(first) >= 32
    assert make(data=tmp_path / "data").master_key() == first
    assert make(data=tmp_path / "other").master_key() != first
    path = tmp_path / "data" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret"]


def test_processes_that_start_together_agree_on_the_key(tmp_path):
    make(data=tmp_path).data_folder()
    keys, ready = set(), threading.Barrier(8)

    def ask():
        ready.wait()
        keys.add(make(data=tmp_path).master_key())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path):
    make(data=tmp_path).master_key()
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        make(data=tmp_path).master_key()


def test_a_damaged_key_is_refused(tmp_path):
    (tmp_path / "secret").write_text("short\n")
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(SettingsError, match="damaged"):
        make(data=tmp_path).master_key()


def test_a_given_key_is_used_and_nothing_is_kept(tmp_path):
    settings = make(secret="s" * 32, data=tmp_path / "data")
    assert settings.master_key() == b"s" * 32
    assert not (tmp_path / "data").exists()


def test_each_purpose_has_its_own_key():
    settings = make(secret="s" * 32)
    assert settings.key("sessions") == settings.key("sessions")
    assert len({settings.key("sessions"), settings.key("codes"), settings.master_key()}) == 3
    assert len(settings.key("codes")) == 32
    assert make(secret="t" * 32).key("codes") != settings.key("codes")


def test_secrets_are_not_shown():
    settings = make(secret="canary" * 6, database_url="postgresql://hutong:canary@db/hutong")
    assert "canary" not in f"{settings!r} {settings} {settings.shown()}"
    assert settings.shown()["secret"] == module.HIDDEN
    assert make().shown()["secret"] is None
    assert make().shown()["port"] == 8000


def test_the_page_memory_follows_the_machine_and_its_container(tmp_path: Path):
    """An eighth, within bounds; a container's limit counts, and one without a limit says "max"."""
    limit = tmp_path / "memory.max"
    whole = page_memory_mb(tmp_path / "nothing")
    assert 256 <= whole <= 4096
    for said, expected in (("max\n", whole), (str(2**20), 256), (str(2**60), whole)):
        limit.write_text(said)
        assert page_memory_mb(limit) == expected
    limit.write_text(str(8 * 300 * 2**20))
    assert page_memory_mb(limit) == min(whole, 300)
    assert load().page_memory_mb == page_memory_mb()
    assert load(postgres_memory_mb=64).page_memory_mb == 64
