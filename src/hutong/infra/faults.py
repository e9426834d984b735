"""Telling a fault of the house (connection, lock, time-out) from a fault of what was asked."""

import psycopg

from hutong.infra.db import OutcomeUnknown
from hutong.kit.refusals import Busy, Unclear


def of_the_house(error: BaseException) -> bool:
    """Whether trying the same again later may succeed: the data of the request are not the cause."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | OutcomeUnknown | Busy | Unclear)


def as_refusal(error: BaseException) -> Busy | Unclear:
    """What is told of a fault of the house: that nothing was done, or that this is not known yet."""
    return Unclear(retry_after=2) if isinstance(error, OutcomeUnknown | Unclear) else Busy(retry_after=2)
