"""The port through which text messages leave the house."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from hutong.messages.model import Accepted, Delivered, Outcome, OutgoingSms, Rejected, Unknown

TIMEOUT_S = 10.0


class SmsUnknown(Exception):
    """The provider did not answer in a way that tells whether it sent the message."""


class Sms(Protocol):
    """A provider of text messages. The exam every adapter sits is `tests/exams/sms_exam.py`.

    `send` is safe to repeat: the same `message_id` is sent once and answered alike. It raises SmsUnknown when
    nobody can tell; it never raises for a message that the provider refused.
    """

    name: str

    async def send(self, message: OutgoingSms) -> Accepted | Rejected: ...


async def deliver(
    sms: Sms, messages: Sequence[OutgoingSms], *, timeout_s: float = TIMEOUT_S
) -> list[Delivered]:  # fmt: skip
    """Send all at once and say what became of each. Never call it inside a transaction."""
    outcomes = await asyncio.gather(*(_one(sms, message, timeout_s) for message in messages))
    return [
        Delivered(message=message, provider=sms.name, outcome=outcome)
        for message, outcome in zip(messages, outcomes, strict=True)
    ]


async def _one(sms: Sms, message: OutgoingSms, timeout_s: float) -> Outcome:
    try:
        async with asyncio.timeout(timeout_s):
            return await sms.send(message)
    except TimeoutError:
        return Unknown(f"no answer within {timeout_s:g} s")
    except (SmsUnknown, OSError) as error:
        return Unknown(str(error)[:200] or type(error).__name__)
