"""Telling a fault of the house (connection, lock, time-out) from a fault of what was asked."""

import psycopg

from hutong.infra.db import OutcomeUnknown
from hutong.kit.refusals import Busy, Unclear


def of_the_house(error: BaseException) -> bool:
    """Whether trying the same again later may succeed: the data of the request are not the cause."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | OutcomeUnknown | Busy | Unclear)
