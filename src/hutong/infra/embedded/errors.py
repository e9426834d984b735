"""What can keep the embedded PostgreSQL from running; the message says what to do about it."""


class PostgresUnusable(Exception):
    """The embedded PostgreSQL cannot be used here as asked."""


class StartFailed(PostgresUnusable):
    """The server was started and did not get ready; the message ends with the last lines of its log."""
