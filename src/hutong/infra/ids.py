"""New ids are made at the edge and passed in."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new UUIDv7: unique everywhere, ordered by time."""
    return uuid7()
