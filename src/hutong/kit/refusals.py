"""A refusal: the request was understood and cannot be done. It has a name, a code, its facts and a next step.

Inside set operations a refusal is a value in the list of results; at the edge it is raised and becomes
`application/problem+json` or a page. Nothing below the faces reads `status`.
"""

from collections.abc import Mapping
from typing import ClassVar

from hutong.kit.text import Text

Fact = str | int | bool | None | list[str]


class Refusal(Exception):
    """Base of all refusals. A subclass says `code`, `status`, `say` and `step`; facts fill the placeholders.

    `words`: how people call the values of a fact. Machines read `in_review`, sentences say 审核中 and "in review".
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    say: ClassVar[Text] = Text(zh="这个操作无法完成。", en="This cannot be done.")
    step: ClassVar[Text] = Text(zh="请稍后再试。", en="Please try again later.")
    words: ClassVar[Mapping[str, Mapping[str, Text]]] = {}
    known: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init__(self, **facts: Fact) -> None:
        super().__init__(self.code)
        self.facts: dict[str, Fact] = facts

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} has no code of its own")
        other = Refusal.known.get(cls.code)
        if other is not None and other.__qualname__ != cls.__qualname__:
            raise TypeError(f"the code {cls.code!r} belongs to {other.__name__} already")
        Refusal.known[cls.code] = cls

    def sentence(self) -> Text:
        """What happened, with the facts filled in."""
        return self._filled(self.say)

    def next_step(self) -> Text:
        """What the reader can do now."""
        return self._filled(self.step)

    def _filled(self, template: Text) -> Text:
        zh: dict[str, object] = dict(self.facts)
        en: dict[str, object] = dict(self.facts)
        for name, fact in self.facts.items():
            if name in self.words or isinstance(fact, list):
                text = self._in_words(name, fact)
                zh[name], en[name] = text.zh, text.en
        return Text(zh=template.fill(zh).zh, en=template.fill(en).en)

    def _in_words(self, name: str, fact: Fact) -> Text:
        """A value, or each of a list, as people call it; one that has no words stands as it is."""
        table = self.words.get(name, {})
        each = [table.get(str(value), Text.both(str(value))) for value in (fact if isinstance(fact, list) else [fact])]
        return Text(zh="、".join(text.zh for text in each), en=", ".join(text.en for text in each))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.facts == self.facts  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.code, repr(sorted(self.facts.items(), key=lambda item: item[0]))))

    def __repr__(self) -> str:
        facts = ", ".join(f"{k}={v!r}" for k, v in self.facts.items())
        return f"{type(self).__name__}({facts})"

    @staticmethod
    def restore(code: str, facts: dict[str, Fact]) -> "Refusal":
        """The refusal that was stored as (code, facts): same class, same sentence."""
        return Refusal.known.get(code, Refusal)(**facts)


class NotFound(Refusal):
    """It does not exist, or the asker may not see it: both look the same."""

    code = "not_found"
    status = 404
    say = Text(zh="没有找到。", en="Nothing was found here.")
    step = Text(zh="请检查链接，或返回上一页。", en="Check the link or go back.")


class NotSignedIn(Refusal):
    """No valid session or key came with the request."""

    code = "not_signed_in"
    status = 401
    say = Text(zh="请先登录。", en="Please sign in first.")
    step = Text(zh="用手机号登录后再试。", en="Sign in with your phone number, then try again.")


class NotAllowed(Refusal):
    """Signed in, but without the permission that this needs."""

    code = "not_allowed"
    status = 403
    say = Text(zh="您没有权限进行此操作。", en="You are not allowed to do this.")
    step = Text(zh="请联系店主或管理员。", en="Ask the owner of the shop or an administrator.")


class BadInput(Refusal):
    """A field of the request cannot be understood."""

    code = "bad_input"
    status = 422
    say = Text(zh="「{field}」填写有误：{why}", en="“{field}” cannot be used: {why}")
    step = Text(zh="请修改后重新提交。", en="Correct it and send it again.")


class TooManyTries(Refusal):
    """A limit of tries per time was reached."""

    code = "too_many_tries"
    status = 429
    say = Text(zh="操作过于频繁。", en="Too many tries in a short time.")
    step = Text(zh="请在 {wait_seconds} 秒后再试。", en="Try again in {wait_seconds} seconds.")


class Busy(Refusal):
    """The house is full for the moment; nothing was done."""

    code = "busy"
    status = 503
    say = Text(zh="当前人数较多，请稍候。", en="Many people are here right now.")
    step = Text(
        zh="请在 {retry_after} 秒后重试，不会重复扣款。",
        en="Try again in {retry_after} seconds; nothing was charged.",
    )


class Unclear(Refusal):
    """The database went away while committing: the effect may or may not be there. The same key brings the answer."""

    code = "outcome_unknown"
    status = 503
    say = Text(zh="暂时无法确认是否已完成。", en="We cannot tell yet whether this was done.")
    step = Text(
        zh="请在 {retry_after} 秒后用同一请求重试，不会重复执行。",
        en="Send the same request again in {retry_after} seconds; it is never done twice.",
    )
