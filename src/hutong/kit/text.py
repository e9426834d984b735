"""A sentence in the two languages of the house."""

from msgspec import Struct

LANGUAGES = ("zh", "en")


class Text(Struct, gc=False, frozen=True):
    """What people read. Both languages are always there; a merchant who gives one gives it twice."""

    zh: str
    en: str

    def in_(self, language: str) -> str:
        """The sentence in `language` ("zh", "zh-CN", "en", ...); English for a language we do not speak."""
        return self.zh if language.lower().startswith("zh") else self.en

    def fill(self, facts: dict[str, object]) -> "Text":
        """The sentence with its {placeholders} filled in; an unknown one stays visible instead of failing."""
        known = _Facts(facts)
        return Text(zh=self.zh.format_map(known), en=self.en.format_map(known))

    @classmethod
    def both(cls, words: str) -> "Text":
        return cls(zh=words, en=words)


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
