"""What may be kept of a search so that others see it: short words without numbers, in one spelling. Pure."""

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"[0-9]{3}")
_LEAST, _MOST = 2, 20


def term_of(text: str) -> str | None:
    """The search as it is counted: half width, lower case, one space between words; None for what is not kept.

    Not kept: one letter, a sentence, anything with three digits in a row (phones, plates, codes), and what has other
    signs than those of names (addresses of people, markup).
    """
    words = _SPACES.sub(" ", unicodedata.normalize("NFKC", text[:200])).strip().lower()
    if not _LEAST <= len(words) <= _MOST or _NUMBER.search(words):
        return None
    if not all(char.isalnum() or char in " -·&'" for char in words):
        return None
    digits = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else " " for char in words)
    return None if _NUMBER.search(digits) else words
