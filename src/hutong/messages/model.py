"""Messages as values: what is asked for, what goes to the provider, what came back."""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

_PLACE = re.compile(r"\{(\w+)\}")


class Template(Struct, frozen=True, kw_only=True):
    """The words of one kind of message, and which of its facts are secret."""

    name: str
    words: Text
    secret: frozenset[str]

    @property
    def needs(self) -> frozenset[str]:
        """The facts that the words speak of."""
        return frozenset(_PLACE.findall(self.words.zh) + _PLACE.findall(self.words.en))


class Send(Struct, frozen=True, kw_only=True):
    """Ask for a message. `phone` in international form; the id is new, from the edge."""

    message_id: UUID
    phone: str
    template: str
    facts: dict[str, str | int] = {}
    language: str = "zh"


class OutgoingSms(Struct, frozen=True, kw_only=True):
    """What the provider gets. Lives in memory only: it carries the number and the secret."""

    message_id: UUID
    phone: str
    template: str
    language: str
    facts: dict[str, str | int]
    text: str
    masked: str  # the same text with its secrets starred out, for logs
    recipient: bytes


class Accepted(Struct, frozen=True, tag=True):
    """The provider took it; `reference` is its number there."""

    reference: str


class Rejected(Struct, frozen=True, tag=True):
    """The provider will not send it; nothing was sent."""

    reason: str


class Unknown(Struct, frozen=True, tag=True):
    """No answer came: it may or may not have been sent."""

    reason: str


Outcome = Accepted | Rejected | Unknown


class Delivered(Struct, frozen=True, kw_only=True):
    """What became of one message at which provider."""

    message: OutgoingSms
    provider: str
    outcome: Outcome


class SentMessage(Struct, frozen=True, kw_only=True):
    """A line of the log."""

    message_id: UUID
    tail: str
    template: str
    language: str
    facts: dict[str, str | int]
    queued_at: datetime
    status: Literal["queued", "accepted", "rejected", "unknown"]
    settled_at: datetime | None
    provider: str | None
    reference: str | None
    reason: str | None


class UnknownTemplate(Refusal):
    """There are no such words."""

    code = "unknown_template"
    status = 422
    say = Text(zh="没有名为「{template}」的短信模板。", en="There is no message called “{template}”.")
    step = Text(zh="请检查模板名称。", en="Check the name of the message.")


class BadFacts(Refusal):
    """The words speak of something that was not said."""

    code = "bad_facts"
    status = 422
    say = Text(zh="短信「{template}」缺少内容：{missing}。", en="The message “{template}” lacks: {missing}.")
    step = Text(zh="请补充缺少的内容。", en="Add what is missing.")


def recipient_of(secret: bytes, phone: str) -> bytes:
    """Who got it, for counting and for proof, without the number."""
    return hmac.new(secret, f"recipient|{phone}".encode(), hashlib.sha256).digest()


def compose(send: Send, template: Template, *, secret: bytes) -> OutgoingSms | BadFacts:
    """The message in its language, or what is missing for it."""
    missing = sorted(template.needs - set(send.facts))
    if missing:
        return BadFacts(template=template.name, missing=missing)
    language = "zh" if send.language.lower().startswith("zh") else "en"
    starred = {k: "******" if k in template.secret else v for k, v in send.facts.items()}
    return OutgoingSms(
        message_id=send.message_id,
        phone=send.phone,
        template=template.name,
        language=language,
        facts=send.facts,
        text=template.words.fill(dict(send.facts)).in_(language),
        masked=template.words.fill(dict(starred)).in_(language),
        recipient=recipient_of(secret, send.phone),
    )
