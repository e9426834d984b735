"""Drafts the next migration from what the models have and the newest schema has not: make_migration.py NAME

Read and mend what comes out: it knows tables, columns and indexes, not your reason or the rows that exist.
"""

import sys

from alembic import command
from alembic.script import ScriptDirectory

from hutong.infra import migrate
from hutong.infra.embedded import temporary
from tests.schema import load_tables


def main(name: str) -> None:
    load_tables()
    number = len(list(ScriptDirectory(str(migrate.FOLDER)).walk_revisions())) + 1
    with temporary(in_memory=True) as server:
        migrate.migrate(server.url)
        with migrate.engine(server.url).connect() as connection:
            revision = f"{number:04d}_{name}"
            command.revision(migrate.config(connection), message=name, rev_id=revision, autogenerate=True)
    sys.stdout.write(f"wrote {revision}: read it before you commit it\n")


if __name__ == "__main__":
    main(sys.argv[1])
