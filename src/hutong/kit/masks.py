"""How personal data is shown: enough to recognise oneself, too little to be of use to others."""

_KEEP_HEAD = 3


def phone_tail(phone: str) -> str:
    """The last four digits of a number: what a counter reads aloud."""
    return "".join(c for c in phone if c.isdigit())[-4:]


def mask_phone(phone: str) -> str:
    """+8613800138000 as 138****8000; the country is left out for China and kept for others."""
    national = phone.removeprefix("+86")
    if len(national) < _KEEP_HEAD + 3 + 4:  # at least three digits stay hidden
        return "****" + phone_tail(phone)
    return f"{national[:_KEEP_HEAD]}****{phone_tail(phone)}"


def mask_name(name: str) -> str:
    """王小明 as 王**, Ann Lee as A** L**; always two stars, so that the length tells nothing."""
    return " ".join(part[0] + "**" for part in name.split()) or "**"


def shown_name(name: str, tail: str, language: str) -> str:
    """The name a member chose, or a neutral one made of the last digits of the phone."""
    if name:
        return name
    return f"会员{tail}" if language.lower().startswith("zh") else f"Member {tail}"
