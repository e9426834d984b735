"""The verbs of the waiting list."""

from hutong.waitlist.operations.join import join
from hutong.waitlist.operations.leave import forget_members, leave
from hutong.waitlist.operations.turn import Turn, turn

__all__ = ["Turn", "forget_members", "join", "leave", "turn"]
