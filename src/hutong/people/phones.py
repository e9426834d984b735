"""Phone numbers: one written form for each number, so that one number is one member."""

import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

_SILENT = {PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE,
           PhoneNumberType.SHARED_COST, PhoneNumberType.UAN, PhoneNumberType.VOICEMAIL}  # fmt: skip


def normalise(typed: str, region: str = "CN") -> str | None:
    """The number in international form (+8613800138000); None when it cannot receive a message.

    Spaces, signs and full-width digits are understood; without a country code it is a number of `region`.
    """
    words = unicodedata.normalize("NFKC", typed).strip()
    if not 6 <= len(words) <= 32:
        return None
    if words.startswith("00"):
        words = "+" + words[2:]
    try:
        number = phonenumbers.parse(words, region)
    except NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) in _SILENT:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
