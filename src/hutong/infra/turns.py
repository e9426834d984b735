"""Taking turns: what one transaction reads and then decides by, no other one decides by meanwhile."""

from collections.abc import Iterable

from hutong.infra.db import Tx

WAIT = """select pg_advisory_xact_lock(h.hash)
from (select distinct hashtextextended(n, 0) as hash from unnest(%(names)s::text[]) n order by hash) h"""


TRY = """select coalesce(bool_and(pg_try_advisory_xact_lock(h.hash)), true)
from (select distinct hashtextextended(n, 0) as hash from unnest(%(names)s::text[]) n order by hash) h"""


async def in_turn(tx: Tx, what: str, names: Iterable[object]) -> None:
    """Wait until nobody else holds one of these names of a thing (`what`), and hold them until the transaction ends.

    A name needs no row: it guards also what is not there yet. Everybody waits in one order, so that two sets cannot
    wait for each other; what is read after it is all that there is. Take turns before rows are locked. Two names that
    share a hash only wait for each other.
    """
    held = sorted({f"{what}/{name}" for name in names})
    if held:
        await tx.run(WAIT, names=held)


async def try_turn(tx: Tx, what: str, names: Iterable[object]) -> bool:
    """As `in_turn` for who holds rows already: does not wait, so that nobody can wait for each other. Whether all are
    held now."""
    held = sorted({f"{what}/{name}" for name in names})
    return bool(await tx.value(TRY, names=held)) if held else True
