"""The words of all messages, read once from `templates.toml`."""

import tomllib
from functools import cache
from importlib.resources import files

from hutong.kit.text import Text
from hutong.messages.model import Template


@cache
def templates() -> dict[str, Template]:
    """All messages by name."""
    data = tomllib.loads(files(__package__ or "").joinpath("templates.toml").read_text(encoding="utf-8"))
    return {
        name: Template(name=name, words=Text(zh=words["zh"], en=words["en"]), secret=frozenset(words["secret"]))
        for name, words in data.items()
    }
