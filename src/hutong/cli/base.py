"""What the commands share: settings, the database they work on, JSON on standard output and words on the other."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click
from rich.console import Console

from hutong.cli.sandboxpay.keys import Keys
from hutong.desk.house import House
from hutong.infra import migrate
from hutong.infra import settings as settings_module
from hutong.infra.embedded import EmbeddedPostgres, PostgresUnusable, temporary
from hutong.infra.settings import Settings, SettingsError
from hutong.infra.worker import Worker
from hutong.kit.clock import Clock

words = Console(stderr=True, highlight=False)  # for people; standard output is for results


class Wiring(Protocol):
    """What app.py gives to the command line."""

    target: str

    def build(self, settings: Settings, clock: Clock | None = None) -> House: ...

    def worker(self, house: House) -> Worker: ...


class Context:
    """The object that click hands to every command."""

    def __init__(self, *, wiring: Wiring, data: str | None) -> None:
        self.wiring, self.data = wiring, data

    def settings(self, **given: Any) -> Settings:
        """The settings; options of the command line win over the environment."""
        try:
            return settings_module.load(**{"data": self.data, **given})
        except SettingsError as error:
            raise click.ClickException(str(error)) from None

    def stays(self) -> bool:
        """Whether a database was named (by --data or HUTONG_DATABASE_URL) that outlives the command."""
        return self.data is not None or bool(os.environ.get("HUTONG_DATABASE_URL"))

    def house(self, settings: Settings) -> House:
        """A house for this process alone. It may be the first here, so the keys of SandboxPay are made when absent."""
        Keys(settings.data_folder() / "sandboxpay" / "keys")
        return self.wiring.build(settings)

    @contextmanager
    def database(self, settings: Settings) -> Iterator[Settings]:
        """Settings with a database that answers and is migrated: the external one, or ours, started for as long."""
        if settings.database_url is not None:
            migrate.migrate(settings.database_url)
            yield settings
            return
        server = EmbeddedPostgres(
            settings.postgres_folder, port=settings.postgres_port, memory_mb=settings.page_memory_mb
        )
        try:
            server.start()
        except PostgresUnusable as error:
            raise click.ClickException(str(error)) from None
        try:
            if server.notice:
                words.print(server.notice, style="yellow")
            migrate.migrate(server.url)
            yield settings.model_copy(update={"database_url": server.url})
        finally:
            server.stop()

    @contextmanager
    def own_or_temporary(self, **given: Any) -> Iterator[Settings]:
        """As `database`, but without a named one it is a fresh temporary one that is removed afterwards."""
        if self.stays():
            with self.database(self.settings(**given)) as found:
                yield found
            return
        # What a replay writes is more than a small page memory holds, and its keys lie everywhere.
        with temporary(in_memory=True, memory_mb=self.settings(**given).page_memory_mb) as server:
            migrate.migrate(server.url)
            yield self.settings(**given, database_url=server.url, data=str(Path(server.folder).parent / "data"))


def say(result: Any, as_json: bool) -> None:
    """A result on standard output: with --json the object and nothing else."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()


json_option = click.option("--json", "as_json", is_flag=True, help="Only a JSON object on standard output.")
