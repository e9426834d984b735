"""A whole PostgreSQL inside Hutong: started, watched, brought back when it dies, stopped cleanly."""

from hutong.infra.embedded.errors import PostgresUnusable, StartFailed
from hutong.infra.embedded.server import EmbeddedPostgres
from hutong.infra.embedded.temporary import temporary

__all__ = ["EmbeddedPostgres", "PostgresUnusable", "StartFailed", "temporary"]
