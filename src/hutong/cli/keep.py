"""Commands that look after a house: migrate, audit, doctor."""

import asyncio
import os
import platform
import shutil
import sys
from typing import Any

import click
import msgspec
from rich.table import Table

from hutong.cli.base import Context, json_option, say, words
from hutong.cli.processes import port_taken
from hutong.infra import migrate as migrations
from hutong.infra.audit import audit as run_audit
from hutong.infra.audit import queries
from hutong.infra.db import Database
from hutong.infra.settings import Settings, misspelt


@click.command()
@json_option
@click.pass_obj
def migrate(ctx: Context, as_json: bool) -> None:
    """Bring the database to the newest schema."""
    with ctx.database(ctx.settings()) as ready:
        assert ready.database_url is not None
        revision = migrations.current(ready.database_url)
    words.print(f"the database stands at {revision}")
    say({"revision": revision}, as_json)


async def audited(url: str, *, seen: asyncio.Event | None = None) -> dict[str, Any]:
    """The audit of a database: how many invariants, and the violations. `seen` is set when the audit has its view of
    everything, and whatever is written from then on does not change it."""
    async with Database(url).snapshot() as tx:
        if seen is not None:
            seen.set()
        broken = await run_audit(tx)
    return {"queries": len(queries()), "violations": msgspec.to_builtins(broken)}


def show_audit(result: dict[str, Any]) -> None:
    """The audit as a table for people."""
    table = Table("package", "code", "invariant", "", title="hutong audit")
    broken = {(v["package"], v["code"]): v for v in result["violations"]}
    for query in queries():
        found = broken.get((query.package, query.code))
        table.add_row(query.package, query.code, query.sentence, "[red]broken[/red]" if found else "[green]ok[/green]")
    words.print(table)
    for violation in result["violations"]:
        words.print(f"[red]{violation['code']}[/red] {violation['sentence']}")
        for row in violation["rows"]:
            words.print(f"    {row}")


@click.command()
@json_option
@click.pass_obj
def audit(ctx: Context, as_json: bool) -> None:
    """Check every invariant of every package; exit 1 when one is broken."""
    with ctx.database(ctx.settings()) as ready:
        assert ready.database_url is not None
        result = asyncio.run(audited(ready.database_url))
    show_audit(result)
    say(result, as_json)
    sys.exit(1 if result["violations"] else 0)


@click.command()
@json_option
@click.pass_obj
def doctor(ctx: Context, as_json: bool) -> None:
    """Look at this machine and these settings, and say what would not work."""
    settings = ctx.settings()
    checks = [*_machine(settings), *_settings(), *_database(ctx, settings)]
    table = Table("what", "", "found")
    for check in checks:
        table.add_row(check["what"], "[green]ok[/green]" if check["ok"] else "[red]no[/red]", check["found"])
    words.print(table)
    say({"checks": checks, "ok": all(check["ok"] for check in checks)}, as_json)
    sys.exit(0 if all(check["ok"] for check in checks) else 1)


def _check(what: str, ok: bool, found: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found}


def _machine(settings: Settings) -> list[dict[str, Any]]:
    folder = settings.data_folder()
    free = shutil.disk_usage(folder).free // 1024**2
    return [
        _check("Python 3.11 or newer", sys.version_info >= (3, 11), platform.python_version()),
        _check("the data folder can be written", os.access(folder, os.W_OK), str(folder)),
        _check("room for data (500 MB)", free >= 500, f"{free} MB free"),
        _check("the server's port is free", not port_taken(settings.host, settings.port), str(settings.port)),
        _check("a master key", bool(settings.master_key()), "set" if settings.secret else "kept in the data folder"),
    ]


def _settings() -> list[dict[str, Any]]:
    strange = misspelt(os.environ)
    words_of = [f"{name} (did you mean {near}?)" if near else name for name, near in strange.items()]
    return [_check("no setting is misspelt", not strange, ", ".join(words_of) or "none")]


def _database(ctx: Context, settings: Settings) -> list[dict[str, Any]]:
    try:
        with ctx.database(settings) as ready:
            assert ready.database_url is not None
            found = migrations.examine(ready.database_url)
    except click.ClickException as error:
        return [_check("the database answers", False, str(error))]
    if found.trouble is not None:
        return [_check("the database answers", False, found.trouble)]
    return [
        _check("PostgreSQL 15 or newer", found.version >= 15, str(found.version)),
        _check("the newest schema", found.revision == migrations.head(), str(found.revision)),
        _check("search reads Chinese", found.reads_chinese, "yes" if found.reads_chinese else "LC_CTYPE is C"),
    ]
