"""Settings: what whoever runs Hutong may choose, read from `HUTONG_*` (and an optional `.env`) once, at the start.

Every field says what it means; `docs/settings.md` lists them all, and a test compares the two.
"""

import contextlib
import difflib
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "HUTONG_"
HIDDEN = "[hidden]"
SECRET_BYTES = 32


class SettingsError(Exception):
    """The settings cannot be used as they are; the message says which and what to do."""


def _whole_path(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))


Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1)]
Folder = Annotated[Path, AfterValidator(_whole_path)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]


def default_data_folder() -> Path:
    """The platform's own folder for a user's data."""
    return platformdirs.user_data_path("hutong", appauthor=False)


def page_memory_mb(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """An eighth of the memory of this machine, or of what its container may use, in MB: at least 256, at most 4096.

    A large city's search reads pages from everywhere; with the memory of a small machine half of them came from disk.
    """
    have = 0
    with contextlib.suppress(AttributeError, OSError, ValueError):  # a machine that does not say
        have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        have = min(have, int(limit.read_text()))
    return max(256, min(4096, have // 8 // 2**20))


class Settings(BaseSettings):
    """All settings, checked and frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # The machine
    data: Folder = Field(
        default_factory=default_data_folder,
        description="Folder for the embedded database and the master key; created when absent.",
    )
    database_url: str | None = Field(
        None, repr=False, description="PostgreSQL 15 or newer, `postgresql://...`; without it one is embedded."
    )
    postgres_port: Port | None = Field(
        None, description="Let the embedded PostgreSQL also listen on 127.0.0.1 at this port (by password)."
    )
    postgres_memory_mb: Annotated[int, Field(ge=16)] | None = Field(
        None,
        description="Page memory (shared_buffers) of the embedded PostgreSQL, in MB; without it an eighth of the "
        "machine's memory, 256 to 4096.",
    )
    host: str = Field("127.0.0.1", description="Address on which the server listens.")
    port: Port = Field(8000, description="Port on which the server listens.")
    provider_port: Port = Field(8010, description="Port of SandboxPay, the payment provider for trying things out.")
    public_url: str | None = Field(
        None, description="The address people and providers reach, without a path; by default made of host and port."
    )
    workers: Count = Field(1, description="Server processes.")
    trusted_proxies: Networks = Field(
        (), description="Addresses or networks, comma-separated, whose X-Forwarded-For is believed; none by default."
    )

    # Secrets and sessions
    secret: SecretStr | None = Field(
        None, description="Master key, at least 32 characters; without it a random one is kept in the data folder."
    )
    session_days: Count = Field(30, description="Days after which an unused sign-in ends.")

    # The demo
    demo: bool = Field(
        False, description="This is a demo: one-time codes are printed and kept in `sms.jsonl` of the data folder."
    )

    show_codes: bool = Field(
        False, description="Print one-time codes whole on the console: for a trial without a provider of texts only."
    )

    # Maps
    tiles: str | None = Field(
        None, description="Map tiles, like `https://tile.example/{z}/{x}/{y}.png`; without it the city is drawn plain."
    )
    tiles_credit: str | None = Field(None, description="Whom the map names as the source of its tiles.")

    # Words and logs
    language: Literal["zh", "en"] = Field("zh", description="Language for those who have not chosen one.")
    font: Path | None = Field(
        None, description="Font file with Chinese letters for posters; by default the usual places are looked at."
    )
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important line kept."
    )

    # The database's doors
    writers: Annotated[int, Field(ge=1, le=8)] = Field(
        8, description="Writing connections of one process; more than 8 queue on hot rows and slow each other down."
    )
    readers: Annotated[int, Field(ge=1, le=64)] = Field(8, description="Reading connections of one process.")
    pool_wait_ms: Count = Field(10_000, description="Longest wait for a free connection before `busy`, in ms.")
    statement_timeout_ms: Count = Field(15_000, description="Longest run of one statement, in ms.")
    lock_timeout_ms: Count = Field(8_000, description="Longest wait of one statement for a lock, in ms.")

    # Common pages
    pages_life_ms: Annotated[int, Field(ge=0, le=60_000)] = Field(
        2_000,
        description="How long what is the same for everybody is kept, in ms: what another process wrote is seen within "
        "it; 0 makes every page anew.",
    )
    pages_memory_mb: Annotated[int, Field(ge=1, le=4_096)] = Field(
        64, description="Most memory of one process for what it keeps, in MB."
    )

    # Stopping
    leaving_ms: Annotated[int, Field(ge=0, le=3_000)] = Field(
        300,
        description="How long a server that was told to stop still tells those who come to come again, in ms; what was "
        "under way is finished in any case.",
    )

    # Batches, facts and tasks
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        256, description="Most commands gathered into one transaction (group commit)."
    )
    batch_wait_ms: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="How long an idle batch waits for company, in ms; 0 gathers only what queued up meanwhile."
    )
    relay_interval_ms: Count = Field(200, description="Pause of the relay when it finds no new fact, in ms.")
    relay_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        500, description="Most facts relayed in one transaction."
    )
    relay_lag_s: Count = Field(
        60, description="Age of the oldest unrelayed fact at which `/readyz` complains, in seconds."
    )
    stalled_task_s: Annotated[int, Field(ge=20)] = Field(
        60, description="Silence after which a running task is taken over, in seconds; at least two heartbeats of 10."
    )
    keep_tasks_days: Count = Field(7, description="Days for which finished tasks are kept.")

    # Orders and vouchers
    hold_minutes: Count = Field(15, description="Minutes for which an unpaid order holds its units.")
    undo_minutes: Annotated[int, Field(ge=0)] = Field(60, description="Minutes in which a redemption can be undone.")
    undo_cycles: Annotated[int, Field(ge=0)] = Field(
        10, description="How often one voucher may be redeemed and undone."
    )
    voucher_guesses: Count = Field(20, description="Wrong voucher codes one cashier may try in ten minutes.")
    voucher_guesses_hour: Count = Field(
        120, description="Wrong voucher codes one merchant's stores may try in an hour."
    )

    # Payouts
    payout_hour: Annotated[int, Field(ge=0, le=23)] | None = Field(
        None, description="Hour of the city's day at which all are paid out; without it only when somebody says so."
    )
    payout_least_units: Count = Field(
        1_000, description="Least amount of a payout, in the smallest unit of the currency; what is below is kept."
    )
    payout_limit_units: Count = Field(
        5_000_000, description="Amount of a payout or batch above which a second person lets it go, in smallest units."
    )
    payout_rest_hours: Annotated[int, Field(ge=0)] = Field(
        72, description="Hours for which a changed payout account is not used after it was approved."
    )

    # Clearing
    clearing_day: Annotated[int, Field(ge=1, le=28)] = Field(
        1, description="Day of the month on which a clearing period ends and the next one begins."
    )
    clearing_grace_minutes: Annotated[int, Field(ge=1)] = Field(
        10, description="Minutes after its end when a clearing period is closed: what was on its way has arrived."
    )

    # One-time codes
    otp_seconds: Count = Field(300, description="Life of a one-time code, in seconds.")
    otp_tries: Count = Field(5, description="Wrong tries after which a one-time code is dead.")
    otp_gap_seconds: Count = Field(60, description="Least time between two codes to one phone, in seconds.")
    otp_phone_hour: Count = Field(5, description="Codes to one phone in an hour.")
    otp_phone_day: Count = Field(10, description="Codes to one phone in a day.")
    otp_address_hour: Count = Field(20, description="Codes asked for from one network address in an hour.")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("tiles")
    @classmethod
    def _is_tile_server(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        host = parts.netloc.replace("{s}", "a")
        sound = parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", host)
        if not sound or not all(part in value for part in ("{z}", "{x}", "{y}")):
            raise ValueError("must be like https://tile.example/{z}/{x}/{y}.png")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("must be like https://hutong.example, without a path")
        return value.rstrip("/")

    @field_validator("secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_BYTES:
            raise ValueError(f"must have at least {SECRET_BYTES} characters")
        return value

    @model_validator(mode="after")
    def _ports_differ(self) -> "Settings":
        ports = [p for p in (self.port, self.provider_port, self.postgres_port) if p is not None]
        if len(set(ports)) < len(ports):
            raise ValueError("port, provider_port and postgres_port must differ")
        return self

    @property
    def address(self) -> str:
        """Where people reach this server, without a trailing slash."""
        if self.public_url:
            return self.public_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 (compared, not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def page_memory_mb(self) -> int:
        """shared_buffers of the embedded PostgreSQL, in MB."""
        return self.postgres_memory_mb or page_memory_mb()

    @property
    def postgres_folder(self) -> Path:
        """Where the embedded PostgreSQL lives."""
        return self.data / "postgres"

    def trusts(self, address: str) -> bool:
        """Whether `address` (the peer's own) is a proxy whose word about the client is believed."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self.trusted_proxies)

    def data_folder(self) -> Path:
        """The data folder, made when absent: nobody else may list or read it.

        Run by root it may be passed through, because PostgreSQL, which refuses root, runs as another account in it.
        """
        if not self.data.is_dir():
            self.data.parent.mkdir(parents=True, exist_ok=True)
            self.data.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                self.data.chmod(0o711)
        return self.data

    def master_key(self) -> bytes:
        """The one secret of this installation, from the setting or from the data folder (made at the first need)."""
        if self.secret is not None:
            return self.secret.get_secret_value().encode()
        return _kept_secret(self.data_folder() / "secret")

    def key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose ("sessions", "codes"): what leaks in one place opens no other."""
        return hmac.digest(self.master_key(), b"hutong/" + purpose.encode(), hashlib.sha256)

    def shown(self) -> dict[str, Any]:
        """All values for a person to read; secrets are hidden."""
        values = self.model_dump(mode="json")
        for name in ("secret", "database_url"):
            values[name] = HIDDEN if values[name] else None
        return values


def load(**given: Any) -> Settings:
    """The settings of this process; `given` (from the command line) wins over the environment, None means not given.

    Raises SettingsError with one line for each setting that is wrong.
    """
    from pydantic import ValidationError

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        lines = [f"{_env_name(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def misspelt(names: Iterable[str]) -> dict[str, str | None]:
    """Which `HUTONG_*` names no setting has, each with the nearest that exists: a typo is otherwise silent.

    `HUTONG_TEST_*` belongs to the test suite.
    """
    known = {env_name(field) for field in Settings.model_fields}
    strange = {n for n in names if n.upper().startswith(PREFIX) and not n.upper().startswith(f"{PREFIX}TEST_")}
    return {
        name: next(iter(difflib.get_close_matches(name.upper(), known, n=1)), None)
        for name in sorted(strange)
        if name.upper() not in known
    }


def env_name(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def _env_name(location: tuple[int | str, ...]) -> str:
    return env_name(str(location[0])) if location else "Settings"


def _kept_secret(path: Path) -> bytes:
    """The secret in `path`; processes that start together agree on one, because only one link can be made."""
    if not path.exists():
        draft = path.with_name(f".secret-{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first; its secret is the one
        finally:
            draft.unlink()
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(f"{path} can be read by others: chmod 600 it, or replace it if they may have")
    found = path.read_text().strip()
    if len(found) < SECRET_BYTES:
        raise SettingsError(f"{path} is damaged: a master key has at least {SECRET_BYTES} characters")
    return found.encode()
