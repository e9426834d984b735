"""Writes of groups: seats in teams, counts of ladders, cuts of bargains."""

from hutong.groups.operations.bargains import (
    HelpCut,
    OpenBargain,
    TakeBargain,
    buy_bargains,
    end_bargains,
    free_bargains,
    help_cut,
    open_bargains,
    take_bargains,
)
from hutong.groups.operations.ladders import (
    Climbing,
    Owed,
    climb,
    climb_again,
    climb_down,
    climbs_done,
    lock_climbs,
    owed_climbs,
    settle_due,
)
from hutong.groups.operations.teams import (
    Locked,
    confirm,
    fail_due,
    forget_members,
    leave,
    lock,
    owed,
    release,
    stay,
    take,
)

__all__ = [
    "Climbing", "HelpCut", "Locked", "OpenBargain", "Owed", "TakeBargain", "buy_bargains", "climb", "climb_again",
    "climb_down", "climbs_done", "confirm", "end_bargains", "fail_due", "forget_members", "free_bargains",
    "help_cut", "leave", "lock", "lock_climbs", "open_bargains", "owed", "owed_climbs", "release", "settle_due",
    "stay", "take", "take_bargains",
]  # fmt: skip
