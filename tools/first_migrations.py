"""Writes the first migrations from the metadata, one file for each package, in the order of the floors.

Used until the first release; after it, migrations are drafted by `tools/make_migration.py` and never rewritten.
"""

import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import render_python_code
from alembic.operations import ops
from sqlalchemy import Table

from hutong.infra.tables import metadata
from tests.schema import load_tables

ROOT = Path(__file__).parent.parent
VERSIONS = ROOT / "src" / "hutong" / "infra" / "migrations" / "versions"
ORDER = [
    "infra", "places", "people", "merchants", "ledger", "inventory", "messages", "catalog", "payments", "vouchers",
    "orders", "settlement",
]  # fmt: skip
HEAD = '''"""The first tables of {package}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
{imports}
revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("create schema if not exists {package}")
{body}


def downgrade() -> None:
    op.execute("drop schema {package} cascade")
'''


def tables_of(package: str) -> list[Table]:
    return [table for table in metadata.sorted_tables if table.schema == package]


def render(package: str) -> tuple[str, set[str]]:
    imports: set[str] = set()
    found: list[ops.MigrateOperation] = []
    for table in tables_of(package):
        found.append(ops.CreateTableOp.from_table(table))
        found.extend(ops.CreateIndexOp.from_index(i) for i in sorted(table.indexes, key=lambda i: str(i.name)))
    # Two tables that refer to each other: the second direction comes when both are there.
    for table in tables_of(package):
        late = [key for key in table.foreign_key_constraints if key.use_alter]
        found.extend(ops.CreateForeignKeyOp.from_constraint(key) for key in sorted(late, key=lambda k: str(k.name)))
    text = render_python_code(ops.UpgradeOps(ops=found), user_module_prefix="tables.")
    text = text.replace("JSONB(astext_type=Text())", "JSONB()")
    text = text.replace("ARRAY(UUID())", "ARRAY(sa.UUID())").replace("ARRAY(Text())", "ARRAY(sa.Text())")
    if "tables.Cube" in text:
        imports.add("from hutong.infra import tables")
    return text, imports


def main() -> None:
    load_tables()
    for old in VERSIONS.glob("*.py"):
        old.unlink()
    down = "None"
    for number, package in enumerate(ORDER, 1):
        body, imports = render(package)
        revision = f"{number:04d}_{package}"
        text = HEAD.format(
            package=package, revision=revision, down=down, body=body,
            imports="\n" + "\n".join(sorted(imports)) + "\n" if imports else "",
        )  # fmt: skip
        (VERSIONS / f"{revision}.py").write_text(text, encoding="utf-8")
        down = f'"{revision}"'
    subprocess.run([sys.executable, "-m", "ruff", "check", "-q", "--fix", str(VERSIONS)], check=False)  # noqa: S603
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(VERSIONS)], check=True)  # noqa: S603
    for path in sorted(VERSIONS.glob("*.py")):
        sys.stdout.write(f"{path.name} {len(path.read_text().splitlines())} lines\n")


if __name__ == "__main__":
    main()
