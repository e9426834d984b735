"""The only file that knows everything: the schemes, the ports, the routes and tasks, and how they are wired."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from hutong.api import api_routes, openapi
from hutong.api.short import ShortWay
from hutong.cli import group
from hutong.desk.house import House
from hutong.desk.rounds import cities, periodics, registry
from hutong.desk.stopping import Stopping
from hutong.desk.watching import Watched
from hutong.infra import settings as settings_module
from hutong.infra.db import Database
from hutong.infra.files import LocalFiles
from hutong.infra.logs import configure as configure_logs
from hutong.infra.memory import settle
from hutong.infra.settings import Settings
from hutong.infra.worker import Worker
from hutong.kit.clock import Clock, SystemClock
from hutong.messages import ConsoleSms, Sms
from hutong.orders import Scheme, Schemes
from hutong.payments import PaymentProvider
from hutong.payments.sandbox import SandboxKeys, SandboxPay
from hutong.schemes.alliance import Alliance
from hutong.schemes.cards import Cards
from hutong.schemes.coupons import Coupons
from hutong.schemes.deals import Deals
from hutong.web.routes import make_app
from hutong.web.shared.kept_way import KeptWay
from hutong.web.shared.security import headers_of


def named(*schemes: Scheme) -> Schemes:
    return {scheme.name: scheme for scheme in schemes}


SCHEMES: Schemes = named(Deals(), Cards(), Coupons(), Alliance())


def database(settings: Settings) -> Database:
    """The doors to the database of these settings; `database_url` is known by now."""
    assert settings.database_url is not None, "start the embedded PostgreSQL first, or set HUTONG_DATABASE_URL"
    return Database(
        settings.database_url, writers=settings.writers, readers=settings.readers,
        statement_timeout_ms=settings.statement_timeout_ms, lock_timeout_ms=settings.lock_timeout_ms,
        wait_s=settings.pool_wait_ms / 1000,
    )  # fmt: skip


def providers(settings: Settings, clock: Clock) -> dict[str, PaymentProvider]:
    """SandboxPay, where it has run and left its keys in the data folder; without it nothing can be paid here."""
    folder = settings.data_folder() / "sandboxpay" / "keys"
    if not (folder / "merchant_private.pem").exists():
        return {}
    keys = SandboxKeys(folder)
    return {"sandbox": SandboxPay(base_url=f"http://127.0.0.1:{settings.provider_port}", keys=keys, clock=clock)}


def sms(settings: Settings) -> Sms:
    """Texts go to the console, codes whole only for a trial; a demo also keeps them in a file for its visitors."""
    file = settings.data_folder() / "sms.jsonl" if settings.demo else None
    return ConsoleSms(demo=settings.demo or settings.show_codes, file=file)


def build(settings: Settings, clock: Clock | None = None) -> House:
    """A house by its settings; not open yet."""
    clock = clock or SystemClock()
    return House(
        settings=settings, db=database(settings), clock=clock, schemes=SCHEMES,
        providers=providers(settings, clock), sms=sms(settings),
        files=LocalFiles(settings.data_folder() / "files"),
    )  # fmt: skip


def worker(house: House) -> Worker:
    """The worker with everything that the house does by itself."""
    s = house.settings
    return Worker(
        house.db, registry(house), house.clock, periodics=periodics(house), cities=cities,
        poll_s=s.relay_interval_ms / 1000, relay_size=s.relay_size, stalled_s=s.stalled_task_s,
        keep_jobs_days=s.keep_tasks_days,
    )  # fmt: skip


def create() -> Stopping:
    """The application of one server process: settings from the environment, everything opened at its start."""
    settings = settings_module.load()
    configure_logs(settings)
    house = build(settings)
    stopping = Stopping(least_s=settings.leaving_ms / 1000)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        stopping.listen()
        await house.open()
        settle()
        try:
            yield
        finally:
            await house.close()

    app = make_app(
        house, lifespan=[lifespan], more=api_routes(), middleware=[Watched], openapi_config=openapi(),
        before_request=stopping.turn_away,
    )  # fmt: skip
    return stopping.before(KeptWay(ShortWay(app, headers_of(house)), house), framework=app)  # type: ignore[arg-type]


class Wiring:
    """What the command line needs of this file."""

    build = staticmethod(build)
    worker = staticmethod(worker)
    target = "hutong.app:create"


def main() -> None:
    """The console script `hutong`."""
    group.main(Wiring())


if __name__ == "__main__":
    main()
