"""Where the next page begins, as a text that goes out and comes back: the last row's key and id."""

import base64
import binascii
from uuid import UUID

from hutong.kit.refusals import BadInput


def to_cursor(key: object, item_id: UUID) -> str:
    """The cursor behind the row with this key and id."""
    return base64.urlsafe_b64encode(f"{key}~{item_id.hex}".encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> tuple[str | None, UUID | None]:
    """(key, id) of the last row seen; nothing for the first page. Raises BadInput for what is no cursor."""
    if not cursor:
        return None, None
    try:
        text = base64.urlsafe_b64decode(cursor[:200] + "=" * (-len(cursor[:200]) % 4)).decode()
        key, item_id = text.rsplit("~", 1)
        return key, UUID(hex=item_id)
    except (ValueError, binascii.Error) as error:
        raise BadInput(field="after", why="?") from error
