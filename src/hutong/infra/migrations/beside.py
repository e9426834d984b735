"""Work beside a living city: nobody waits for an index that is built, nor for rows that are filled."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context, op

from hutong.infra.migrate import let_pass


@contextmanager
def apart() -> Iterator[None]:
    """Outside a transaction: each statement commits by itself, and servers of earlier versions may start meanwhile.

    What was done before in this migration is committed: it must be harmless to do it twice, because a migration that
    is cut off here begins anew.
    """
    with op.get_context().autocommit_block(), let_pass(context.config):
        yield


def build_beside(name: str, *statements: str) -> None:
    """Make an index `name` ("package.name") by CREATE INDEX CONCURRENTLY, and what follows it, `apart` from the rest.

    Half an index of a cut-off attempt is dropped first.
    """
    with apart():
        op.execute(f"drop index concurrently if exists {name}")
        for statement in statements:
            op.execute(statement)
