"""What is done with points: each verb takes a list and answers with a list of the same length."""

from hutong.programmes.operations.claw import claw_back
from hutong.programmes.operations.earn import earn
from hutong.programmes.operations.move import fund, grant_missed, send
from hutong.programmes.operations.reference import (
    change_partners,
    close_programmes,
    join_partners,
    open_programmes,
    save_campaigns,
    save_programmes,
    set_policies,
)
from hutong.programmes.operations.spend import burn, confirm, give_back, hold, lock, release
from hutong.programmes.operations.sweep import expire, forget_members, mature, release_due

__all__ = [
    "burn", "change_partners", "claw_back", "close_programmes", "confirm", "earn", "expire", "forget_members", "fund",
    "give_back", "grant_missed", "hold", "join_partners", "lock", "mature", "open_programmes", "release",
    "release_due", "save_campaigns", "save_programmes", "send", "set_policies",
]  # fmt: skip
