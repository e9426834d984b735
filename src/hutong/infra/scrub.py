"""Text and values with secrets, phone numbers and control characters taken out: for the log, and whatever leaves us.

It hides too much rather than too little: a long run of digits goes, whatever it was.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"
DIGITS = "[digits]"
LONGEST_TEXT = 4_000
LONGEST_LIST = 50
DEEPEST = 6

_SECRET_WORDS = frozenset(
    re.findall(
        r"\w+",
        """password passwd passphrase pwd pin secret secrets token tokens otp code codes authorization auth cookie
        cookies csrf session sessionid credential credentials signature phone phones mobile tel telephone msisdn apikey
        dsn openid unionid email""",
    )
)
_KEY_KINDS = frozenset({"api", "access", "private", "secret", "signing", "master", "encryption"})
# Codes that tell what happened and open nothing.
_CODE_KINDS = frozenset({"status", "error", "exit", "return", "refusal", "reason", "country", "currency"})
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

# Ours or everybody's identifiers, which are no secrets and may contain long runs of digits: kept as they are.
_KEPT = (
    r"(?P<kept>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b[a-z]{3}_(?:\d{1,9}_)?[0-9a-z]{26}\b)"
)
_PHONE = (
    r"(?P<digits>(?<!\d)(?:\+?86[\s-]?)?1[3-9]\d(?:[\s-]?\d{4}){2}(?!\d)"  # a Chinese mobile, also next to letters
    r"|\+\d[\d\s().-]{6,18}\d"  # an international number as people write it
    r"|(?<![\dA-Za-z_.])0\d{2,3}-\d{7,8}(?!\d)"  # a Chinese landline
    r"|(?<!\d)\d{4}[ -]\d{4}[ -]\d{4}(?!\d)"  # a typed voucher code as it is printed
    r"|(?<![\dA-Za-z_.])\d{10,15}(?![\dA-Za-z_]))"  # any long number standing alone
)
_LONG_NUMBERS = re.compile(f"{_KEPT}|{_PHONE}")

_OPEN_SECRETS = (
    (re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"(?i)\b((?:set-)?cookie)\b[\"']?\s*[:=]\s*[^\r\n]*"), rf"\1: {HIDDEN}"),
    (re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;)]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),  # a signed token (JWT)
    (re.compile(r"\bhutong_(live|test)_[\w-]+"), rf"hutong_\1_{HIDDEN}"),
    (re.compile(r"\bHT1\.[\w.-]+"), f"HT1.{HIDDEN}"),  # what a voucher's QR says
    (re.compile(r"(密码|口令|密钥|令牌)(\s*(?:[:：=]|是|为)\s*)[^\s,，;；]+"), rf"\1\2{HIDDEN}"),
    (
        re.compile(r"(?i)(验证码|券码|(?<![a-z_])code|\botp|\bpin)(\W{0,3}(?:is|是|为)?\W{0,3})\d{4,8}(?!\d)"),
        rf"\1\2{DIGITS}",
    ),
)
_KEY = re.compile(r"(?P<quote>[\"']?)\b(?P<key>[A-Za-z][\w-]{1,60})(?P=quote)\s*[=:]\s*")
_VALUE = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|(?:\[digits\]|\[hidden\])?(?:[^\s,;&)}\]\"']+)?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def is_secret(key: str) -> bool:
    """Whether a field of this name holds what must not be read: `api_key`, `userToken`, `X-Phone`."""
    words = [word.lower() for word in _WORDS.findall(key)]
    for before, word in zip([None, *words], words, strict=False):
        if word in ("code", "codes") and before in _CODE_KINDS:
            continue
        if word in _SECRET_WORDS or (word in ("key", "keys") and before in _KEY_KINDS):
            return True
    return False


def text(value: str) -> str:
    """The text without secrets and long numbers; too long a text is cut."""
    if len(value) > LONGEST_TEXT:
        value = f"{value[:LONGEST_TEXT]} … ({len(value) - LONGEST_TEXT} more)"
    for pattern, instead in _OPEN_SECRETS:
        value = pattern.sub(instead, value)
    value = _LONG_NUMBERS.sub(lambda found: found["kept"] or DIGITS, value)
    return _without_pairs(value)


def _without_pairs(value: str) -> str:
    """`token=...`, `"password": "..."`: the value goes, the name stays."""
    kept, at = [], 0
    for found in _KEY.finditer(value):
        if found.start() >= at and is_secret(found["key"]):
            shown = _VALUE.match(value, found.end())
            end = shown.end() if shown else found.end()
            word = value[found.end() : end]
            kept += [value[at : found.end()], word if word.strip("\"'") in ("", HIDDEN, DIGITS) else HIDDEN]
            at = end
    return "".join([*kept, value[at:]])


def value(given: Any, depth: int = 0) -> Any:
    """Any value as plain data without secrets: texts, numbers, lists, dicts. Objects are shown by their repr."""
    if given is None or isinstance(given, bool | float):
        return given
    if isinstance(given, int):
        return DIGITS if _LONG_NUMBERS.fullmatch(str(abs(given))) and abs(given) < 10**15 else given
    if isinstance(given, str):
        return text(given)
    if isinstance(given, bytes | bytearray | memoryview):
        return f"[{len(given)} bytes]"
    if depth >= DEEPEST:
        return "…"
    if isinstance(given, Mapping):
        return fields(given, depth + 1)
    if isinstance(given, list | tuple | set | frozenset):
        items = [value(item, depth + 1) for item in list(given)[:LONGEST_LIST]]
        return items if len(given) <= LONGEST_LIST else [*items, f"… ({len(given) - LONGEST_LIST} more)"]
    return text(_shown(given))


def fields(given: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """A dict without secrets: by the name of the field, and by what its value looks like."""
    return {
        text(str(key)): HIDDEN if is_secret(str(key)) and not _says_nothing(item) else value(item, depth)
        for key, item in given.items()
    }


def _says_nothing(item: Any) -> bool:
    return item is None or isinstance(item, bool) or (isinstance(item, str) and not item)


def _shown(given: Any) -> str:
    try:
        own_words = isinstance(given, BaseException) or type(given).__str__ is not object.__str__
        return str(given) if own_words else repr(given)
    except Exception as error:
        return f"[{type(given).__name__} that cannot be shown: {type(error).__name__}]"


def escape(value: str, *, lines: bool = False) -> str:
    """Control characters and hidden direction marks as visible escapes, so that no text can forge a line of the log.

    lines: line breaks stay.
    """
    return _CONTROL.sub(lambda found: found[0] if lines and found[0] == "\n" else _escaped(found[0]), value)


def _escaped(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
