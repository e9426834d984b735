"""Telling a fault of the house (connection, lock, time-out) from a fault of what was asked."""

import psycopg

from hutong.infra.db import OutcomeUnknown
from hutong.kit.refusals import BadInput, Busy, Unclear

_CHARACTERS = (psycopg.errors.UntranslatableCharacter, psycopg.errors.CharacterNotInRepertoire)


def of_the_house(error: BaseException) -> bool:
    """Whether trying the same again later may succeed: the data of the request are not the cause."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | OutcomeUnknown | Busy | Unclear)


def unwritable(error: BaseException) -> BadInput | None:
    """What to say of a request with a character that no table can hold (U+0000), wherever it stood; None for any other
    error."""
    if isinstance(error, _CHARACTERS) or (isinstance(error, psycopg.DataError) and "NUL" in str(error)):
        return BadInput(field="text", why="U+0000")
    return None


def as_refusal(error: BaseException) -> Busy | Unclear:
    """What is told of a fault of the house: that nothing was done, or that this is not known yet."""
    return Unclear(retry_after=2) if isinstance(error, OutcomeUnknown | Unclear) else Busy(retry_after=2)
