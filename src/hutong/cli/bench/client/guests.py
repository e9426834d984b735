"""Members who show their codes at tills: a new one for each bill, as their phones would, and never two at a time.

A code counts for one bill. After it the next one is good at once, up to five minutes ahead of the clock: so often and
no more can somebody pay within a moment, and a load that has used up all codes of all members is over.
"""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

from msgspec.structs import replace

from hutong.people.badges import LOOK_AHEAD, STEP_SECONDS, Badge, badge_text


def _now() -> datetime:
    return datetime.now(UTC)


class Guests:
    """Rows of [member's id, the secret of his code in hexadecimal]; each is lent to one flow at a time."""

    def __init__(self, rows: Iterable[tuple[bytes, ...]], clock: Callable[[], datetime] = _now) -> None:
        self._free = deque(
            Badge(member_id=UUID(member.decode()), secret=bytes.fromhex(secret.decode())) for member, secret in rows
        )
        self._lent: dict[bytes, Badge] = {}
        self._clock = clock

    def draw(self) -> tuple[bytes, ...] | None:
        """The code that the one who has waited longest shows now; None when nobody has one."""
        now = self._clock()
        current = int(now.timestamp()) // STEP_SECONDS
        if not self._free or self._free[0].last_step >= current + LOOK_AHEAD:
            return None
        badge = self._free.popleft()
        text = badge_text(badge, now).encode()
        self._lent[text] = replace(badge, last_step=max(current, badge.last_step + 1))
        return (text,)

    def give_back(self, row: tuple[bytes, ...]) -> None:
        """His bill stands: he may show the next code. Whose bill has an unknown end shows no other."""
        self._free.append(self._lent.pop(row[0]))
