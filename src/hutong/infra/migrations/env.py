"""Alembic's entry: online only, one transaction for each migration, with short lock waits."""

from alembic import context

config = context.config
connection = config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=config.attributes.get("metadata"),
    transaction_per_migration=True,
    include_schemas=True,
    version_table="migrations",
    version_table_schema="infra",
)
with context.begin_transaction():
    context.run_migrations()
