"""Numbers and secrets of printed cards: sixteen digits of which the last one checks the others, and ten letters."""

import hashlib
import re
import secrets
import unicodedata

from hutong.kit.ids import ALPHABET

DIGITS = 16
LETTERS = 10  # fifty bits: with five guesses an hour nobody finds one
_GAPS = re.compile(r"[\s\-·.]+")
_MARK = re.compile(r"(?:^|/)HTC1\.(\d{16})$")


def check_digit(digits: str) -> str:
    """The digit that makes a number good by Luhn's rule (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_number(text: str) -> bool:
    """Whether it may be the number of a card: so many digits, and the last one fits."""
    return len(text) == DIGITS and text.isascii() and text.isdigit() and check_digit(text[:-1]) == text[-1]


def fresh_numbers(count: int) -> list[str]:
    """That many random numbers; the first digit is never zero, so that a spreadsheet keeps them."""
    found: dict[str, None] = {}
    while len(found) < count:
        digits = f"{secrets.randbelow(9) + 1}{secrets.randbelow(10 ** (DIGITS - 2)):0{DIGITS - 2}d}"
        found[digits + check_digit(digits)] = None
    return list(found)


def fresh_secrets(count: int) -> list[str]:
    """That many random secrets, in letters that cannot be mistaken for each other."""
    return ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)).upper() for _ in range(count)]


def digest(number: str, secret: str) -> bytes:
    """What is stored of a secret: it cannot be read back."""
    return hashlib.sha256(f"{number}:{tidy_secret(secret)}".encode()).digest()


def tidy_secret(text: str) -> str:
    """A secret as it is compared: capitals, no gaps, and what people mistake (i, l, o) as it is meant."""
    plain = _GAPS.sub("", unicodedata.normalize("NFKC", text)).upper()
    return plain.translate(str.maketrans("ILO", "110"))


def read_number(text: str) -> str | None:
    """The number in what was typed or scanned (`HTC1.<number>`, also at the end of a link); None when there is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _MARK.search(plain.upper())
    digits = found[1] if found else _GAPS.sub("", plain)
    return digits if is_number(digits) else None


def number_text(number: str) -> str:
    """What the QR code of a printed card says."""
    return f"HTC1.{number}"
