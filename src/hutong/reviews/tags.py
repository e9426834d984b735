"""The dictionary of tags: data in two languages. A tag that is kept is a key of it, so it is read in any language."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from hutong.kit.text import Text

Mood = Literal["good", "bad"]
HAPPY = 4  # stars from which a visit went well


class Tag(Struct, frozen=True, forbid_unknown_fields=True):
    """One tag. `trades` empty: for every shop."""

    zh: str
    en: str
    mood: Mood
    trades: tuple[str, ...] = ()

    @property
    def words(self) -> Text:
        return Text(zh=self.zh, en=self.en)


@cache
def tags() -> dict[str, Tag]:
    """All tags by key, in the order in which they are offered."""
    text = files("hutong.reviews").joinpath("tags.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Tag])


def tags_for(trade: str, mood: Mood) -> dict[str, Tag]:
    """What is offered for a shop of this trade."""
    return {key: tag for key, tag in tags().items() if tag.mood == mood and (not tag.trades or trade in tag.trades)}


def mood_of(stars: int) -> Mood:
    """How a visit with so many stars went."""
    return "good" if stars >= HAPPY else "bad"
