"""Chinese names in Latin letters, so that people can sort and search them without a Chinese keyboard."""

import re

from pypinyin import Style, lazy_pinyin

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def pinyin(words: str) -> str:
    """上海 as "shanghai"; what is Latin already stays, in lower case, without spaces or signs."""
    return _SEPARATORS.sub("", "".join(lazy_pinyin(words)).lower())


def initials(words: str) -> str:
    """上海 as "sh"; of Latin words the whole word."""
    return _SEPARATORS.sub("", "".join(lazy_pinyin(words, style=Style.FIRST_LETTER)).lower())


def spell(words: str) -> str:
    """Both spellings for a search column: 兰州拉面 as "lanzhoulamian lzlm"; once when they are the same."""
    full, short = pinyin(words), initials(words)
    return full if full == short else f"{full} {short}"
