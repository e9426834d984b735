"""Where the next page of a list begins, when its order is by an instant: `<instant>~<id>`, as the page before said."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter

from hutong.kit.refusals import BadInput

Cursor = tuple[datetime, UUID]
After = Annotated[str | None, QueryParameter(max_length=120)]


def write_cursor(at: datetime, last: UUID) -> str:
    """The end of a page, for the address of the next one."""
    return f"{at.isoformat()}~{last}"


def read_cursor(after: str | None) -> Cursor | None:
    """The end of the page before; None on the first one. Raises bad_input."""
    if not after:
        return None
    at, _, last = after.partition("~")
    try:
        instant, known = datetime.fromisoformat(at.replace(" ", "+")), UUID(last)
    except ValueError:
        raise BadInput(field="after", why="?") from None
    if instant.tzinfo is None:
        raise BadInput(field="after", why="?")
    return instant, known
